"""The kinds of repairs: one module each, and the registry that names them."""
