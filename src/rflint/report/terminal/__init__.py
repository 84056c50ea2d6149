"""The parts of a report on a terminal: the table of layers, and what to do about them."""
