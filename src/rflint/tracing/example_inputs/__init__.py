"""What a model is fed while it is traced."""
