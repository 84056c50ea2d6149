"""Progress bars while a model is measured."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from rflint.measurement.running.progress import SILENT, Progress


class _Shown(Progress):
    """A bar for each step."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.task: TaskID | None = None

    def begins(self, step: str, number: int) -> None:
        self.task = self.bars.add_task(step, total=number)

    def advances(self, by: int) -> None:
        if self.task is not None:
            self.bars.advance(self.task, by)


@contextlib.contextmanager
def shown_progress(*, quiet: bool) -> Iterator[Progress]:
    """What measuring tells its progress to: bars on a terminal, nothing in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield SILENT
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Shown(bars)
