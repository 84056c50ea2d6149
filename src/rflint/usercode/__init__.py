"""The user's code: targets, imports, places in its source, and keeping it from harm."""
