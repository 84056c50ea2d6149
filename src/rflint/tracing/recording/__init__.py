"""One forward pass, recorded as a torch.fx graph."""
