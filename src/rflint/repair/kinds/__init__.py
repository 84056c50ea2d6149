"""The kinds of repairs: one module each, which registry.py names."""
