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


def channel_norm_shape(call: Call) -> Shape:
    """Checks dimensions and the number of channels, which users get wrong, and what is left.

    PyTorch refuses to normalise a single value: a map of one position by its own statistics, or a
    batch of one such map in training.
    """
    shape = shape_of(call.input)
    module = call.module
    _check_values(call, shape)
    if module is not None and call.name[-1] == "d" and call.name[-2].isdigit():
        spatial = call.spatial
        unbatched = call.name.startswith("Instance") or spatial == 1
        if len(shape) != spatial + 2 and not (unbatched and len(shape) == spatial + 1):
            raise ShapeError(
                f"expects {spatial} spatial dimensions, got an input of {shape_text(shape)}"
            )
        if len(shape) == spatial + 1 and call.name.startswith("Instance"):
            return shape
    if module is not None and len(shape) > 1:
        for expected in normalised_channels(module):
            if expected != shape[1]:
                raise ShapeError(
                    f"expects {expected} channels, got {shape[1]} (input {shape_text(shape)})"
                )
        if shape[1] % int(getattr(module, "num_groups", 1)):
            raise ShapeError(f"{shape[1]} channels do not divide into {module.num_groups} groups")
    return shape


@operator(
    *("instance_norm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
    kind=Kind.NORM,
    shape=channel_norm_shape,
    traits=[Trait.UNBATCHED],
)
@operator(
    *("batch_norm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"),
    kind=Kind.NORM,
    shape=channel_norm_shape,
    traits=[Trait.RUNNING_STATISTICS],
)
@operator("group_norm", "GroupNorm", kind=Kind.NORM, shape=channel_norm_shape)
def channel_norm(call: Call) -> Effect:
    """Normalisation by channel or by group of channels.

    Batch normalisation takes its statistics from the past, unless it trains or keeps none.
    """
    own = True
    if "batch" in call.name.lower():
        own = bool(call.arg("training", 5, False)) or call.arg("running_mean", 1) is None
    statistics = all_axes(call.input.dimensions) if own else frozenset[int]()
    return replace(
        pointwise(call, call.input.dimensions),
        statistics=statistics,
        subtracts_mean=subtracts_channel_means(call),
    )


def subtracts_channel_means(call: Call) -> bool:
    """Whether a normalisation subtracts from every channel its own mean, whatever that is.

    So do batch normalisation while it trains, instance normalisation, and group normalisation with
    one channel a group.
    """
    name = call.name.lower()
    if "batch" in name:
        return call.module is not None or bool(call.arg("training", 5, False))
    if "instance" in name:
        return bool(call.arg("use_input_stats", 5, True))
    if name in ("group_norm", "groupnorm"):
        return int(call.arg("num_groups", 1, 0)) == shape_of(call.input)[1]
    return False


_MOST_ARGUMENTS = 8
"""Of the functions that check their input; those of ATen have one more, and check nothing."""


def _check_values(call: Call, shape: Shape) -> None:
    name = call.name.lower()
    if call.module is None and len(call.args) + len(call.kwargs) > _MOST_ARGUMENTS:
        return
    if "instance" in name:
        by_input = call.module is not None and not call.module.track_running_stats
        if call.module is None:
            by_input = bool(call.arg("use_input_stats", 5, True))
        batched = call.module is None or len(shape) == call.spatial + 2
        positions = prod(shape[2 if batched else 1 :])
        if positions == 1 and (by_input or getattr(call.module, "training", False)):
            raise ShapeError(
                "it normalises a map by its own statistics, and there is one position left, which "
                "PyTorch refuses; larger inputs, or a downsampling less, leave more"
            )
    elif "batch" in name and len(shape) > 1 and shape[0] * prod(shape[2:]) == 1:
        trains = getattr(call.module, "training", call.arg("training", 5, False))
        if trains:
            raise ShapeError(
                "in training it normalises over the batch, and there is one value for each "
                "channel, which PyTorch refuses; larger batches or inputs leave more"
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


@operator("layer_norm", "LayerNorm", "rms_norm", "RMSNorm", kind=Kind.NORM, shape=layer_norm_shape)
def layer_norm(call: Call) -> Effect:
    """Normalisation over trailing dimensions."""
    wanted = call.arg("normalized_shape", 1)
    trailing = 1 if isinstance(wanted, int) else len(tuple(wanted))
    dimensions = call.input.dimensions
    statistics = all_axes(dimensions[len(dimensions) - trailing :])
    return replace(pointwise(call, dimensions), statistics=statistics)


@operator(
    *("renorm", "normalize", "local_response_norm", "LocalResponseNorm", "CrossMapLRN2d"),
    kind=Kind.NORM,
    shape=same_shape,
)
def channel_neighbours_norm(call: Call) -> Effect:
    """Normalisation over all or neighbouring channels."""
    dimensions = call.input.dimensions
    neighbours = "local" in call.name.lower() or call.name == "CrossMapLRN2d"
    statistics = frozenset[int]() if neighbours else all_axes(dimensions)
    return replace(pointwise(call, dimensions), statistics=statistics)
