"""Changes as statements about a model, and a copy of the model that they are run on."""
