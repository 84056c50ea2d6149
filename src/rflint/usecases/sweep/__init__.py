"""Lint a search space, a zoo, or whatever number of models, on one machine or on many.

`sources.py` says which models there are, `run.py` makes batches of them and writes what comes back,
`batch.py` is what happens to a batch wherever that is, `executors.py` is where.
"""
