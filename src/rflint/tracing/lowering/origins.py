"""What a constant is made of: which parameters, and whether every number still has its place.

A kernel may be a parameter, or be computed from one: flipped, scaled, centred, or as the sum of
itself and its mirror image. What is said of its taps holds for the parameter where each number of
the parameter has become one number of the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.operators.call import Call
from rflint.operators.table import Row
from rflint.operators.values import Arrangement, Origins, Value

_FEW = 8
"""A kernel is made of fewer parameters; a sum of more is something else."""

_MOST_LOOKED_AT = 64
"""Of what is made of more than that, any number may have an influence on any other."""


def origins_of_constant(names: Sequence[str], values: Sequence[Value]) -> Origins:
    """Everything that a constant is computed from: parameters of a module, and other constants."""
    parts = tuple(dict.fromkeys(value.parameters for value in values if value.parameters))
    if len(parts) == 1 and not names:
        return parts[0]
    return Origins(tuple(names), parts)


def arrangement_of(
    spelling: str, row: Row | None, call: Call, shape: tuple[int, ...]
) -> Arrangement | None:
    """Where the numbers of parameters lie in a constant that a function computes."""
    values: list[Value] = call.tensors
    if not values or call.module is not None:
        return None
    first = values[0]
    if row is not None and Trait.KEEPS_NUMBERS in row.traits:
        return first.arrangement
    if spelling == "weight_norm" and first.arrangement is not None:
        return Arrangement(first.arrangement.orders, mixed=True)
    if row is not None and row.rearranges is not None:
        if first.arrangement is None or prod(first.shape) != prod(shape):
            return None
        how = row.rearranges(call)
        return Arrangement(
            tuple((name, (*order, how)) for name, order in first.arrangement.orders),
            first.arrangement.mixed,
        )
    pointwise = row is not None and (
        row.kind is Kind.ARITHMETIC
        or (row.kind is Kind.ACTIVATION and Trait.MIXES_CHANNELS not in row.traits)
    )
    if not pointwise:
        return None
    whole = [value for value in values if value.shape == shape and value.arrangement is not None]
    found: Arrangement | None = Arrangement()
    for value in whole:
        found = _joined(found, value.arrangement)
    if found is None or not found.orders:
        return None
    return Arrangement(found.orders, found.mixed or _mixes(found, values, whole))


def _joined(one: Arrangement | None, other: Arrangement | None) -> Arrangement | None:
    """Of two constants number by number; None if numbers of a parameter come from two places."""
    if one is None or other is None:
        return None
    orders = dict(one.orders)
    for name, order in other.orders:
        if orders.setdefault(name, order) != order:
            return None
    if len(orders) > _FEW:
        return None
    return Arrangement(tuple(orders.items()), one.mixed or other.mixed)


def _mixes(found: Arrangement, values: Sequence[Value], whole: Sequence[Value]) -> bool:
    """Whether numbers of a parameter reach others as well, through its mean, say."""
    names = {name for name, _ in found.orders}
    rest = [value for value in values if not any(value is x for x in whole)]
    for value in rest:
        others = value.parameters.few_names(_MOST_LOOKED_AT)
        if others is None or names & others:
            return True
    return False
