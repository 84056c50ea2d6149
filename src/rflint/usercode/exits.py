"""Keep the user's code from ending rflint's process, and end it in spite of the user's code.

A target that calls `os._exit(0)` would otherwise look like one without findings, and all other
reports would be lost. Crashes, endless loops and exits in compiled code are not prevented: that
takes a process of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

_EXITS = ("_exit", "abort", "execv", "execve")
"""Functions that end or replace the process at once. All os.exec* functions call the last two."""


class ExitAttempt(SystemExit):
    """The user's code tried to end the process at once."""

    def __init__(self, call: str) -> None:
        super().__init__(call)
        self.call = call


def exit_call(error: SystemExit) -> str:
    """The call that tried to end the program: 'os._exit(0)'."""
    return error.call if isinstance(error, ExitAttempt) else f"sys.exit({error.code!r})"


@contextlib.contextmanager
def exits_blocked() -> Iterator[None]:
    """Make what would end this process at once raise ExitAttempt; child processes may end."""
    process = os.getpid()
    modules = [x for x in (os, sys.modules.get("posix"), sys.modules.get("nt")) if x is not None]
    replaced = [
        (module, name, getattr(module, name))
        for module in modules
        for name in _EXITS
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
        raise ExitAttempt(f"os.{name}({', '.join(map(repr, args[:1]))})")

    return end


def end_program(status: int) -> NoReturn:
    """End the program, without waiting for threads and processes of the user's code."""
    processes = sys.modules.get("multiprocessing")
    if processes is not None:
        for child in processes.active_children():
            child.terminate()
    with exits_blocked():
        atexit._run_exitfuncs()
    main = threading.main_thread()
    if any(x is not main and not x.daemon for x in threading.enumerate()):
        # sys.exit would wait for them
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(status)
    sys.exit(status)
