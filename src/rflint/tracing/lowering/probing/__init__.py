"""Operators that are in no table: what they read is measured by running them."""
