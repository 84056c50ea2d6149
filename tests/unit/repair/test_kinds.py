"""A kind of repair is a class, the module that writes it as code, and an entry in the registry."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from math import prod
from typing import Any

import pytest
import torch
from torch import nn

import rflint
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Kind, Layer
from rflint.graph.sizing import Sliding
from rflint.graph.windows import Window
from rflint.repair import search
from rflint.repair.edit import Edit
from rflint.repair.edits.kind import KindEdits
from rflint.repair.registry import KINDS, NAMES
from rflint.repair.transformation import LayerAxis, Transformation


@dataclass(frozen=True, slots=True)
class SmallKernels(Transformation):
    """Every kernel of five becomes one of three."""

    kind = "shrink-kernels"
    words = "smaller kernels"
    edits = __name__
    also_truncated = True

    shrunk: frozenset[str]

    @classmethod
    def proposals(cls, analysis: Analysis) -> Iterator[tuple[SmallKernels]]:
        """All at once."""
        layers = [x.layer for x in analysis.layers if x.layer.kind is Kind.CONV]
        yield (cls(frozenset(x.name for x in layers if x.geometry.kernel == (5, 5))),)

    @property
    def layers(self) -> frozenset[str]:
        return self.shrunk

    @property
    def retrained(self) -> frozenset[str]:
        return self.shrunk

    def along_axis(self, layer: Layer, axis: LayerAxis) -> LayerAxis:
        assert isinstance(axis.sizing, Sliding)
        stride = axis.sizing.stride
        return LayerAxis(Sliding(3, stride, 1, 1), (Window(3, stride, -1),))

    def weights_kept(self, layer: Layer) -> Fraction:
        return Fraction(9, prod(k or 1 for k in layer.geometry.kernel))

    def within(self, keys: Set[str]) -> SmallKernels | None:
        left = self.shrunk & keys
        return SmallKernels(left) if left else None

    def title(self, analysis: Analysis) -> str:
        return "shrink the kernels"


class Edits(KindEdits[SmallKernels]):
    def of_module(self, layer: Layer, path: str) -> Iterator[Edit]:
        conv: Any = self.modules[path]
        new = f"nn.Conv2d({conv.in_channels}, {conv.out_channels}, 3, {conv.stride}, 1)"
        yield Edit(self.assigned(path, f"nn.Sequential({new})"), "has new weights")


def build() -> nn.Module:
    convolutions = [nn.Conv2d(8 if i else 3, 8, 5, 1 + i % 2, 2) for i in range(6)]
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def test_a_kind_of_ones_own_is_forecast_verified_and_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "KINDS", (*KINDS, SmallKernels))
    repairs = {x.words: x for x in rflint.lint(build, res=24).models[0].repairs}
    repair = repairs["smaller kernels"]
    assert (repair.kind, repair.title) == ("shrink-kernels", "shrink the kernels")
    assert (repair.before.unproductive, repair.after.unproductive) == (2, 0)
    assert repair.edits[1] == "m[1] = nn.Sequential(nn.Conv2d(8, 8, 3, (2, 2), 1))"
    assert repair.apply(build())(torch.rand(1, 3, 24, 24)).shape == (1, 10)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_every_kind_names_what_writes_it(kind: type[Transformation]) -> None:
    assert issubclass(import_module(kind.edits).Edits, KindEdits)
    assert NAMES.count(kind.kind) == 1
