"""The parameters that a layer's kernel and bias are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rflint.graph.layer import Rearrangement
from rflint.tracing.lowering.lowered_call import LoweredCall
from rflint.tracing.lowering.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Kernel:
    """The parameters of a kernel, and how their numbers lie there."""

    names: tuple[str, ...] = ()
    order: tuple[Rearrangement, ...] | None = None
    """How they are rearranged; None where that is not known."""
    mixed: bool = False
    """Whether numbers have an influence on others, too."""


def kernel_of(
    lowered: LoweredCall, parameters: Parameters, sizes: Sequence[tuple[str, int]]
) -> Kernel:
    """The kernel of a call, whose parameters are of these sizes."""
    if not lowered.effect.weights:
        return Kernel()
    names, arrangement = parameters.of_argument(lowered, "weight", 1)
    if arrangement is None:
        return Kernel(names)
    # of a weight that is normalised, another parameter holds the norms
    largest = max((size for name, size in sizes if name in names), default=0)
    whole = {name for name, size in sizes if name in names and size == largest}
    orders = {order for name, order in arrangement.orders if name in whole}
    return Kernel(names, orders.pop() if len(orders) == 1 else None, arrangement.mixed)


def bias_of(lowered: LoweredCall, parameters: Parameters) -> tuple[str, ...]:
    """The parameters of a call's bias."""
    row = lowered.step.row
    position = row.bias_at if row is not None else 2
    names, _ = parameters.of_argument(lowered, "bias", position)
    return names
