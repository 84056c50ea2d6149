"""What `rflint sizes` writes: a model at every size of a range."""
