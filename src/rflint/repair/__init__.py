"""Repairs: changes forecast on the graph, made to a copy of the model, and analysed again."""
