"""An nn.Module built on meta, borrowed for a while, and put back as it was."""
