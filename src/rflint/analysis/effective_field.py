"""How far the pixels that shape a value spread at initialisation, layer by layer from the graph.

A unit sees a window of r pixels, but those in the middle reach it along many more paths (Luo et
al., "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", 2016).
With independent weights the variance of a unit's gradient at an input position is a sum over paths,
and follows from the graph in one pass, like Eq. 1 of the paper. Where every tap of a window
contributes equal variance, a window of k taps at distance d widens the second central moment by

    var_l = var_{l-1} + j_{l-1}^2 * d^2 * (k^2 - 1) / 12

and branches mix by the variance that each brings: sums add it, concatenations share it out by
channels, the factors of a product count alike. Assumed besides: every layer keeps the variance of
what it reads (as convolutions do that are initialised by He et al., 2015), the border of the map
and attention gates play no part, and no branch begins with a scale of zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import exp, fsum, inf, log, prod, sqrt

from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT, Edge, Layer
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Reach, Window


@dataclass(frozen=True, slots=True)
class _Paths:
    """What the paths of one jump contribute to output position 0, along one axis."""

    log_variance: float = 0.0
    """The logarithm of all the variance that they bring; a thousand sums in a row overflow."""
    centre: float = 0.0
    """The mean of the input positions that they come from."""
    spread: float = 0.0
    """The second central moment of these positions, in square pixels."""


@dataclass(frozen=True, slots=True)
class _Contribution:
    """What a value is made of along one axis: bounded paths by jump, and whether others exist."""

    paths: Mapping[Number, _Paths] = field(default_factory=dict)
    unbounded: bool = False

    @property
    def log_variance(self) -> float:
        """The logarithm of all its variance; minus infinity where nothing bounded reaches it."""
        return _log_sum(paths.log_variance for paths in self.paths.values())

    def scaled(self, by: float) -> _Contribution:
        """With a logarithm added to all variances."""
        if not by or not self.paths:
            return self
        paths = {
            jump: replace(one, log_variance=one.log_variance + by)
            for jump, one in self.paths.items()
        }
        return _Contribution(paths, self.unbounded)

    @property
    def deviation(self) -> float | None:
        """The standard deviation of the positions; None where it is unbounded or not known."""
        if self.unbounded or not self.paths:
            return None
        return sqrt(_mixed(self.paths.values()).spread)


_PIXEL = _Contribution({1: _Paths()})
_NOTHING = _Contribution()


def effective_fields(architecture: Architecture) -> tuple[tuple[float | None, ...], ...]:
    """Per layer and axis, how far the input positions that shape an output position spread.

    The standard deviation in input pixels; None where it is unbounded, or not known. For layers in
    front of which an axis has not begun yet: 0.
    """
    axes = range(architecture.axes)
    pixels = tuple(_PIXEL if architecture.input_has(axis) else _NOTHING for axis in axes)
    values: list[tuple[_Contribution, ...]] = []

    def value(source: int) -> tuple[_Contribution, ...]:
        return pixels if source == INPUT else values[source]

    for layer in architecture.layers:
        edges = layer.feature_edges
        shares = _log_shares(layer, edges, architecture)
        made = dict(layer.new_axes)
        values.append(
            tuple(
                _PIXEL
                if axis in made
                else _behind(layer, axis, [value(edge.source)[axis] for edge in edges], shares)
                for axis in axes
            )
        )
    return tuple(tuple(_told(one) for one in written) for written in values)


def _told(contribution: _Contribution) -> float | None:
    begun = contribution.paths or contribution.unbounded
    return contribution.deviation if begun else 0.0


def _log_shares(
    layer: Layer, edges: tuple[Edge, ...], architecture: Architecture
) -> tuple[float, ...]:
    """By what the variance of each input counts, as a logarithm."""
    if layer.traits.isdisjoint((Trait.CONCATENATES, Trait.STACKS)):
        return (0.0,) * len(edges)
    sizes = [
        prod(architecture.inputs[0] if edge.source == INPUT else _shape(architecture, edge))
        for edge in edges
    ]
    return tuple(log(size / sum(sizes)) if size else -inf for size in sizes)


def _shape(architecture: Architecture, edge: Edge) -> tuple[int, ...]:
    return architecture.layers[edge.source].out_shape


def _behind(
    layer: Layer, axis: int, read: list[_Contribution], log_shares: tuple[float, ...]
) -> _Contribution:
    """What a layer's output is made of along an axis."""
    written = [
        _through(one.scaled(share), edge.reach[axis], layer, axis)
        for one, edge, share in zip(read, layer.feature_edges, log_shares, strict=True)
    ]
    if Trait.PRODUCT in layer.traits:
        written = _factors(written)
    return _joined(written)


def _through(before: _Contribution, reach: Reach, layer: Layer, axis: int) -> _Contribution:
    """Behind a window; every one of its taps contributes the same variance."""
    if reach == POINTWISE or not (before.paths or before.unbounded):
        return before
    if isinstance(reach, Extent):
        return _Contribution(unbounded=True)
    centre = float(reach.start + (reach.size - 1) / 2)
    spread = _spread(reach, layer, axis)
    paths = {
        jump * reach.stride: _Paths(
            paths.log_variance,
            paths.centre + float(jump) * centre,
            paths.spread + float(jump) ** 2 * spread,
        )
        for jump, paths in before.paths.items()
    }
    return _Contribution(paths, before.unbounded)


def _spread(window: Window, layer: Layer, axis: int) -> float:
    """The variance of the position of a tap that is drawn from a window."""
    kernel, dilation = layer.geometry.kernel[axis], layer.geometry.dilation[axis]
    if kernel is not None and dilation * (kernel - 1) + 1 == window.size:
        return float(dilation**2 * (kernel**2 - 1)) / 12
    return max(0.0, float(window.size**2 - 1) / 12)


def _factors(written: list[_Contribution]) -> list[_Contribution]:
    """d(xy) = x dy + y dx: each factor is weighted with the variance of the others."""
    logs = [one.log_variance for one in written if one.paths]
    return [
        one.scaled(fsum(logs) - one.log_variance - log(len(logs))) if one.paths else one
        for one in written
    ]


def _joined(written: list[_Contribution]) -> _Contribution:
    """All paths of several values; those of one jump become one mixture."""
    if len(written) == 1:
        return written[0]
    by_jump: dict[Number, list[_Paths]] = {}
    for one in written:
        for jump, paths in one.paths.items():
            by_jump.setdefault(jump, []).append(paths)
    return _Contribution(
        {jump: _mixed(several) for jump, several in by_jump.items()},
        any(one.unbounded for one in written),
    )


def _mixed(several: Iterable[_Paths]) -> _Paths:
    """The moments of a mixture, weighted by variance."""
    several = tuple(several)
    if len(several) == 1:
        return several[0]
    log_variance = _log_sum(paths.log_variance for paths in several)
    shares = [exp(paths.log_variance - log_variance) for paths in several]
    centre = fsum(share * paths.centre for share, paths in zip(shares, several, strict=True))
    spread = fsum(
        share * (paths.spread + (paths.centre - centre) ** 2)
        for share, paths in zip(shares, several, strict=True)
    )
    return _Paths(log_variance, centre, spread)


def _log_sum(logs: Iterable[float]) -> float:
    """The logarithm of the sum of exponentials."""
    logs = tuple(logs)
    largest = max(logs, default=-inf)
    if largest == -inf:
        return -inf
    return largest + log(fsum(exp(one - largest) for one in logs))
