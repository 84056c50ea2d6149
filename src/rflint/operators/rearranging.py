"""Functions that put the numbers of a tensor elsewhere: where they come to lie.

What is known of a weight holds for the parameter that it is a rearrangement of.
"""

from __future__ import annotations

from rflint.graph.layer import Rearrangement
from rflint.operators.call import Call
from rflint.operators.shapes import shape_of


def as_permutation(call: Call) -> Rearrangement:
    """Dimensions in another order."""
    return Rearrangement("permute", order=tuple(new_order(call)))


def as_flip(call: Call) -> Rearrangement:
    """Dimensions the other way round."""
    return Rearrangement("flip", flipped=tuple(sorted(flipped_dimensions(call))))


def as_view(call: Call) -> Rearrangement:
    """Dimensions put together or taken apart; nothing happens if the shape stays."""
    shape = shape_of(call.result)
    if shape_of(call.input) == shape:
        return Rearrangement("permute", order=tuple(range(len(shape))))
    return in_another_way(call)


def in_another_way(call: Call) -> Rearrangement:
    """Elsewhere, without saying where: the same only for the same arguments."""
    shape = shape_of(call.result)
    return Rearrangement(f"{call.name} {call.args[1:]} {dict(call.kwargs)} {shape}")


def new_order(call: Call) -> list[int]:
    """Which dimension of its argument each dimension of the result is."""
    rank = len(shape_of(call.input))
    if call.name in ("t", "T", "H"):
        return list(reversed(range(rank)))
    order = list(range(rank))
    if call.name == "rot90":
        a, b = call.arg("dims", 2, (0, 1))
        if int(call.arg("k", 1, 1)) % 2 == 0:
            return order
    elif call.name in ("mT", "mH", "adjoint"):
        a, b = rank - 2, rank - 1
    elif call.name == "permute":
        dims = call.arg("dims", 1)
        dims = call.args[1:] if isinstance(dims, int) else dims
        return [int(d) % rank for d in dims]
    elif call.name in ("movedim", "moveaxis"):
        source, target = call.arg("source", 1), call.arg("destination", 2)
        sources = [source] if isinstance(source, int) else list(source)
        targets = [target] if isinstance(target, int) else list(target)
        placed = {t % rank: s % rank for s, t in zip(sources, targets, strict=True)}
        rest = iter(d for d in range(rank) if d not in placed.values())
        return [placed[d] if d in placed else next(rest) for d in range(rank)]
    else:
        a, b = int(call.arg("dim0", 1)) % rank, int(call.arg("dim1", 2)) % rank
    order[a], order[b] = order[b], order[a]
    return order


def flipped_dimensions(call: Call) -> frozenset[int]:
    """The dimensions that a flip mirrors."""
    given = call.arg("dims", 1, {"fliplr": 1, "flipud": 0}.get(call.name))
    dims = call.args[1:] if isinstance(given, int) and len(call.args) > 1 else given
    dims = (dims,) if isinstance(dims, int) else tuple(dims or ())
    return frozenset(int(dim) % len(call.input.shape) for dim in dims)
