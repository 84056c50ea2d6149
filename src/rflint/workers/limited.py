"""Run a function in a child process that has a deadline, limits, and nobody to disturb.

The child is a fork: it has what this process has imported, and whatever it does to that is gone
when it ends. It leads a process group of its own, so that what it starts ends with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, Pipe
from typing import Any, NoReturn

from rflint.errors import RflintError, as_rflint_error, first_cause
from rflint.text.memory import memory_text
from rflint.usercode.exits import exits_blocked
from rflint.workers.errors import Crashed, OutOfMemory, TimedOut, ended_by, portable
from rflint.workers.limits import ProcessLimits, memory_taken

_end = os._exit  # the user's code may replace it
_LOOK = 0.2
"""Seconds after which the child is looked at, if nothing came from it."""
_LAST = 4096
_MEMORY_SIGNS = (b"bad_alloc", b"MemoryError", b"an't allocate memory", b"annot allocate memory")
_PR_SET_PDEATHSIG = 1
_DONE = b""
_ERROR = b"error:"
"""In front of an error, which no pickle begins with."""


def answers_of(
    function: Callable[[], Iterable[Any]],
    limits: ProcessLimits,
    *,
    unneeded: tuple[int, ...] = (),
) -> Iterator[bytes]:
    """What a function yields, run in a child process; each has to come within the time limit.

    Args:
        function: what to run there. What it yields must be possible to pickle.
        limits: what the child may take. Its process and all that it has started are ended beyond.
        unneeded: file descriptors of this process that the child closes.

    Returns:
        Each answer as `pickle.dumps` gives it.

    Raises:
        TimedOut, OutOfMemory, Crashed: the child was ended, or ended without an answer.
        RflintError: what the function raised; of any other exception `as_rflint_error`.
    """
    reader, writer = Pipe(duplex=False)
    _flush()
    child = os.fork()
    if not child:
        reader.close()
        _serve(function, writer, limits, unneeded)
    writer.close()
    with contextlib.suppress(OSError):  # the child does so, too: whoever is first
        os.setpgid(child, child)
    watch = _Watch(child, reader, limits)
    try:
        while (message := watch.next_message()) != _DONE:
            if message.startswith(_ERROR):
                raise pickle.loads(message[len(_ERROR) :])
            yield message
    finally:
        watch.end()
        reader.close()


class _Watch:
    """A child, seen by the process that waits for its answers."""

    def __init__(self, child: int, reader: Connection, limits: ProcessLimits) -> None:
        self.child = child
        self.reader = reader
        self.limits = limits
        self.begun = _printed()
        self.parent = os.getppid()
        self.status: int | None = None

    def next_message(self) -> bytes:
        """What the child sends next. Raises what is to be said where nothing comes."""
        timeout = self.limits.timeout
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            left = deadline - time.monotonic()
            if self.reader.poll(max(0.0, min(_LOOK, left))):
                with contextlib.suppress(EOFError, OSError):
                    return self.reader.recv_bytes()
                self._wait()
                raise self._end_error()
            if self._has_ended():
                if self.reader.poll(0):  # sent just before
                    continue
                raise self._end_error()
            if os.getppid() != self.parent:
                raise SystemExit("who asked is gone")
            if _printed() - self.begun > self.limits.output:
                raise Crashed(
                    f"it printed more than {memory_text(self.limits.output)}, and was ended"
                )
            if left <= 0:
                raise TimedOut(
                    f"it took longer than {timeout:g} seconds (--timeout)",
                    hint="Raise --timeout if it needs the time.",
                )

    def end(self) -> None:
        """End the child, and what it has started."""
        with contextlib.suppress(OSError):  # there is nobody left
            os.killpg(self.child, signal.SIGKILL)
        if self.status is None:
            os.waitpid(self.child, 0)

    def _has_ended(self) -> bool:
        if self.status is None:
            ended, status = os.waitpid(self.child, os.WNOHANG)
            if ended:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def _wait(self) -> None:
        """Wait for the end of a child that has closed its pipe."""
        if self._ends_soon():
            return
        os.kill(self.child, signal.SIGKILL)
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])

    def _ends_soon(self) -> bool:
        """Whether it ends by itself: a process that crashes closes its pipe a moment before."""
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            if self._has_ended():
                return True
            time.sleep(0.005)
        return False

    def _end_error(self) -> RflintError:
        """What is to be said of a child that has ended without an answer."""
        assert self.status is not None
        last = _last_printed(self.begun)
        if self.limits.memory is not None and any(sign in last for sign in _MEMORY_SIGNS):
            return _too_much(self.limits.memory)
        return Crashed(
            f"its process {ended_by(self.status)}",
            hint="What it printed may say why.",
        )


def _serve(
    function: Callable[[], Iterable[Any]],
    writer: Connection,
    limits: ProcessLimits,
    unneeded: tuple[int, ...],
) -> NoReturn:
    """The child's life: run the function, send what it yields, end."""
    process, status = os.getpid(), 1
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        _end_with_parent()
        for number in unneeded:
            os.close(number)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if limits.memory is not None:
            _limit_memory(limits.memory)
        with exits_blocked():
            for message in _messages(function, limits):
                if os.getpid() != process:
                    _end(0)  # the user's code has forked, and both came back: one answers
                _flush()
                writer.send_bytes(message)
        if os.getpid() == process:
            _flush()
            writer.send_bytes(_DONE)
            status = 0
    finally:
        _end(status)  # no code of the user's runs at exit, and no thread is waited for
    raise AssertionError("unreachable")


def _end_with_parent() -> None:
    """Have this process killed when the one that forked it ends, where the system can (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _messages(function: Callable[[], Iterable[Any]], limits: ProcessLimits) -> Iterator[bytes]:
    """What a function yields; in the end, where it raises, an error that can be sent."""
    try:
        for answer in function():
            yield pickle.dumps(answer)
    except BaseException as error:
        yield _ERROR + pickle.dumps(portable(within_memory(as_rflint_error(error), limits)))


def within_memory(error: RflintError, limits: ProcessLimits) -> RflintError:
    """An error that comes of the limit of memory says so; any other as it is."""
    first = first_cause(error)
    said = str(first).encode(errors="replace")
    if limits.memory is not None and (
        isinstance(first, MemoryError) or any(sign in said for sign in _MEMORY_SIGNS)
    ):
        return _too_much(limits.memory)
    return error


def _too_much(memory: int) -> OutOfMemory:
    return OutOfMemory(
        f"it needs more memory than {memory_text(memory)} (--memory)",
        hint="Raise --memory if it may have more.",
    )


def _limit_memory(memory: int) -> None:
    """Let allocations fail beyond what there is already and so much more.

    Linux counts the private writable pages of a process.
    """
    import resource

    limit = memory_taken() + memory
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()


def _printed() -> int:
    """How much was printed, where stderr is a file that collects it."""
    found = os.fstat(2)
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _last_printed(begun: int) -> bytes:
    """The last of what was printed, where stderr is such a file."""
    end = _printed()
    return os.pread(2, _LAST, max(begun, end - _LAST)) if end else b""
