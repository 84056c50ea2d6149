"""Carry out a sweep: make batches, have them carried out, and hand on every line as it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass

from rflint.errors import error_text
from rflint.usecases.sweep.batch import BatchDone
from rflint.usecases.sweep.enumeration import Enumeration, Shard, SourceFailed
from rflint.usecases.sweep.executors import Backend
from rflint.usecases.sweep.lines import failed_line
from rflint.usecases.sweep.sources import Candidate
from rflint.usecases.sweep.task import Batch, SweepTask, Wanted, res_text, split
from rflint.workers.errors import Crashed

_LOOK = 0.2
"""Seconds after which it is looked whether there is something new to do."""
_TOGETHER = 8
"""Plain targets that go to an executor as one: less than sending them one by one costs."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is."""

    done: int
    """Models that have a line: a model at two sizes counts twice."""
    total: int
    """Those that are known so far."""
    is_total: bool
    """Whether these are all."""


class Sweep:
    """One run over sources. Whatever happens to a model, it has a line in the end."""

    def __init__(
        self,
        task: SweepTask,
        backend: Backend,
        is_new: Callable[[str, str | None], bool],
        write: Callable[[str], None],
        progress: Callable[[Progress], None],
        printed: Callable[[str], None],
    ) -> None:
        """`is_new` is asked of each target and size whether it is to be linted."""
        self.task = task
        self.backend = backend
        self.is_new = is_new
        self.write = write
        self.progress = progress
        self.printed = printed
        self._running: dict[Future[BatchDone], tuple[Batch, bool]] = {}
        self._again: deque[Batch] = deque()
        """Batches whose worker was lost: each candidate gets a second try of its own."""
        self._open: list[Wanted] = []
        """Candidates that wait for others to make a batch."""
        self._done = self._known = self._pulled = 0

    def run(self, sources: Iterable[str], shard: Shard) -> None:
        """Lint all candidates of all sources."""
        enumeration = Enumeration(self.task, sources, shard, self.backend.workers)
        try:
            is_through = False
            while not (is_through and not self._open and not self._again and not self._running):
                is_through = self._fill(enumeration, is_through)
                self._collect()
                ahead = (enumeration.number - self._pulled) * len(self.task.sizes)
                total = self._known + max(0, ahead)
                self.progress(Progress(self._done, total, enumeration.is_complete))
        finally:
            enumeration.close()

    def _fill(self, enumeration: Enumeration, is_through: bool) -> bool:
        """Give the executor what it has room for; return whether all candidates are known."""
        while len(self._running) < self.backend.at_a_time:
            if self._again:
                self._submit(self._again.popleft(), is_second=True)
            elif batch := self._next_batch(is_last=is_through):
                self._submit(batch, is_second=False)
            elif is_through:
                break
            else:
                found = enumeration.next_chunk(0 if self._running else _LOOK)
                if found is None:
                    is_through = True
                elif isinstance(found, SourceFailed):
                    self._add_failed(found)
                else:
                    self._add(found)
                    if not found and self._running:
                        break
        return is_through

    def _add(self, candidates: Sequence[Candidate]) -> None:
        self._pulled += len(candidates)
        for candidate in candidates:
            sizes = tuple(
                size for size in self.task.sizes if self.is_new(candidate.target, res_text(size))
            )
            self._known += len(sizes)
            if sizes:
                self._open.append(Wanted(candidate, sizes))

    def _add_failed(self, source: SourceFailed) -> None:
        """Write what is wrong with a source, unless an earlier run has."""
        if self.is_new(source.source, None):
            self._known += 1
            self._finish([failed_line(self.task, source.source, None, source.error)])

    def _next_batch(self, *, is_last: bool) -> Batch | None:
        """The next candidates that go together; None while more of them may come."""
        if not self._open:
            return None
        first = self._open[0].candidate
        size = self._batch_size(first)
        number = 0
        while number < min(size, len(self._open)) and _go_together(
            first, self._open[number].candidate
        ):
            number += 1
        if number == len(self._open) and number < size and not is_last and self._running:
            return None
        wanted, self._open = tuple(self._open[:number]), self._open[number:]
        return Batch(self.task, wanted)

    def _batch_size(self, candidate: Candidate) -> int:
        """How many candidates go together.

        A generator is walked anew for each batch, so that batches grow with the way to them.
        """
        if candidate.position is not None:
            return max(4, min(32, candidate.position // 8), candidate.position // 64)
        return _TOGETHER if self.task.is_remote else 1

    def _submit(self, batch: Batch, *, is_second: bool) -> None:
        try:
            future = self.backend.submit(batch)
        except (BrokenExecutor, RuntimeError):
            self.backend.restart()
            future = self.backend.submit(batch)
        self._running[future] = (batch, is_second)

    def _collect(self) -> None:
        """Write what is done."""
        if not self._running:
            return
        done, _ = wait(self._running, timeout=_LOOK, return_when=FIRST_COMPLETED)
        for future in done:
            batch, is_second = self._running.pop(future)
            try:
                result = future.result()
            except Exception as error:
                self._lost(batch, error, is_second=is_second)
                continue
            if result.printed:
                self.printed(result.printed)
            self._finish(result.lines)

    def _lost(self, batch: Batch, error: BaseException, *, is_second: bool) -> None:
        """Try again what has had no answer, once."""
        if not is_second:
            self._again.extend(split(batch))
            return
        said = Crashed(
            f"the worker that linted it was lost twice: {error_text(error)}",
            hint="Workers are lost where memory runs out, or where the machine goes away.",
        )
        self._finish(
            [
                failed_line(self.task, wanted.candidate.target, size, said)
                for wanted in batch.wanted
                for size in wanted.sizes
            ]
        )

    def _finish(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._done += 1
            self.write(line)


def _go_together(one: Candidate, other: Candidate) -> bool:
    """Whether a batch may have both: plain targets, or items of the same generator."""
    if one.position is None:
        return other.position is None
    return other.position is not None and one.source == other.source
