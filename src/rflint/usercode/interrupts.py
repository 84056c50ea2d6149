"""Tell a Ctrl-C of the person at the keyboard from a KeyboardInterrupt of the user's code."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

_remembering = _pressed = False


def remember_ctrl_c() -> None:
    """From now on, remember whether Ctrl-C was pressed.

    A background process ignores SIGINT, and goes on doing so.
    """
    global _remembering
    _remembering = True
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    global _pressed
    _pressed = True
    raise KeyboardInterrupt


def is_ctrl_c(error: BaseException) -> bool:
    """Whether an exception means that somebody wants the program to end.

    In programs that use rflint as a library nothing is remembered: every KeyboardInterrupt counts.
    """
    return isinstance(error, KeyboardInterrupt) and (_pressed or not _remembering)
