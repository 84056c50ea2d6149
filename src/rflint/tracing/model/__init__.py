"""An nn.Module built on meta, temporarily_on_meta for a while, and put back as it was."""
