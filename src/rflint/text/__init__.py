"""How numbers, untrusted text and suggestions are written."""
