"""The effect of an operator that is in no table, measured by running it (probe.py)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn

from rflint.graph.windows import POINTWISE, Extent, Reach
from rflint.operators.call import Call, mapped
from rflint.operators.dimensions import (
    Dimension,
    Dimensions,
    all_axes,
    axes_elsewhere,
    axes_of,
    picked_position,
    plain_dimensions,
    sole_axis,
    without_picked_positions,
)
from rflint.operators.effect import Effect, reach_per_axis
from rflint.operators.reaches import mixing_geometry
from rflint.operators.regrouping import at_lengths, tangled
from rflint.operators.shapes import shape_of
from rflint.operators.values import Value
from rflint.tracing.lowering.probing.probe import TimeBudget, probe
from rflint.tracing.lowering.probing.windows import ProbeResult
from rflint.tracing.recording.real_runs import CannotRun, check_sizes, realistic
from rflint.tracing.recording.recording import Recording
from rflint.tracing.recording.tensors import tensors_of


class Measurements:
    """The unknown operators of one recording; the same call is measured once."""

    def __init__(self, model: nn.Module, recording: Recording) -> None:
        self._model = model
        self._recording = recording
        self._effects: dict[str, Effect] = {}
        self._budget = TimeBudget()

    def effect(self, node: fx.Node, call: Call) -> Effect:
        """What the operator of a node does."""
        shapes = mapped(
            (call.args, call.kwargs), Value, lambda value: (value.shape, value.dimensions)
        )
        key = f"{node.op} {node.target} {shapes}"
        if key not in self._effects:
            self._effects[key] = self._measured(node, call)
        return self._effects[key]

    def _measured(self, node: fx.Node, call: Call) -> Effect:
        """Run the call of a node on real tensors, with a NaN at one position after another."""
        shapes = [tuple(tensor.shape) for tensor in tensors_of(call.result)]
        try:
            results = self._results(node, call, shapes)
        except CannotRun as error:
            return replace(_nothing_known(call, shapes), unknown_because=str(error))
        effects = [
            _effect(call, shape, {key: found[i] for key, found in results.items()})
            for i, shape in enumerate(shapes)
        ]
        result = effects[0]
        if not isinstance(call.result, torch.Tensor):
            result = replace(result, parts=tuple(effects))
        unclear = any(Extent.UNKNOWN in reach for effect in effects for reach in effect.reaches)
        reason = "no window describes what a NaN reaches" if unclear else ""
        return replace(result, unknown_because=reason)

    def _results(
        self, node: fx.Node, call: Call, shapes: Sequence[tuple[int, ...]]
    ) -> dict[tuple[int, int], list[ProbeResult]]:
        """What the results read, by tensor (its place among all arguments) and dimension."""
        stored = call.module.state_dict().values() if call.module is not None else ()
        check_sizes([*(v.shape for v in call.tensors), *shapes, *(t.shape for t in stored)])
        function = _function(node, self._model)
        steps = self._recording.steps
        args, kwargs = mapped(
            (node.args, node.kwargs), fx.Node, lambda made: _real(steps[made].result)
        )
        return {
            (which, dim): probe(function, args, kwargs, which, dim, self._budget)
            for which, value in enumerate(call.tensors)
            if value.source is not None
            for dim, carried in enumerate(without_picked_positions(value.dimensions))
            if axes_of(carried)
        }


def _real(tensor: torch.Tensor) -> torch.Tensor:
    return realistic(tensor.shape, tensor.dtype) if tensor.device.type == "meta" else tensor


def _function(node: fx.Node, model: nn.Module) -> Callable[..., Any]:
    """What a node calls, modules with real weights."""
    if node.op == "call_function":
        assert callable(node.target)
        return node.target
    if node.op == "call_method":
        method: Callable[..., Any] = getattr(torch.Tensor, str(node.target))
        return method
    try:
        module = copy.deepcopy(model.get_submodule(str(node.target))).to_empty(device="cpu")
    except Exception as error:
        raise CannotRun(f"the module cannot be copied ({type(error).__name__})") from error
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            tensor.copy_(realistic(tensor.shape, tensor.dtype))
    return module


def _effect(
    call: Call, shape: tuple[int, ...], results: Mapping[tuple[int, int], ProbeResult]
) -> Effect:
    """What one result reads of every input, and which dimension of it carries what."""
    dimensions: list[Dimension] = list(plain_dimensions(shape))
    for value in call.data:
        if shape == value.shape and picked_position(value.dimensions) is not None:
            dimensions = [
                dimension if not axes_of(rest) else plain_dimensions((size,))[0]
                for dimension, rest, size in zip(
                    value.dimensions, without_picked_positions(value.dimensions), shape, strict=True
                )
            ]
    reaches: dict[int, dict[int, Reach]] = {}
    for (which, dim), reading in results.items():
        value = call.tensors[which]
        reaches.setdefault(which, {}).update(_per_axis(value, dim, reading.reach, shape))
        at = reading.dim
        if at is None and shape == value.shape:
            at = dim  # everything is read, and the result goes on where it lay
        if at is not None and not axes_of(dimensions[at]):
            (dimensions[at],) = at_lengths((value.dimensions[dim],), (shape[at],))
    everything: dict[int, Reach] = {}
    for read in reaches.values():
        everything |= read
    return Effect(
        tuple(dimensions),
        tuple(
            reach_per_axis(call.axes, reaches.get(which, {}))
            for which, value in enumerate(call.tensors)
            if value.source is not None
        ),
        mixing_geometry(call.axes, everything),
    )


def _per_axis(value: Value, dim: int, reach: Reach, shape: Sequence[int]) -> dict[int, Reach]:
    carried = value.dimensions[dim]
    axis = sole_axis(carried)
    elsewhere = axes_elsewhere(value.dimensions, dim)
    if axis is not None and axis not in elsewhere:
        return {axis: reach}
    if reach == POINTWISE:
        return {}
    if reach is not Extent.GLOBAL or axes_of(carried) & elsewhere:
        reach = Extent.UNKNOWN
    return dict.fromkeys(axes_of(carried), reach)


def _nothing_known(call: Call, shapes: Sequence[tuple[int, ...]]) -> Effect:
    """The effect of an operator of which nothing could be found out."""
    first = call.data[0]
    axes = frozenset(axis for value in call.data for axis in all_axes(value.dimensions))
    shape = shapes[0] if shapes else ()
    dimensions: Dimensions = plain_dimensions(shape)
    if shape == shape_of(first):
        dimensions = first.dimensions
    elif axes:
        dimensions = tangled(first.dimensions, shape)
    unknown: dict[int, Reach] = dict.fromkeys(range(call.axes), Extent.UNKNOWN)
    reach = reach_per_axis(call.axes, unknown)
    return Effect(dimensions, (reach,) * len(call.data), mixing_geometry(call.axes, {}))
