"""What a piece of code does with a truth value that nobody knows: asserts it, warns, or more.

`assert (a == b).all()` and `if not torch.equal(a, b): raise` are guards, and meant to hold: the
model goes on as if they did. `if x.abs().mean() > 50: print("large")` goes on alike either way. All
else that hangs on values leads to another model, and nobody can tell which.
"""
