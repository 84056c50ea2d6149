"""What a model is fed while it is traced: tensors without storage, of shapes given or inferred."""
