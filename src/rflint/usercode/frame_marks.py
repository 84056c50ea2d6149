"""Mark functions of rflint's, so that their calls can be recognised on a stack."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class FrameMark:
    """A decorator for functions. It compares code objects, so names play no part."""

    def __init__(self) -> None:
        self._codes: dict[int, CodeType] = {}

    def __call__(self, function: Function) -> Function:
        """Mark a function; of a generator, every step is marked."""
        code: CodeType = function.__code__
        self._codes[id(code)] = code
        return function

    def is_on(self, frame: FrameType) -> bool:
        """Whether a frame is a call of a marked function."""
        return id(frame.f_code) in self._codes


enters_user_code = FrameMark()
"""For functions that call into the user's code: source lines are looked for up to their calls."""

imports_for_user = FrameMark()
"""For functions that look for modules on behalf of the user's code, and find what it would find."""
