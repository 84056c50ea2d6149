"""rflint: a static architecture linter for PyTorch model definitions."""

__version__ = "0.1.0"
