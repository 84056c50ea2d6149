"""An nn.Module: built, kept on the meta device for a while, and left as it was."""
