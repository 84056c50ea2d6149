"""At which sizes a model runs that does not run at the one that was asked for.

`say_where_it_runs` (say.py) puts it into the hint of the error: a first size is found (likely.py),
what its trace says of others is known (alike.py), and the nearest ones are searched (nearest.py).
Every size that is proposed was tried (tries.py).
"""
