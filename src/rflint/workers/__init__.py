"""Processes of their own for the user's code: what it does there costs its own answer only.

A worker (`worker.py`) is a fresh process that imports torch once. For every order it forks a child
(`limited.py`), which runs the user's code within limits and answers. `process.py` is a worker as
seen from outside, `pool.py` several of them.
"""
