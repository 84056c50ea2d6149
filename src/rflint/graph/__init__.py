"""The architecture: a traced model as plain data, and the questions one asks of its graph."""
