"""Normalisation. Its statistics are no feature path: the paper counts it as pointwise."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.operators.broadcasting import same_shape
from rflint.operators.call import Call
from rflint.operators.dimensions import all_axes
from rflint.operators.effect import Effect, pointwise
from rflint.operators.shapes import Shape, ShapeError, shape_of, shape_text
from rflint.operators.table import operator
from rflint.operators.weights import normalised_channels, stored_shape


def batch_norm_shape(call: Call) -> Shape:
    """The input's shape; checks dimensions, channels, and that there is something to normalise."""
    shape = shape_of(call.input)
    if _is_checked(call) and len(shape) > 1 and shape[0] * prod(shape[2:]) == 1:
        trains = getattr(call.module, "training", call.arg("training", 5, False))
        if trains:
            raise ShapeError(
                "in training it normalises over the batch, and there is one value for each "
                "channel, which PyTorch refuses; larger batches or inputs leave more"
            )
    if call.module is not None and call.name != "SyncBatchNorm":
        _check_rank(shape, call.spatial, unbatched=call.spatial == 1)
    _check_channels(call, shape)
    return shape


@operator(
    *("batch_norm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"),
    kind=Kind.NORM,
    shape=batch_norm_shape,
    traits=[Trait.RUNNING_STATISTICS],
)
def batch_norm(call: Call) -> Effect:
    """Takes its statistics from the past, unless it trains or keeps none."""
    trains = bool(call.arg("training", 5, False))
    by_input = trains or call.arg("running_mean", 1) is None
    return replace(
        _by_channel(call, by_input=by_input, subtracts_mean=trains or call.module is not None),
        normalised_over=prod(shape_of(call.input)[2:]) if by_input else 0,
    )


def instance_norm_shape(call: Call) -> Shape:
    """The input's shape; checks dimensions, channels, and that there is something to normalise."""
    shape, module = shape_of(call.input), call.module
    if _is_checked(call) and _by_own_statistics(call) and prod(_map_of_a_sample(call)) == 1:
        raise ShapeError(
            "it normalises a map by its own statistics, and there is one position left, which "
            "PyTorch refuses; larger inputs, or a downsampling less, leave more"
        )
    if module is not None:
        _check_rank(shape, call.spatial, unbatched=True)
        if len(shape) == call.spatial + 1:
            return shape
    _check_channels(call, shape)
    return shape


