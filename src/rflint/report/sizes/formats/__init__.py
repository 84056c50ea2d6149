"""The formats of what `rflint sizes` writes: one module each."""
