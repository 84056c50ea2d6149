"""Which lines of the user's code built a module."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from rflint.graph.source_location import SourceLocation
from rflint.usercode.paths import source_at
from rflint.usercode.source_lines import user_lines

_CONSTRUCTED = "_rflint_constructed"


@contextmanager
def construction_recorded() -> Iterator[None]:
    """Note, on every module that this thread builds meanwhile, the user's lines that built it."""
    original = nn.Module.__init__
    ours = threading.get_ident()

    def recording_init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if threading.get_ident() == ours:
            self.__dict__[_CONSTRUCTED] = user_lines(sys._getframe(1))

    nn.Module.__init__ = recording_init  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def construction_of(module: nn.Module) -> tuple[SourceLocation, ...]:
    """The user's lines through which a module was built, innermost first.

    Empty where it was not built under `construction_recorded`.
    """
    found = module.__dict__.get(_CONSTRUCTED)
    return found if isinstance(found, tuple) else ()


def constructing_lines(module: nn.Module) -> tuple[SourceLocation, ...]:
    """The same without lines of the module's own `__init__`: from the line that called its class.

    All lines where there is no other, as with the model itself.
    """
    lines = construction_of(module)
    for number, line in enumerate(lines):
        if not any(_is_in_init(line, cls) for cls in type(module).__mro__):
            return lines[number:]
    return lines


def _is_in_init(line: SourceLocation, cls: type) -> bool:
    """Whether a line is one of a class's own `__init__`."""
    code = getattr(cls.__dict__.get("__init__"), "__code__", None)
    if code is None or source_at(code.co_filename, 0).path != line.path:
        return False  # most classes are torch's: the lines of those are not even listed
    last = max(number for _, _, number in code.co_lines() if number is not None)
    return bool(code.co_firstlineno <= line.line <= last)


def constructed_at(module: nn.Module) -> SourceLocation | None:
    """The user's line that built a module, if that is known."""
    return next(iter(construction_of(module)), None)