@operator(
    *("instance_norm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
    kind=Kind.NORM,
    shape=instance_norm_shape,
    traits=[Trait.UNBATCHED],
)
def instance_norm(call: Call) -> Effect:
    """Normalises every channel of every sample."""
    subtracts_mean = bool(call.arg("use_input_stats", 5, True))
    return replace(
        _by_channel(call, by_input=True, subtracts_mean=subtracts_mean),
        normalised_over=prod(_map_of_a_sample(call)) if _by_own_statistics(call) else 0,
    )


def _by_own_statistics(call: Call) -> bool:
    """Whether an instance normalisation takes its statistics from what it is given."""
    if call.module is not None:
        return not call.module.track_running_stats or bool(call.module.training)
    return bool(call.arg("use_input_stats", 5, True))


def _map_of_a_sample(call: Call) -> Shape:
    """The positions of each channel; the batch may be left out of what a module is given."""
    shape = shape_of(call.input)
    batched = call.module is None or len(shape) == call.spatial + 2
    return shape[2 if batched else 1 :]


def group_norm_shape(call: Call) -> Shape:
    """The input's shape; checks that its channels divide into groups."""
    shape = shape_of(call.input)
    _check_channels(call, shape)
    if call.module is not None and len(shape) > 1 and shape[1] % int(call.module.num_groups):
        groups = call.module.num_groups
        raise ShapeError(f"{shape[1]} channels do not divide into {groups} groups")
    return shape


@operator("group_norm", "GroupNorm", kind=Kind.NORM, shape=group_norm_shape)
def group_norm(call: Call) -> Effect:
    """Normalises groups of channels; with one channel a group, every channel by itself."""
    groups, shape = int(call.arg("num_groups", 1, 0)), shape_of(call.input)
    return replace(
        _by_channel(call, by_input=True, subtracts_mean=shape[1:2] == (groups,)),
        normalised_over=prod(shape[1:]) // groups if groups else 0,
    )


def _by_channel(call: Call, *, by_input: bool, subtracts_mean: bool) -> Effect:
    """What normalises by channel, and whether by statistics of what it is given."""
    dimensions = call.input.dimensions
    return replace(
        pointwise(call, dimensions),
        statistics=all_axes(dimensions) if by_input else frozenset[int](),
        subtracts_mean=subtracts_mean,
    )


_MOST_ARGUMENTS = 8
"""Of the functions that check their input; those of ATen have one more, and check nothing."""


def _is_checked(call: Call) -> bool:
    """Whether PyTorch refuses to normalise a single value by its own statistics."""
    return call.module is not None or len(call.args) + len(call.kwargs) <= _MOST_ARGUMENTS


def _check_rank(shape: Shape, spatial: int, *, unbatched: bool) -> None:
    if len(shape) != spatial + 2 and not (unbatched and len(shape) == spatial + 1):
        raise ShapeError(
            f"expects {spatial} spatial dimensions, got an input of {shape_text(shape)}"
        )


def _check_channels(call: Call, shape: Shape) -> None:
    if call.module is None or len(shape) < 2:
        return
    for expected in normalised_channels(call.module):
        if expected != shape[1]:
            raise ShapeError(
                f"expects {expected} channels, got {shape[1]} (input {shape_text(shape)})"
            )


def layer_norm_shape(call: Call) -> Shape:
    """Checks the trailing dimensions that are normalised together."""
    shape = shape_of(call.input)
    wanted = call.arg("normalized_shape", 1)
    trailing = (wanted,) if isinstance(wanted, int) else tuple(wanted)
    if shape[len(shape) - len(trailing) :] != trailing:
        raise ShapeError(
            f"expects trailing dimensions {shape_text(trailing)}, got {shape_text(shape)}"
        )
    if call.module is not None and (stored_shape(call.module, "weight") or trailing) != trailing:
        raise ShapeError(f"its weight does not fit what it normalises, {shape_text(trailing)}")
    return shape


@operator(
    *("layer_norm", "LayerNorm", "rms_norm", "RMSNorm"),
    kind=Kind.NORM,
    shape=layer_norm_shape,
    traits=[Trait.TOLD_LENGTHS],
)
def layer_norm(call: Call) -> Effect:
    """Normalisation over trailing dimensions."""
    wanted = call.arg("normalized_shape", 1)
    trailing = 1 if isinstance(wanted, int) else len(tuple(wanted))
    dimensions = call.input.dimensions
    statistics = all_axes(dimensions[len(dimensions) - trailing :])
    by_mean = "rms" not in call.name.lower()  # of one number that leaves the sign
    return replace(
        pointwise(call, dimensions),
        statistics=statistics,
        normalised_over=prod(shape_of(call.input)[-trailing:]) if by_mean else 0,
    )


@operator(
    *("renorm", "normalize", "local_response_norm", "LocalResponseNorm", "CrossMapLRN2d"),
    kind=Kind.NORM,
    shape=same_shape,
)
def channel_neighbours_norm(call: Call) -> Effect:
    """Normalisation over all or neighbouring channels, or along a dimension that is named."""
    dimensions = call.input.dimensions
    neighbours = "local" in call.name.lower() or call.name == "CrossMapLRN2d"
    dim = call.arg("dim", 2, 1) if call.name == "normalize" else None
    along = (dimensions[dim],) if isinstance(dim, int) else dimensions
    statistics = frozenset[int]() if neighbours else all_axes(along)
    return replace(pointwise(call, dimensions), statistics=statistics)
