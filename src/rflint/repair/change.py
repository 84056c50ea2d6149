"""A change to an architecture, as data, and what it would be worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Layer
from rflint.text.numbers import plural

if TYPE_CHECKING:
    from torch import nn


KINDS = ("truncate", "remove-downsampling", "dilate")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a repair is about, before and after."""

    params: int
    macs: int
    unproductive: int

    @classmethod
    def of(cls, analysis: Analysis) -> Figures:
        """Those of an analysed model."""
        totals = analysis.totals
        return cls(totals.params, totals.macs, totals.unproductive)

    def __str__(self) -> str:
        """In words: '12 parameters, 100 MACs, 0 unproductive'."""
        return (
            f"{plural(self.params, 'parameter', ',')}, {plural(self.macs, 'MAC', ',')}, "
            f"{self.unproductive} unproductive"
        )


def handle(layer: Layer) -> str:
    """What a change calls a layer: a module by its name, a pooling one call at a time.

    A convolution that is called twice has one stride, but a pooling has nothing that calls share.
    """
    return layer.name if layer.kind.is_convolution else layer.title


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of an architecture's layers, by their handles, and where it ends.

    A downsampling layer is in one of four sets, or keeps its stride. Layers that a dilation reaches
    follow from the graph, and so does where the map is brought back to its old size in front of a
    head that depends on it.
    """

    unit_stride: frozenset[str] = frozenset()
    """Convolutions that take stride 1."""
    removed: frozenset[str] = frozenset()
    """Poolings that pass their input on."""
    slowed: frozenset[str] = frozenset()
    """Poolings that keep their window and take stride 1."""
    dilated: frozenset[str] = frozenset()
    """Convolutions and poolings that take stride 1, while what follows is dilated by as much."""
    small_stem: str = ""
    """The first convolution, if its kernel shrinks to 3, with padding 1."""
    cut: int | None = None
    """Index of the last layer before global average pooling and a linear layer end the model."""
    resized_head: bool = False
    """A head that depends on the map's size is made anew; else the map is pooled to that size."""

    @property
    def without_downsampling(self) -> frozenset[str]:
        """All layers that no longer downsample."""
        return self.unit_stride | self.removed | self.slowed | self.dilated

    def within(self, layers: Iterable[Layer]) -> Change:
        """What of it concerns these layers."""
        names = {handle(layer) for layer in layers}
        return replace(
            self,
            unit_stride=self.unit_stride & names,
            removed=self.removed & names,
            slowed=self.slowed & names,
            dilated=self.dilated & names,
        )

    @property
    def kind(self) -> str:
        """As the report says it: a network that is cut is truncated, whatever else changes."""
        if self.cut is not None:
            return "truncate"
        return "dilate" if self.dilated else "remove-downsampling"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change, and what the architecture would be with it."""

    change: Change
    figures: Figures
    productive: int
    """Convolutions that are left, can contribute, and keep their weights."""
    pooled_before: int | None = None
    """The layer in front of which the map is brought back to its old size."""
    head_inputs: int = 0
    """Features that reach a head that is made anew for a map of another size."""
    dilation: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Layers whose dilation and padding are multiplied, and by how much along each axis."""

    def dominates(self, other: Candidate) -> bool:
        """Whether this one is at least as good in everything, and better in something."""
        mine, theirs = self._costs(), other._costs()
        return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))

    def _costs(self) -> tuple[int, int, int, int]:
        x = self.figures
        return (x.unproductive, x.macs, x.params, -self.productive)


@dataclass(frozen=True, slots=True)
class Edit:
    """One statement about the model `m`, and what it is for."""

    code: str
    why: str
    defines: bool = False
    """Whether it defines a class that a later statement uses."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that was applied to a copy of the model, and what that was found to be."""

    kind: str
    """One of KINDS."""
    title: str
    words: str
    """What speaks for it."""
    steps: tuple[Edit, ...]
    before: Figures
    after: Figures
    verified: bool

    @property
    def edits(self) -> tuple[str, ...]:
        """The change as statements of plain PyTorch about the model `m`; classes come first."""
        return tuple(step.code for step in self.steps)

    def apply(self, model: nn.Module) -> nn.Module:
        """A changed copy of the model, ready to be trained; the model itself stays as it is.

        The weights of kept layers are copied, and so are their names in the state dict; new layers
        are initialised by PyTorch. Raises RepairFailed where this is not the model, or one built
        alike, that the repair was found for.
        """
        from rflint.repair.apply import edited_copy
        from rflint.tracing.model.build import unwrapped

        return edited_copy(unwrapped(model), self.edits)


def productive_convolutions(analysis: Analysis) -> int:
    """How many of the judged convolutions are not unproductive."""
    return sum(x.is_judged and x.verdict is not Verdict.UNPRODUCTIVE for x in analysis.layers)


def front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other one dominates (Pareto), cheapest first."""
    ordered = sorted(candidates, key=Candidate._costs)
    found: list[Candidate] = []
    for candidate in ordered:  # whatever dominates it comes before it
        if not any(better.dominates(candidate) for better in found):
            found.append(candidate)
    return sorted(found, key=lambda candidate: candidate.figures.macs)
