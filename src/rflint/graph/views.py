"""Views of a model's tensors: the same numbers, in the same order, cut into other dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rflint.graph.layer import Kind
from rflint.graph.source_location import SourceLocation

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A call of view, reshape, flatten or the like."""

    op: str
    """As the code spells it."""
    scope: str
    """Path of the module in whose forward it is called."""
    called: SourceLocation | None
    before: Shape
    after: Shape
    original: Shape
    """The shape in front of all the views that it is the last of: something computed it, or put
    its dimensions into another order."""
    ends: tuple[Shape, ...]
    """The shapes in which it is read: its own, or those that further views give it."""
    read_by: frozenset[Kind]
    """What reads it in these shapes."""
    shifts: bool = False
    """Whether the view shifts rows against each other, as tables of relative positions are: what
    it cuts has been padded, what it makes is sliced and viewed again, or it is that second view."""
