"""What a trained model shows of rflint's predictions: saturation, probes, effective fields."""
