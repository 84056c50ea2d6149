"""Operators that users teach to rflint: what they read, in three lines and without torch.

import rflint

@rflint.operator("mylib::blur")
def blur(x, kernel):
return rflint.Window(kernel, stride=1, start=-(kernel // 2))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from rflint.errors import UsageError
from rflint.graph.windows import POINTWISE, Extent, Reach, Window

Reads: TypeAlias = "str | Reach | tuple[str | Reach, ...]"
"""`"pointwise"`, `"global"` or a Window; for all spatial axes, or a tuple with one for each."""

_WORDS: dict[str, Reach] = {
    "pointwise": POINTWISE,
    "global": Extent.GLOBAL,
    "unknown": Extent.UNKNOWN,
}

_taught: dict[str, Callable[..., Reads]] = {}


def operator(*names: str, reads: Reads | None = None) -> Any:
    """Teach rflint what an operator reads of its inputs, for every output position.

    Args:
        names: as the report calls it: `"mylib::blur"` for an operator of a library, the function's
            name, or the class of a module that is to be kept whole (`"SelectiveScan"`, or with its
            Python module, `"mylib.scan.SelectiveScan"`). What you teach goes before what rflint
            knows.
        reads: "pointwise", "global", or a `rflint.Window(size, stride, start)`: output p reads
            `size` positions from p * stride + start on, where size counts dilation in and start
            is minus the padding. A tuple has one entry per spatial axis.

    Without `reads` this is a decorator. The function gets what the operator gets (tensors have a
    `.shape`; a module comes first) and returns what `reads` would be.
    """
    if not names or not all(isinstance(name, str) and name for name in names):
        raise UsageError("rflint.operator takes the names of operators")

    def teach(function: Callable[..., Reads]) -> Callable[..., Reads]:
        for name in names:
            _taught[name] = function
        return function

    if reads is None:
        return teach
    axes = len(reads) if isinstance(reads, tuple) else 1
    checked_reaches(reads, axes, names[0])  # says now what is wrong with it
    return teach(lambda *args, **kwargs: reads)


def taught_function(name: str) -> Callable[..., Reads] | None:
    """What a user has said about an operator."""
    return _taught.get(name)


def checked_reaches(reads: Any, axes: int, name: str) -> tuple[Reach, ...]:
    """What a user says as one reach per spatial axis. Raises UsageError where it is none."""
    each = reads if isinstance(reads, tuple) else (reads,) * axes
    said = [_WORDS.get(item, item) if isinstance(item, str) else item for item in each]
    reaches = tuple(item for item in said if isinstance(item, Window | Extent))
    possible = all(r.size >= 1 and r.stride > 0 for r in reaches if isinstance(r, Window))
    if len(said) != axes or len(reaches) != axes or not possible:
        raise UsageError(
            f"rflint.operator was told that {name} reads {reads!r}",
            hint='It reads "pointwise", "global", or a rflint.Window(size, stride, start) with a '
            "size and a stride above zero, or a tuple of these: one per spatial axis of the input.",
        )
    return reaches
