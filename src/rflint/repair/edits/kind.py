"""How transformations are written as code: the half of a kind of repair that knows torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

from torch import nn

from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Layer
from rflint.repair.candidate import Candidate
from rflint.repair.change import layer_key
from rflint.repair.edit import Edit
from rflint.repair.edits.ending import Ending
from rflint.repair.edits.rewriter import ForwardChange
from rflint.repair.edits.writer import Inexpressible, Writer
from rflint.repair.forecast.cuts import layers_behind
from rflint.repair.transformation import Transformation

T = TypeVar("T", bound=Transformation)


class KindEdits(Writer, Generic[T]):
    """Writes one transformation of a candidate's change.

    Every kind has a subclass by the name `Edits`, in the module that its transformations name.
    """

    def __init__(
        self, model: nn.Module, analysis: Analysis, candidate: Candidate, transformation: T
    ) -> None:
        super().__init__(model, analysis, candidate)
        self.transformation = transformation

    # -- for kinds to override

    def concerns(self, layer: Layer) -> bool:
        """Whether something becomes of a layer."""
        return layer_key(layer) in self.transformation.layers

    def of_module(self, layer: Layer, path: str) -> Iterator[Edit]:
        """The edits of a module that is such a layer."""
        yield self.unit_stride(path)

    def in_forward(self, layer: Layer, change: ForwardChange) -> ForwardChange:
        """A forward's changes, with that of a call in it. Raises Inexpressible."""
        if layer.is_module:
            raise Inexpressible(f"{layer.title} is one of several calls with one stride")
        return replace(change, unit_stride=(*change.unit_stride, layer))

    def endings(self) -> Iterator[Ending]:
        """Ways to end the network, where the transformation does that, the best first."""
        return iter(())

    # -- what scripts are put together from

    def of_modules(self, without: str = "") -> Iterator[Edit]:
        """The edits of all modules but `without`, which is seen to elsewhere."""
        for layer in self.by_name.values():
            if self.concerns(layer) and self.is_edited(layer):
                path = self.module_of(layer)
                if path != without:
                    yield from self.of_module(layer, path)

    def is_edited(self, layer: Layer) -> bool:
        """Whether a layer is changed by changing its module: all calls of that, or none.

        Calls that a truncation takes away do not count.
        """
        if not self.module_of(layer):
            return False
        layers = self.candidate.change.layers
        calls = [
            x for i, x in enumerate(self.layers) if x.name == layer.name and i not in self._gone
        ]
        return len({layer_key(x) in layers for x in calls}) < 2

    def unit_stride(self, path: str) -> Edit:
        """A module's stride, set to one along each axis."""
        module = self.modules[path]
        stride = getattr(module, "stride", None)
        if isinstance(stride, tuple | list):
            ones = (1,) * len(stride)
            code = f"{self.expression(path)}.stride = {ones!r}"
            return self.edit(path, code, f"was {tuple(stride)!r}")
        if stride is None:
            raise Inexpressible(f"{path} ({type(module).__name__}) has no stride that could be set")
        return self.edit(path, f"{self.expression(path)}.stride = 1", f"was {stride!r}")

    @cached_property
    def _gone(self) -> frozenset[int]:
        cut = self.candidate.change.cut
        return frozenset() if cut is None else layers_behind(self.analysis, cut)


def edits_of(
    model: nn.Module, analysis: Analysis, candidate: Candidate, transformation: Transformation
) -> KindEdits[Any]:
    """What writes a transformation, whatever its kind."""
    edits = cast("type[KindEdits[Any]]", import_module(transformation.edits).Edits)
    return edits(model, analysis, candidate, transformation)
