"""From a model to its architecture: built, recorded, lowered. This side of rflint knows torch."""
