"""The models of the paper, named as its figures name them, and small ones that tests share."""
