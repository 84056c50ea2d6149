"""A worker as seen by the process that started it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Pipe
from typing import Any

from rflint.workers.errors import WorkerLost, ended_by, received
from rflint.workers.limits import ProcessLimits
from rflint.workers.worker import Order

_CODE = (
    "import sys; sys.path[:] = {path!r};"
    "from rflint.workers.worker import main; main({number}, {modules!r}, {packages!r})"
)
_STARTS_WITHIN = 300.0
"""Seconds in which a worker has imported torch, on whatever machine."""
_GRACE = 60.0
"""Seconds beyond the time limit in which a worker has ended its child, and said so."""
_SHOWN = 100_000
"""So many bytes of what a model prints are passed on."""


class WorkerProcess:
    """Starts a worker, gives it orders, and ends it.

    Not for several threads at once.
    """

    def __init__(self, modules: Sequence[str], packages: Sequence[str] = ()) -> None:
        """Start it; it imports these modules meanwhile, as far as they can be imported."""
        self._imported = frozenset((*modules, *packages))
        self._printed = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed by stop)
        flags = fcntl.fcntl(self._printed, fcntl.F_GETFL)
        fcntl.fcntl(self._printed, fcntl.F_SETFL, flags | os.O_APPEND)
        self._connection, theirs = Pipe()
        number = theirs.fileno()
        code = _CODE.format(
            path=list(sys.path), number=number, modules=list(modules), packages=list(packages)
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=self._printed,
            pass_fds=[number],
        )
        theirs.close()
        self.is_ready = False
        """Whether it has imported what it was to import."""

    def has(self, names: Iterable[str]) -> bool:
        """Whether it has imported all of these modules and packages."""
        return self._imported.issuperset(names)

    def answers(self, order: Order, limits: ProcessLimits) -> Iterator[Any]:
        """What a child of the worker answers to an order.

        Raises TimedOut, OutOfMemory or Crashed where the child ended so, any other RflintError that
        it raised, and WorkerLost if the worker itself is no more.
        """
        patience = limits.timeout + _GRACE if limits.timeout is not None else None
        if not self.is_ready:
            self._received(_STARTS_WITHIN)
            self.is_ready = True
            self.printed()  # what packages print when they are imported is nobody's answer
        with contextlib.suppress(OSError):  # that it is lost is found below
            self._connection.send_bytes(pickle.dumps((order, limits)))
        while True:
            message = self._received(patience)
            answer = pickle.loads(message[1:])
            if message.startswith(b"+"):
                yield answer
            elif answer is None:
                return
            else:
                raise received(answer)

    def printed(self) -> str:
        """What the user's code has printed since this was last asked."""
        number = self._printed.fileno()
        size = os.fstat(number).st_size
        text = os.pread(number, _SHOWN, 0).decode(errors="replace")
        os.ftruncate(number, 0)
        if size > _SHOWN:
            text += f"\n... and {size - _SHOWN:,} bytes more\n"
        return text

    def stop(self) -> None:
        """End the worker, and what it is doing."""
        self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._printed.close()

    def _received(self, patience: float | None) -> bytes:
        try:
            if self._connection.poll(patience):
                return self._connection.recv_bytes()
        except (EOFError, OSError):
            pass
        else:
            raise WorkerLost("a process that lints models does not answer any more")
        try:
            how = ended_by(self._process.wait(5))
        except subprocess.TimeoutExpired:
            how = "closed its connection"
        said = self.printed().strip()
        raise WorkerLost(f"a process that lints models {how}", hint=said[-2000:])
