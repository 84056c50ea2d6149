"""Running a trained model on data, and what its layers are measured by."""
