"""Which lines of the user's code built a module."""

from __future__ import annotations

import sys
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
    """Note, on every module built meanwhile, the user's lines that built it."""
    original = nn.Module.__init__

    def recording_init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
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
    own = [x for x in map(_init_of, type(module).__mro__) if x is not None]
    for number, line in enumerate(lines):
        if not any(line.path == file and line.line in rows for file, rows in own):
            return lines[number:]
    return lines


def _init_of(cls: type) -> tuple[str, range] | None:
    """The file and the lines of a class's own `__init__`, where that is Python code."""
    code = getattr(cls.__dict__.get("__init__"), "__code__", None)
    if code is None:
        return None
    last = max(line for _, _, line in code.co_lines() if line is not None)
    return source_at(code.co_filename, 0).path, range(code.co_firstlineno, last + 1)


def constructed_at(module: nn.Module) -> SourceLocation | None:
    """The user's line that built a module, if that is known."""
    return next(iter(construction_of(module)), None)
