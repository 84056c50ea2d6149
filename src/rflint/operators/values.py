"""A tensor as the lowering sees it: its shape, what lies along it, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

from rflint.graph.layer import Rearrangement
from rflint.operators.dimensions import Dimensions
from rflint.operators.shapes import Shape

Zeros: TypeAlias = tuple[int, ...]
"""Per dimension the positions at which all is zero, whatever the data: sets, as bits (zeros.py).

Nothing is known of a tensor where there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class Origins:
    """The parameters that a constant is made of.

    What is computed from other constants refers to theirs, so that a sum over all parameters, one
    by one, does not keep the names of all before in every partial sum.
    """

    own: tuple[str, ...] = ()
    parts: tuple[Origins, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.own or self.parts)

    def names(self) -> frozenset[str]:
        """All of them."""
        found: set[str] = set()
        seen: set[int] = set()
        pending = [self]
        while pending:
            origins = pending.pop()
            if id(origins) not in seen:
                seen.add(id(origins))
                found.update(origins.own)
                pending += origins.parts
        return frozenset(found)

    def few_names(self, most: int) -> frozenset[str] | None:
        """All of them, if they are few; None after looking at that many places without an end.

        What is asked of every partial sum over all parameters must not go through them all.
        """
        found: set[str] = set()
        seen: set[int] = set()
        pending = [self]
        while pending:
            origins = pending.pop()
            if id(origins) not in seen:
                seen.add(id(origins))
                found.update(origins.own)
                if len(seen) > most or len(found) > most:
                    return None
                pending += origins.parts
        return frozenset(found)


NO_ORIGINS = Origins()


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where the numbers of parameters lie in a constant that holds each of them once."""

    orders: tuple[tuple[str, tuple[Rearrangement, ...]], ...] = ()
    """The parameters, and how each was rearranged; not at all, if that is empty."""
    mixed: bool = False
    """Whether numbers have an influence on others, too: their mean was subtracted, say."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor, as the lowering sees it.

    `source` is the index of the layer that made it, INPUT for the model's input, or None for what
    does not depend on the input; `parameters` are those that such a constant is made of, and
    `arrangement` says how, if every number of theirs still has a place of its own.
    """

    shape: Shape
    dimensions: Dimensions
    source: int | None = None
    parameters: Origins = NO_ORIGINS
    arrangement: Arrangement | None = None
    zeros: Zeros = ()


def depends_on_input(value: Any) -> TypeGuard[Value]:
    """Whether something is a tensor that depends on the input."""
    return isinstance(value, Value) and value.source is not None
