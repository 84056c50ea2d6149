"""Workers that are kept for the next order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rflint.workers.process import WorkerProcess


class Workers:
    """Lends workers, one to each thread that asks; one that comes back serves again."""

    def __init__(self) -> None:
        self._idle: list[tuple[float, WorkerProcess]] = []
        self._lent: list[WorkerProcess] = []
        self._lock = threading.Lock()
        self._harmful: set[str] = set()
        self._is_open = True

    def start(self, number: int, modules: Sequence[str], packages: Sequence[str] = ()) -> None:
        """Start workers that will be asked for: they import while somebody does something else."""
        for _ in range(number):
            worker = WorkerProcess(modules, packages)
            with self._lock:
                self._idle.append((time.monotonic(), worker))

    @contextmanager
    def lend(self, modules: Sequence[str], packages: Sequence[str] = ()) -> Iterator[WorkerProcess]:
        """A worker that has imported all of these. Where the block fails, it is not used again.

        An idle worker that lacks some of them makes room for another one. Packages that a worker
        did not survive are left out from then on. Raises RuntimeError once this is closed.
        """
        packages = [x for x in packages if x not in self._harmful]
        worker = self._found(modules, packages)
        try:
            yield worker
        except BaseException:
            if not worker.is_ready:
                self._harmful.update(packages)
            self._give_back(worker, serves=False)
            raise
        self._give_back(worker, serves=True)

    def close(self) -> None:
        """End all workers, whatever they are doing, and lend none any more."""
        with self._lock:
            self._is_open = False
            workers = [*self._lent, *(worker for _, worker in self._idle)]
            self._idle.clear()
        for worker in workers:
            worker.stop()

    def end_idle(self, seconds: float) -> None:
        """End workers that nobody has asked for in so many seconds."""
        until = time.monotonic() - seconds
        with self._lock:
            ended = [worker for since, worker in self._idle if since <= until]
            self._idle = [x for x in self._idle if x[0] > until]
        for worker in ended:
            worker.stop()

    def _found(self, modules: Sequence[str], packages: Sequence[str]) -> WorkerProcess:
        stopped = None
        with self._lock:
            if not self._is_open:
                raise RuntimeError("no worker is lent any more")
            fitting = [x for x in self._idle if x[1].has((*modules, *packages))]
            if fitting:
                self._idle.remove(fitting[-1])
                worker = fitting[-1][1]
            else:
                if self._idle:
                    stopped = self._idle.pop(0)[1]
                worker = WorkerProcess(modules, packages)
            self._lent.append(worker)
        if stopped:
            stopped.stop()
        return worker

    def _give_back(self, worker: WorkerProcess, *, serves: bool) -> None:
        with self._lock:
            self._lent.remove(worker)
            if not self._is_open:
                return  # whoever has closed this has ended it
            if serves:
                self._idle.append((time.monotonic(), worker))
        if not serves:
            worker.stop()
