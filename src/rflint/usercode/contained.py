"""What the user's code cannot do to the program: end it, replace it, keep it from ending.

A target that calls `os._exit(0)` would otherwise pass for one without findings, and take the report
of all others along. What only another process could prevent (a crash, a loop, compiled code that
ends the process) is not prevented.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

_ENDING = ("_exit", "abort", "execv", "execve")
"""What ends or replaces a process without a word. All of os.exec* come down to the last two."""


class Ended(SystemExit):
    """In place of the end of the process: the call that would have brought it about."""

    def __init__(self, call: str) -> None:
        super().__init__(call)
        self.call = call


def exit_called(error: SystemExit) -> str:
    """The call that wanted to end the program."""
    return error.call if isinstance(error, Ended) else f"sys.exit({error.code!r})"


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Meanwhile, what would end this process at once raises `Ended`; children end as ever."""
    process = os.getpid()
    modules = [x for x in (os, sys.modules.get("posix"), sys.modules.get("nt")) if x is not None]
    replaced = [
        (module, name, getattr(module, name))
        for module in modules
        for name in _ENDING
        if hasattr(module, name)
    ]
    for module, name, original in replaced:
        setattr(module, name, _only_in_children(process, name, original))
    try:
        yield
    finally:
        for module, name, original in replaced:
            setattr(module, name, original)


def _only_in_children(process: int, name: str, original: Any) -> Any:
    def end(*args: Any, **kwargs: Any) -> Any:
        if os.getpid() != process:
            return original(*args, **kwargs)
        raise Ended(f"os.{name}({', '.join(map(repr, args[:1]))})")

    return end


# -- Ctrl-C

_listening = _pressed = False


def listen_for_ctrl_c() -> None:
    """From now on, know whether a person has interrupted the program.

    In the background SIGINT is ignored; then nobody can, and it stays so.
    """
    global _listening
    _listening = True
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    global _pressed
    _pressed = True
    raise KeyboardInterrupt


def is_interrupt(error: BaseException) -> bool:
    """Whether a person wants the program to end; the user's code can raise the same by itself.

    In somebody else's program nobody has listened, and it is taken for that.
    """
    return isinstance(error, KeyboardInterrupt) and (_pressed or not _listening)


# -- the end


def leave(status: int) -> NoReturn:
    """End the program, whatever the user's code has left running."""
    processes = sys.modules.get("multiprocessing")
    if processes is not None:
        for child in processes.active_children():
            child.terminate()
    with contained():
        atexit._run_exitfuncs()
    main = threading.main_thread()
    if any(x is not main and not x.daemon for x in threading.enumerate()):
        # Python would wait for them, for as long as they run
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(status)
    sys.exit(status)
