"""How numbers, names and suggestions are written for people."""
