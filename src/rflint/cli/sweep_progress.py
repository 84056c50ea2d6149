"""The progress of a sweep on a terminal: how many, how fast, how long still."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rflint.cli.messages import note

if TYPE_CHECKING:
    from rflint.usecases.sweep.run import Progress

_LOG_EVERY = 60.0
"""Seconds between two lines where stderr is no terminal: the log of a job that runs for hours."""


@contextlib.contextmanager
def sweep_progress(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Give a function to call with how far it is; a bar shows it, or a line a minute in a log."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bar() as shows:
            yield shows
    else:
        yield _Log()


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (BarColumn(), TextColumn("{task.description}"))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("starting", total=None)
        pace = _Pace()

        def shows(progress: Progress) -> None:
            bars.update(
                task,
                completed=progress.done,
                total=progress.total if progress.is_total else None,
                description=progress_text(progress, pace.rate(progress.done)),
            )

        yield shows


class _Log:
    """Prints a line a minute."""

    def __init__(self) -> None:
        self.told = time.monotonic()
        self.pace = _Pace()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        rate = self.pace.rate(progress.done)
        if now - self.told > _LOG_EVERY:
            self.told = now
            note(progress_text(progress, rate))


class _Pace:
    """How many models are done in a second, since the first one was: starting takes its time."""

    def __init__(self) -> None:
        self.first: tuple[int, float] | None = None

    def rate(self, done: int) -> float:
        """Models a second; 0 while that is not known."""
        now = time.monotonic()
        if self.first is None:
            self.first = (done, now) if done else None
            return 0.0
        before, since = self.first
        return (done - before) / (now - since) if now > since else 0.0


def progress_text(progress: Progress, rate: float) -> str:
    """Like "1,200 of 15,625, 31.5 a second, 0:07:38 left", for so many models a second."""
    known = f"{progress.total:,}" if progress.is_total else f"{progress.total:,} or more"
    text = f"{progress.done:,} of {known}"
    if not rate:
        return text
    told = f"{rate:.1f} a second" if rate >= 1 else f"{rate * 60:.1f} a minute"
    if not progress.is_total:
        return f"{text}, {told}"
    left = round((progress.total - progress.done) / rate)
    return f"{text}, {told}, {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
