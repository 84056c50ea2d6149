"""A recorded call with what the operator table says of it: what becomes a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import fx

from rflint.graph.layer import Edge, Kind
from rflint.graph.windows import Extent
from rflint.operators.call import Call
from rflint.operators.dimensions import all_axes, position_count
from rflint.operators.effect import Effect, reach_per_axis
from rflint.operators.values import Value
from rflint.tracing.recording.recording import Step


@dataclass(frozen=True)
class LoweredCall:
    """One call, as the graph, the recorder, the operator table and the interpreter know it."""

    node: fx.Node
    step: Step
    call: Call
    effect: Effect
    kind: Kind
    computed_tensors: Mapping[str, Value]
    """Tensors that the module holds and that were computed, by the names of its attributes."""

    @property
    def is_function(self) -> bool:
        """Whether a function is called, and no module."""
        return self.step.module is None

    @property
    def positions(self) -> tuple[int, ...]:
        """How many positions the result has along every axis."""
        return tuple(position_count(self.effect.dimensions, axis) for axis in range(self.call.axes))

    def edges(self) -> tuple[Edge, ...]:
        """What the call reads of every value that depends on the model's input."""
        call, reaches = self.call, self.effect.reaches
        if not call.data:
            return ()
        # of operands that a row says nothing of, it is safe to say that all is read
        unknown = (
            reach_per_axis(call.axes, dict.fromkeys(all_axes(value.dimensions), Extent.GLOBAL))
            for value in call.data[len(reaches) :]
        )
        edges: list[Edge] = []
        for value, reach in zip(call.data, (*reaches, *unknown), strict=True):
            assert value.source is not None
            edges.append(Edge(value.source, reach))
        return tuple(dict.fromkeys(edges))


def kind_of(step: Step, effect: Effect) -> Kind:
    """The kind of layer that a call is."""
    if step.row is not None:
        return step.row.kind
    unknown = any(Extent.UNKNOWN in reach for reach in effect.reaches)
    return Kind.UNKNOWN if unknown else Kind.MEASURED


def op_of(step: Step) -> str:
    """What the code calls a step."""
    return type(step.owner).__name__ if step.owner is not None else step.op or step.spelling
