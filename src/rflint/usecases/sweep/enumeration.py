"""All candidates of all sources, found in a process of their own while others are linted."""

from __future__ import annotations

import queue
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rflint.errors import RflintError, as_rflint_error
from rflint.usecases.preloading import TORCH, packages_of
from rflint.usecases.sweep.sources import Candidate, expand
from rflint.usecases.sweep.task import SweepTask
from rflint.workers.idle import Workers
from rflint.workers.limits import ProcessLimits
from rflint.workers.process import WorkerProcess

_CHUNK = 256
_PAUSE = 1.0
"""Seconds after which those that were found are told, however few."""
_AHEAD = 1024
"""Chunks that are found before they are needed, so that it is known how many there are."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of a sweep, each for a machine of its own; counted from 1."""

    number: int = 1
    of: int = 1

    def has(self, candidate: Candidate) -> bool:
        """Whether a candidate is in this part: a matter of its name alone."""
        return zlib.crc32(candidate.target.encode(errors="surrogatepass")) % self.of == (
            self.number - 1
        )


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """A source that could not be gone through, or not to its end."""

    source: str
    error: RflintError


@dataclass(frozen=True, slots=True)
class _ExpandOrder:
    task: SweepTask
    source: str

    def answers(self, limits: ProcessLimits) -> Iterator[list[Candidate]]:
        """The candidates of a source, in lists."""
        folders = self.task.configuration.module_folders
        chunk: list[Candidate] = []
        told = time.monotonic()
        found = expand(self.source, self.task.root, folders, self.task.permissions)
        try:
            for candidate in found:
                chunk.append(candidate)
                if len(chunk) == _CHUNK or time.monotonic() - told > _PAUSE:
                    yield chunk
                    chunk, told = [], time.monotonic()
        except RflintError:
            yield chunk  # a generator that fails has candidates before that
            raise
        yield chunk


class Enumeration:
    """Finds candidates in a thread, which is ahead of those who ask."""

    def __init__(
        self, task: SweepTask, sources: Iterable[str], shard: Shard, workers: Workers
    ) -> None:
        self._task = task
        self._sources = sources
        self._shard = shard
        self._found: queue.Queue[Any] = queue.Queue(_AHEAD)
        self._workers = workers
        self._worker: WorkerProcess | None = None
        self.number = 0
        """How many candidates were found so far."""
        self.is_complete = False
        """Whether there are no others."""
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="rflint enumeration")
        self._thread.start()

    def next_chunk(self, wait: float) -> list[Candidate] | SourceFailed | None:
        """What was found next; an empty list if there is nothing yet, None at the end."""
        if self.is_complete and self._found.empty():
            return None
        try:
            found: list[Candidate] | SourceFailed | None = self._found.get(timeout=wait)
        except queue.Empty:
            return []
        return found

    def close(self) -> None:
        """Look for no more."""
        self._is_closed = True
        if self._worker:
            self._worker.stop()
        while self._thread.is_alive():
            while not self._found.empty():
                self._found.get()
            self._thread.join(0.05)

    def _run(self) -> None:
        sources = iter(self._sources)
        while not self._is_closed:
            source = "the sources"
            try:
                source = next(sources)
                self._expand(source)
            except StopIteration:
                break
            except Exception as error:  # of a file of sources, too; who waits has to hear of it
                self._put(SourceFailed(source, as_rflint_error(error)))
        self.is_complete = True
        self._put(None)

    def _expand(self, source: str) -> None:
        task = self._task
        folders = task.configuration.module_folders
        packages = packages_of([(source, task.root, folders)])
        limits = ProcessLimits(task.limits.timeout)
        with self._workers.lend(TORCH, packages) as worker:
            self._worker = worker
            for chunk in worker.answers(_ExpandOrder(task, source), limits):
                own = [x for x in chunk if self._shard.has(x)]
                self.number += len(own)
                self._put(own)
            self._worker = None

    def _put(self, found: list[Candidate] | SourceFailed | None) -> None:
        while not self._is_closed:
            try:
                self._found.put(found, timeout=0.2)
            except queue.Full:
                continue
            return
