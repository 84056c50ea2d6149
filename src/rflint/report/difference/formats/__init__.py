"""Differences in the formats that people and programs read: one module each, with a `write`."""
