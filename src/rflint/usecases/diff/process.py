"""The processes in which sides are linted, from the outside."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rflint.errors import RflintError
from rflint.usecases.diff.worker import Order

_WORKER = (
    # the current folder is not searched for what rflint and torch import
    "import sys; sys.path[:] = [x for x in sys.path if x];"
    "from rflint.usecases.diff.worker import main; main()"
)


class LintProcess:
    """A process that lints one side, and answers once."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def answer(self) -> dict[str, Any]:
        """Its answer. Raises RflintError if it ended without one."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        status = self._process.wait()
        end = f"signal {-status}" if status < 0 else f"exit status {status}"
        raise RflintError(f"the process in which it was analysed has ended: {end}")

    def stop(self) -> None:
        """End it, with all that it has started."""
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


@contextmanager
def linted_in(folder: Path, order: Order) -> Iterator[LintProcess]:
    """A process that lints in a folder; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WORKER],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # a Ctrl-C ends this process, which ends that one
        start_new_session=True,
    )
    running = LintProcess(process)
    try:
        assert process.stdin
        with suppress(BrokenPipeError), process.stdin as orders:  # how it ended, answer() tells
            pickle.dump(order, orders)
        yield running
    finally:
        running.stop()
