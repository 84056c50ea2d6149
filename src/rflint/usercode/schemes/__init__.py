"""Targets that name a model of a package, or a file that describes one: one module a scheme."""
