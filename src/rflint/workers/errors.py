"""What is said of a model whose own process ended, and what errors are in another process."""

from __future__ import annotations

import signal
import traceback

from rflint.errors import RflintError

_WITHOUT_TORCH = ("rflint.errors", "rflint.linting.errors", __name__)
"""Modules with errors that any process can read."""


class TimedOut(RflintError):
    """A model took longer than it may."""

    kind = "timeout"


class OutOfMemory(RflintError):
    """A model took more memory than it may."""

    kind = "memory"


class Crashed(RflintError):
    """The process of a model ended before it had an answer."""

    kind = "crash"


class WorkerLost(RflintError):
    """A worker could not be started, or is gone: that says nothing of the model."""

    kind = "crash"


class _Elsewhere(Exception):
    """Carries the traceback of an error from another process, for --debug."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def portable(error: RflintError) -> RflintError:
    """The error as it can be sent to another process, which may know nothing of torch.

    Its causes become one text.
    """
    plain = next(x for x in type(error).__mro__ if x.__module__ in _WITHOUT_TORCH)
    found: RflintError = plain(error.message, hint=error.hint, source=error.source)
    found.runs_on = error.runs_on
    found.traceback_elsewhere = error.traceback_elsewhere or "".join(
        traceback.format_exception(error)
    )
    return found


def received(error: RflintError) -> RflintError:
    """An error from another process, with the traceback that it had there as its cause."""
    if error.traceback_elsewhere and error.__cause__ is None:
        error.__cause__ = _Elsewhere(error.traceback_elsewhere)
    return error


def ended_by(status: int) -> str:
    """How a process ended, from its exit code as Python gives it: negative for a signal."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    why = ", as the system does where memory runs out" if name == "SIGKILL" else ""
    return f"was ended by {name}{why}"
