"""The user's code: what a target names, how it is imported, and lines of its source."""
