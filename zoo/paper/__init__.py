"""The networks of the paper, at any width."""
