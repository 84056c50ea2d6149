"""What wants the program to end: a Ctrl-C, which is no KeyboardInterrupt of the user's code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Signals by which somebody wants the program to end."""

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


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let what wants to end the program wait for the end of the block, which is short."""
    came: list[int] = []
    with _handled(_ENDING, lambda number, frame: came.append(number)):
        yield
    if came:
        signal.raise_signal(came[0])


@contextmanager
def ended_as_by_exception() -> Iterator[None]:
    """Inside of the block, what would end the process at once ends it as sys.exit does.

    So what was made for a while is removed, as after a Ctrl-C.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    quiet = [x for x in _ENDING if signal.getsignal(x) is signal.SIG_DFL]
    with _handled(quiet, end):
        yield


@contextmanager
def _handled(
    numbers: Sequence[signal.Signals], handler: Callable[[int, FrameType | None], object]
) -> Iterator[None]:
    """Handle signals, where that is possible: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # what is ignored, as by a process in the background, stays ignored
    known = [x for x in numbers if signal.getsignal(x) not in (signal.SIG_IGN, None)]
    before = {x: signal.signal(x, handler) for x in known}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
