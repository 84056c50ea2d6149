"""A recorded graph interpreted with the operator table, node after node.

Two interpreters share this: the lowering makes layers of the calls (lower.py), and the dimension
tracker notes what layers do to the dimensions of the inputs (axes/dimension_tracker.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import fx

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE
from rflint.operators.call import Call, mapped, tensors_in
from rflint.operators.dimensions import Dimensions, plain_dimensions, same_patches, without_patches
from rflint.operators.effect import Effect
from rflint.operators.regrouping import tangled
from rflint.operators.values import Arrangement, Origins, Value
from rflint.operators.zeros import all_zero
from rflint.tracing.lowering.origins import arrangement_of
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.recording.recording import Recording, Step

_PICKS = frozenset({"getitem", "index_select"})
"""Rows of the table that pick positions by their numbers."""

_INTEGERS = frozenset({torch.int64, torch.int32, torch.int16, torch.int8})


class GraphInterpreter:
    """Works out the value of every node, in order of execution.

    Subclasses say what an input is, what becomes of an operator's effect, and what to make of an
    operator that is in no table.
    """

    def __init__(self, recording: Recording, parameters: Parameters, axes: int) -> None:
        self.recording = recording
        self.parameters = parameters
        self.axes = axes
        self.values: dict[fx.Node, Value] = {}
        self.states: dict[fx.Node, Dimensions] = {}
        """What lies along the states of recurrent networks."""
        self.calls: dict[fx.Node, tuple[Call, tuple[Effect, ...]]] = {}
        """Operators with several results that lie in different places, each of which is a layer."""

    def interpret(self) -> Iterator[fx.Node]:
        """Work out the value of every node; yields each node just before its turn."""
        for node, step in self.recording.steps.items():
            yield node
            self.values[node] = self._value(node, step)

    # -- what subclasses say

    def input_value(self, node: fx.Node, shape: tuple[int, ...]) -> Value:
        """An input of the model."""
        raise NotImplementedError

    def effect(self, node: fx.Node, step: Step, call: Call) -> Effect:
        """What an operator does to layouts and receptive fields."""
        raise NotImplementedError

    def output_value(
        self, node: fx.Node, step: Step, call: Call, effect: Effect, shape: tuple[int, ...]
    ) -> Value:
        """The value behind an operator."""
        raise NotImplementedError

    def on_constant_call(self, node: fx.Node, step: Step, call: Call) -> None:
        """Called for every operator on constants only."""
        raise NotImplementedError

    # -- what is the same for all

    def computed_tensors(self, step: Step) -> dict[str, Value]:
        """The values of those tensors that a module holds and that were computed."""
        return {name: self.values[node] for name, node in step.computed_tensors.items()}

    def _value(self, node: fx.Node, step: Step) -> Value:
        shape = shape_of_first(step.result)
        if node.op == "placeholder":
            return self.input_value(node, shape)
        if node.op == "get_attr":
            name = str(node.target)
            if name not in self.parameters.sizes:
                zeros = all_zero(shape) if step.is_zero else ()
                return Value(shape, plain_dimensions(shape), None, zeros=zeros)
            itself = Arrangement(((name, ()),))
            return Value(shape, plain_dimensions(shape), None, Origins((name,)), itself)
        if step.spelling == "part":
            return self._part(node, step, shape)
        call = self._call(node, step)
        if not call.data:
            self.on_constant_call(node, step, call)
            made_of = [*call.tensors, *self.computed_tensors(step).values()]
            origins = self.parameters.of_constant(step, made_of)
            arrangement = arrangement_of(step.spelling, step.row, call, shape)
            return Value(shape, plain_dimensions(shape), None, origins, arrangement)
        effect = self.effect(node, step, call)
        if effect.parts:
            self.calls[node] = (call, effect.parts)
            return call.data[0]
        if effect.states is not None:
            self.states[node] = effect.states
        return self.output_value(node, step, call, effect, shape)

    def _part(self, node: fx.Node, step: Step, shape: tuple[int, ...]) -> Value:
        """One tensor of an operator with several."""
        parent, index = node.args
        assert isinstance(parent, fx.Node)
        assert isinstance(index, int)
        if parent in self.calls:
            call, parts = self.calls[parent]
            origin = replace(self.recording.steps[parent], result=step.result, layer=node.name)
            return self.output_value(node, origin, call, parts[index], shape)
        # the dimensions are the same for all of them
        whole = self.values[parent]
        states = self.states.get(parent)
        if index and states is not None and len(states) == len(shape):
            return Value(shape, states, whole.source, whole.parameters)
        dimensions = (
            whole.dimensions
            if len(whole.dimensions) == len(shape)
            else tangled(whole.dimensions, shape)
        )
        if len(dimensions) == len(shape):
            dimensions = tuple(
                dimension
                if prod(f.size for f in dimension) == size
                else tangled((dimension,), (size,))[0]
                for dimension, size in zip(dimensions, shape, strict=True)
            )
        return Value(shape, dimensions, whole.source, whole.parameters)

    def _call(self, node: fx.Node, step: Step) -> Call:
        of_node = self._index if step.spelling in _PICKS else self.values.__getitem__
        args, kwargs = mapped((node.args, node.kwargs), fx.Node, of_node)
        if step.row is not None and step.row.kind is Kind.RESHAPE:
            # x.expand_as(y) takes y's shape and nothing else
            args = (*args[:1], *mapped(args[1:], Value, _shape_only))
            kwargs = mapped(kwargs, Value, _shape_only) if args else kwargs
        if step.module is not None and step.row is not None and step.row.kind is Kind.NORM:
            kwargs = {**kwargs, "training": step.training}  # forward may have set it for this call
        return Call(
            step.spelling,
            tuple(args),
            kwargs,
            step.module,
            self.axes,
            step.result,
        )

    def _index(self, node: fx.Node) -> Value | list[int] | int:
        """The value of an index; of a constant integer, or a row of them, the numbers."""
        made = self.recording.steps[node].result
        constant = node.op == "get_attr" and isinstance(made, torch.Tensor)
        if constant and made.device.type != "meta" and made.dtype in _INTEGERS and made.dim() < 2:
            numbers: list[int] | int = made.tolist()
            return numbers
        return self.values[node]


def is_identity(effect: Effect) -> bool:
    """Whether an operator leaves every position where it is, and as it is."""
    # one position that is picked is as good as in its place, and the others are left out
    return not (effect.reorders_positions or effect.absolute or effect.taps) and all(
        reach is POINTWISE for reaches in effect.reaches for reach in reaches
    )


_UNMIXED = frozenset({Kind.RESHAPE, Kind.ACTIVATION, Kind.NORM, Kind.ARITHMETIC})
"""Kinds of operators that mix no channels, if no trait says so."""


def with_patches(effect: Effect, kind: Kind, call: Call, traits: Collection[Trait] = ()) -> Effect:
    """The effect of an operator without the windows of an unfold, unless nothing mixes them.

    Nor may they meet what does not lie in windows: its positions are other ones.
    """
    mixes = effect.reorders_positions or Trait.MIXES_CHANNELS in traits
    alike = same_patches([value.dimensions for value in call.data])
    if kind in _UNMIXED and not mixes and alike:
        return effect
    return replace(effect, dimensions=without_patches(effect.dimensions))


def shape_of_first(result: Any) -> tuple[int, ...]:
    """A result's shape; of several, the first."""
    first = next(iter(tensors_in(result)), None)
    return () if first is None else tuple(first.shape)


def _shape_only(value: Value) -> Value:
    return replace(value, source=None)
