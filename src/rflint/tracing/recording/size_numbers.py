"""Sizes that code asks a tensor for, followed until it matters how large they are.

Most code only hands sizes on: `b, c, h, w = x.shape; x.view(b, c, h * w)`. It does the same at any
size. Where a size is compared, divided, counted to, or given to a function that does something else
with it, it does not, and one trace does not speak for other sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import torch
from torch import fx

SizeRead: TypeAlias = tuple[fx.Node, "int | None"]
"""What was asked for a size, and along which dimension; None: for all of them."""

_HANDED_ON = frozenset({"view", "reshape", "unflatten"})
"""Functions that are given the sizes of what they make of the same numbers."""


class SizeNumber(int):
    """A size that was read. It is a number like any other, and says when that matters.

    Products of sizes are followed; they are what a view is given.
    """

    _reads: tuple[SizeRead, ...]
    _matters: Callable[[Iterable[SizeRead]], None]

    def __new__(
        cls,
        value: int,
        reads: tuple[SizeRead, ...],
        matters: Callable[[Iterable[SizeRead]], None],
    ) -> SizeNumber:
        """A number, where it was read, and what to call when it matters."""
        found = super().__new__(cls, value)
        found._reads = reads
        found._matters = matters
        return found

    def known(self) -> int:
        """The number alone, for something that depends on it."""
        self._matters(self._reads)
        return int.__int__(self)

    def plain(self) -> int:
        """The number alone, for something that does not."""
        return int.__int__(self)

    def __mul__(self, other: Any) -> Any:
        """Another size, or whatever a number times this is."""
        if type(other) is int or isinstance(other, SizeNumber):
            theirs = other._reads if isinstance(other, SizeNumber) else ()
            product = int.__mul__(self, other)
            return SizeNumber(product, (*self._reads, *theirs), self._matters)
        return self.known() * other

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are plain numbers."""
        return int, (int.__int__(self),)


def _asking(name: str) -> Callable[..., Any]:
    """A method of int that depends on what the number is."""
    original = getattr(int, name)

    def method(self: SizeNumber, *args: Any) -> Any:
        known = [x.known() if isinstance(x, SizeNumber) else x for x in args]
        return original(self.known(), *known)

    method.__name__ = name
    return method


for _name in (
    *("add", "radd", "sub", "rsub", "floordiv", "rfloordiv", "truediv", "rtruediv", "mod", "rmod"),
    *("divmod", "rdivmod", "pow", "rpow", "lshift", "rlshift", "rshift", "rrshift", "and", "rand"),
    *("or", "ror", "xor", "rxor", "neg", "pos", "abs", "invert", "round", "floor", "ceil", "trunc"),
    *("eq", "ne", "lt", "le", "gt", "ge", "bool", "hash", "int", "float"),
):
    setattr(SizeNumber, f"__{_name}__", _asking(f"__{_name}__"))


class SizesRead:
    """The sizes that mattered in one forward pass."""

    def __init__(self) -> None:
        self.found: dict[SizeRead, None] = {}
        self._handed_out = False

    def of(self, node: fx.Node, shape: torch.Size) -> torch.Size:
        """A shape whose sizes are followed."""
        self._handed_out = True
        sizes = (SizeNumber(n, ((node, dim),), self.note) for dim, n in enumerate(shape))
        return torch.Size(tuple(sizes))

    def note(self, reads: Iterable[SizeRead]) -> None:
        """Note sizes that matter."""
        self.found.update(dict.fromkeys(reads))

    def given_to(self, spelling: str, argument: Any) -> Any:
        """The arguments of a call with plain numbers; whether they matter depends on the call."""
        if not self._handed_out:
            return argument
        return _plain(argument, spelling in _HANDED_ON)


def _plain(argument: Any, handed_on: bool) -> Any:
    """Nested arguments without size numbers; what has none stays the same object."""
    if isinstance(argument, SizeNumber):
        return argument.plain() if handed_on else argument.known()
    if isinstance(argument, tuple | list):
        items = [_plain(item, handed_on) for item in argument]
        if all(a is b for a, b in zip(items, argument, strict=True)):
            return argument
        return items if isinstance(argument, list) else tuple(items)
    if isinstance(argument, dict):
        changed = {key: _plain(item, handed_on) for key, item in argument.items()}
        same = all(changed[key] is item for key, item in argument.items())
        return argument if same else changed
    if isinstance(argument, slice):
        return slice(
            *(_plain(x, handed_on) for x in (argument.start, argument.stop, argument.step))
        )
    return argument
