"""Reports in the formats that people and programs read: one module each, named after its format.

Each has a function `write` (see `Reporter` in reporters.py).
"""
