"""Weights that can never do anything at this input size: their taps only ever meet zero padding.

Where a kernel is padded with zeros, a tap whose every position lies in the padding multiplies zeros
in every window. Its product is zero whatever the weight, and the gradient of the weight is zero.
The map along each dimension decides by itself, so the live taps of a kernel are all combinations
of those that are live along each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from rflint.architecture import Architecture, Layer, users_of_parameters
from rflint.passes import is_steady, other_passes

if TYPE_CHECKING:
    from rflint.analysis import Analysis


@dataclass(frozen=True, slots=True)
class Kernel:
    """The kernel of a convolution, over all calls that share it."""

    calls: tuple[int, ...]
    """Indices of these layers."""
    weight: tuple[str, ...]
    """The parameters that it is made of."""
    size: tuple[int, ...]
    """Taps per dimension."""
    live: tuple[tuple[int, ...], ...]
    """Along each dimension, the taps that meet data in some call."""
    taps: int
    """How many of all taps meet data in some call."""
    weights: int
    """The scalars of the kernel: taps times pairs of channels."""
    mixed: bool = False
    """Whether it is normalised: numbers of its parameter have an influence on all of its taps."""

    @property
    def dead(self) -> int:
        """The weights whose taps meet no data in any call."""
        whole = prod(self.size)
        return self.weights // whole * (whole - self.taps)


def kernels(*passes: Architecture) -> tuple[Kernel, ...]:
    """The kernels of all convolutions that are made of parameters, by their first call.

    Over all calls in these passes of a model; calls are counted on from one pass to the next.
    Without those whose parameters something else uses too (a difference convolution subtracts the
    sum of its kernel, a penalty is returned), those that another call uses flipped or transposed,
    and those that have more taps than parameters (a filter and its rotations): a tap that meets no
    data says nothing of a parameter there.
    """
    layers = [layer for architecture in passes for layer in architecture.layers]
    otherwise = {name for architecture in passes for name in architecture.read_otherwise}
    calls: dict[tuple[tuple[str, ...], tuple[int, ...]], list[int]] = {}
    for index, layer in enumerate(layers):
        if layer.weight and layer.taps:
            size = tuple(taps.kernel for taps in layer.taps)
            calls.setdefault((layer.weight, size), []).append(index)
    users = users_of_parameters(layers)
    return tuple(
        _kernel(weight, size, [layers[i] for i in indices], indices)
        for (weight, size), indices in calls.items()
        if otherwise.isdisjoint(weight)
        and all(users.get(name, set()) <= set(indices) for name in weight)
        and _say_it_of_parameters([layers[i] for i in indices])
    )


def proved_kernels(
    analysis: Analysis, holds: Callable[[Kernel, Sequence[Layer]], bool]
) -> tuple[Kernel, ...]:
    """The kernels of which something holds in the analysed pass and in the others that are known.

    `holds` gets a kernel, and the layers that its calls are indices of.
    """
    own = analysis.architecture
    if not any(holds(kernel, own.layers) for kernel in kernels(own)) or not is_steady(analysis):
        return ()
    passes = (own, *other_passes(analysis))
    layers = [layer for architecture in passes for layer in architecture.layers]
    return tuple(
        kernel
        for kernel in kernels(*passes)
        if kernel.calls[0] < len(own.layers) and holds(kernel, layers)
    )


def dead_weights(architecture: Architecture, *others: Architecture) -> tuple[int, ...]:
    """Per layer, the dead weights of the kernel that it is the first to use.

    `others` are other passes of the model: what works there is not dead.
    """
    dead = [0] * len(architecture.layers)
    for kernel in kernels(architecture, *others):
        # a parameter that is normalised has a gradient through its statistics
        if kernel.calls[0] < len(dead) and not kernel.mixed:
            dead[kernel.calls[0]] = kernel.dead
    return tuple(dead)


def _say_it_of_parameters(calls: Sequence[Layer]) -> bool:
    """Whether the taps of a kernel, in these calls, are numbers of one parameter in one order."""
    first = calls[0]
    orders = {call.weight_order for call in calls}
    apart = all(set(call.weight).isdisjoint(call.bias) for call in calls)
    return (
        len(orders) == 1 and None not in orders and apart and _has_a_parameter_for_every_tap(first)
    )


def _has_a_parameter_for_every_tap(layer: Layer) -> bool:
    # of a weight that is normalised, another parameter holds the norms
    return max((n for name, n in layer.parameters if name in layer.weight), default=0) == (
        layer.weights
    )


def _kernel(
    weight: tuple[str, ...], size: tuple[int, ...], layers: Sequence[Layer], calls: Sequence[int]
) -> Kernel:
    mixed = any(layer.weight_mixed for layer in layers)
    in_each = {tuple(taps.live for taps in layer.taps) for layer in layers}
    if len(in_each) == 1:
        (live,) = in_each
        count = prod(map(len, live))
    else:
        together = {tap for live in in_each for tap in product(*live)}
        count = len(together)
        live = tuple(tuple(sorted({tap[d] for tap in together})) for d in range(len(size)))
    return Kernel(tuple(calls), weight, size, live, count, layers[0].weights, mixed)
