"""Reductions: over space they are global pooling, over channels they are pointwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rflint.graph.layer import Kind
from rflint.operators.broadcasting import broadcasting
from rflint.operators.call import Call
from rflint.operators.dimensions import Factor
from rflint.operators.effect import Effect, reach_per_axis
from rflint.operators.reaches import mixing_geometry, mixing_reaches, without_inner_part
from rflint.operators.shapes import Shape, broadcast, checked_dim, shape_of
from rflint.operators.table import operator


def _dims(call: Call) -> tuple[int, ...]:
    rank = len(shape_of(call.input))
    dim = call.arg("dim", 1, None)
    if dim is None:
        dim = call.arg("axis", None, None)
    if dim is None or dim == () or dim == []:
        return tuple(range(rank))
    return tuple(checked_dim(d, rank) for d in ((dim,) if isinstance(dim, int) else dim))


def _keeps(call: Call) -> bool:
    return call.arg("keepdim", 2, False) is True or call.kwargs.get("keepdims") is True


def reduced_shape(call: Call) -> Shape:
    """The shape without the reduced dimensions, or with ones in their place."""
    dims, keep = _dims(call), _keeps(call)
    shape = shape_of(call.input)
    return tuple(1 if d in dims else n for d, n in enumerate(shape) if keep or d not in dims)


def extremum_shape(call: Call) -> Shape | list[Shape]:
    """`max(dim)` gives values and indices, `max()` and `max(other)` one tensor."""
    if len(tensors := call.tensors) > 1:
        return broadcast(*map(shape_of, tensors))
    if call.arg("dim", 1, None) is None:
        return ()
    return [reduced_shape(call)] * 2


@operator(
    *("mean", "sum", "amax", "amin", "prod", "logsumexp", "nansum", "nanmean"),
    *("argmax", "argmin", "all", "any", "count_nonzero"),
    kind=Kind.REDUCE,
    shape=reduced_shape,
)
@operator("max", "min", "median", "nanmedian", "mode", kind=Kind.REDUCE, shape=extremum_shape)
def reduction(call: Call) -> Effect:
    """Mixes all positions along the reduced dimensions; `max` of two tensors is arithmetic."""
    if len(call.tensors) > 1:
        return broadcasting(call)
    return reduced(call, _dims(call), keep=_keeps(call))


def quantile_shape(call: Call) -> Shape:
    """The reduced shape, behind a dimension for the quantiles where there are several."""
    quantiles = call.arg("q", 1)
    several = shape_of(quantiles) if hasattr(quantiles, "shape") else ()
    return (*several, *reduced_shape(_over_dim(call)))


def _over_dim(call: Call) -> Call:
    keep = call.arg("keepdim", 3, False)
    return replace(
        call, args=call.args[:1], kwargs={"dim": call.arg("dim", 2), "keepdim": bool(keep)}
    )


@operator("quantile", "nanquantile", kind=Kind.REDUCE, shape=quantile_shape)
def quantile(call: Call) -> Effect:
    """One value, or one for each quantile, from anywhere along the reduced dimension."""
    over = _over_dim(call)
    effect = reduced(over, _dims(over), keep=_keeps(over))
    several = len(quantile_shape(call)) - len(effect.dimensions)
    return replace(effect, dimensions=((Factor(1),),) * several + effect.dimensions)


def aminmax_shape(call: Call) -> list[Shape]:
    """The least and the greatest, over a dimension that is given by its name, or over all."""
    return [reduced_shape(_named(call))] * 2


def _named(call: Call) -> Call:
    return replace(call, args=call.args[:1])


@operator("aminmax", kind=Kind.REDUCE, shape=aminmax_shape)
def aminmax(call: Call) -> Effect:
    """Two numbers, each of which may come from anywhere."""
    return reduced(call, _dims(_named(call)), keep=_keeps(_named(call)))


@operator("std", "var", "norm", "std_mean", "var_mean", kind=Kind.REDUCE)
def statistics(call: Call) -> Effect:
    """Reductions whose arguments lie in other places, and whose shapes PyTorch is asked for."""
    shape = shape_of(call.result[0] if isinstance(call.result, tuple | list) else call.result)
    dims = call.kwargs.get("dim")
    if dims is None:
        dims = next((a for a in call.args[1:] if isinstance(a, tuple | list)), None)
    if dims is None:
        dims = next((a for a in call.args[1:] if type(a) is int), None)
    rank = len(call.input.dimensions)
    if dims is None:
        chosen = tuple(range(rank))
    else:
        chosen = tuple(d % rank for d in ((dims,) if isinstance(dims, int) else dims))
    return reduced(call, chosen, keep=len(shape) == rank)


def reduced(call: Call, dims: Sequence[int], *, keep: bool) -> Effect:
    """Mixes all positions along some dimensions, which go, or keep a length of one."""
    dimensions = call.input.dimensions
    reaches = mixing_reaches(dimensions, dims)
    out = tuple(
        (Factor(1),) if d in dims else without_inner_part(carried, reaches)
        for d, carried in enumerate(dimensions)
        if keep or d not in dims
    )
    return Effect(out, (reach_per_axis(call.axes, reaches),), mixing_geometry(call.axes, reaches))
