"""The paper's figure of a model: how receptive fields grow past the size of the input."""
