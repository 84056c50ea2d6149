"""Whether images can be cut into tiles, so that the results put together are that of the whole.

`find_tiling` (find.py) asks; `Tiling` (tiling.py) or `NotTileable` (obstacles.py) is the answer.
"""
