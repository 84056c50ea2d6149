"""What becomes of a batch, wherever that is: in a thread here, or on another machine.

A process that carries out batches keeps workers, which have torch, for as long as there are
batches. Whatever a model does there costs its own line only.
"""

from __future__ import annotations

import atexit
import tempfile
import threading
import zipfile
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from rflint.usecases.preloading import TORCH, packages_of
from rflint.usecases.sweep.orders import SweepOrder, orders_of
from rflint.usecases.sweep.task import Batch, SweepTask
from rflint.workers.collect import Imports, carry_out
from rflint.workers.idle import Workers

_IDLE = 60.0
"""Seconds after which a worker without a batch is ended."""
_TIMER = "rflint idle workers"
_WORKERS = Workers()


@dataclass(frozen=True, slots=True)
class BatchDone:
    """The lines of a batch, and what its models printed."""

    lines: tuple[str, ...]
    printed: str = ""


def lint_batch(batch: Batch, workers: Workers | None = None) -> BatchDone:
    """The lines of all candidates at all of their sizes; an error is a line, too.

    Without `workers`, those are used that this process keeps for batches.
    """
    if workers is None:
        workers = _WORKERS
        _end_idle_later()
    task = batch.task
    if task.code is not None:
        batch = replace(batch, task=replace(task, root=_unpacked(task.code), code=None))
    elif not task.root.is_dir():  # another machine: what it has is installed, or lies here
        batch = replace(batch, task=replace(task, root=Path.cwd()))
    done = [
        carry_out(workers, Imports(TORCH, _packages_of(order, batch.task)), order, order.limits)
        for order in orders_of(batch)
    ]
    lines = tuple(line for collected in done for line in collected.answers)
    return BatchDone(lines, "".join(collected.printed for collected in done))


def _end_idle_later() -> None:
    """See to it that workers do not stay for ever, where nobody says that this was the last."""
    if not any(x.name == _TIMER for x in threading.enumerate()):
        timer = threading.Timer(2 * _IDLE, _WORKERS.end_idle, [_IDLE])
        timer.name, timer.daemon = _TIMER, True
        timer.start()


def _packages_of(order: SweepOrder, task: SweepTask) -> tuple[str, ...]:
    """The packages that an order imports."""
    module = order.imports.rpartition(":")[0]
    return _packages(module, task.root, task.configuration.module_folders)


@lru_cache(maxsize=1024)
def _packages(module: str, root: Path, folders: tuple[Path, ...]) -> tuple[str, ...]:
    """The packages that a module imports."""
    return packages_of([(f"{module}:x", root, folders)])


@lru_cache(maxsize=8)
def _unpacked(code: bytes) -> Path:
    """A folder with the user's code, which lasts as long as this process."""
    folder = tempfile.TemporaryDirectory(prefix="rflint-")
    atexit.register(folder.cleanup)
    with zipfile.ZipFile(BytesIO(code)) as archive:
        archive.extractall(folder.name)
    return Path(folder.name)
