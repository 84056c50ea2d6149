"""The models of the paper, in our own code, named as the paper's figures name them."""
