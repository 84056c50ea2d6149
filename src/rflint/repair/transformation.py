"""What every kind of repair is: a class of transformations of architectures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Layer
from rflint.graph.sizing import KEPT, Sizing, Sliding
from rflint.graph.windows import POINTWISE, Reach, Window

_NONE: frozenset[str] = frozenset()


class Unpredictable(Exception):
    """The architecture alone does not tell what a change would do; the message says where."""


@dataclass(frozen=True, slots=True)
class LayerAxis:
    """One layer along one axis: how many positions it makes, and what it reads of each input."""

    sizing: Sizing | None
    reaches: tuple[Reach, ...]
    density: int = 1
    """How many positions its output now has for each one that it had, if what reads them is to be
    dilated by as much."""

    def left_out(self) -> LayerAxis:
        """The layer passes its input on."""
        return LayerAxis(
            KEPT, tuple(POINTWISE if isinstance(x, Window) else x for x in self.reaches)
        )

    def at_unit_stride(self, layer: Layer, *, dilates: bool = False) -> LayerAxis:
        """The same window at stride 1; `dilates`: what follows is dilated by the stride it had."""
        if not isinstance(self.sizing, Sliding):
            raise Unpredictable(f"it is not known what {layer.label} does on maps of another size")
        return LayerAxis(
            self.sizing.with_stride(1),
            tuple(Window(x.size, 1, x.start) if isinstance(x, Window) else x for x in self.reaches),
            self.sizing.stride if dilates else 1,
        )


class Transformation(ABC):
    """What a repair of one kind makes of one architecture.

    A kind of repair is a subclass, a frozen dataclass in a module of kinds/ with an entry in
    registry.py. Its instances are plain data: what is done to which layers. They are forecast
    on the graph, without a model; `edits` names the module that writes them as code.
    """

    __slots__ = ()

    kind: ClassVar[str]
    """The kind's name in reports and on the command line."""
    edits: ClassVar[str]
    """The module whose class `Edits` writes these transformations as code: that one needs torch."""
    words: ClassVar[str] = ""
    """What speaks for a repair of this kind, where that is none of what people may want of any
    repair (preferences.py)."""
    on_request: ClassVar[bool] = False
    """Whether it is offered only when it is asked for: it makes no layer productive by itself."""
    also_truncated: ClassVar[bool] = False
    """Whether it is also tried together with the last end of the network in front of the layer that
    is then the border layer."""

    # -- what to try

    @classmethod
    @abstractmethod
    def proposals(cls, analysis: Analysis) -> Iterator[Sequence[Transformation]]:
        """What is worth trying on an architecture.

        Each proposal is a list of alternatives, of which the first is taken that the architecture's
        branches permit.
        """

    @classmethod
    def refusals(cls, analysis: Analysis, reasons: Iterable[str]) -> list[str]:
        """What is not offered, and why; `reasons` are those for which proposals came to nothing."""
        return []

    # -- what would become of the architecture

    @property
    def layers(self) -> frozenset[str]:
        """The layers that are changed, by their keys (see `layer_key`)."""
        return _NONE

    @property
    def left_out(self) -> frozenset[str]:
        """Those of them that pass their input on."""
        return _NONE

    @property
    def retrained(self) -> frozenset[str]:
        """Those of them that get new weights."""
        return _NONE

    @property
    def cut(self) -> int | None:
        """The index of the last layer, where the network ends earlier than it did."""
        return None

    def along_axis(self, layer: Layer, axis: LayerAxis) -> LayerAxis:
        """What becomes of one of `layers` along one axis. Raises Unpredictable."""
        return axis

    def weights_kept(self, layer: Layer) -> Fraction:
        """The share of weights, and of work at each position, that one of `retrained` still has."""
        return Fraction(1)

    def within(self, keys: Set[str]) -> Transformation | None:
        """What of it concerns these layers; None where nothing does."""
        return self

    # -- what it is called

    @abstractmethod
    def title(self, analysis: Analysis) -> str:
        """What it does, in a few words: 'truncate after layer3.0'."""
