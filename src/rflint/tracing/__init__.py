"""A model is built, recorded and lowered: from an nn.Module to a graph.Architecture, by torch.

model (built, on the meta device) -> example_inputs -> recording (a torch.fx graph) -> lowering

Nothing else leaves this package than an architecture; whoever analyses it needs no torch.
"""
