"""Threads, each of which gives orders to a worker of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

from rflint.workers.idle import Workers

_Result = TypeVar("_Result")


class WorkerPool:
    """Runs functions in threads, as many at a time as there are workers."""

    def __init__(self, jobs: int) -> None:
        self.workers = Workers()
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="rflint worker")

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End all workers, whatever they are doing."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.workers.close()
        self._threads.shutdown(wait=True)

    def submit(self, function: Callable[..., _Result], *arguments: Any) -> Future[_Result]:
        """Run a function in a thread, with the workers in front of its arguments."""
        return self._threads.submit(function, self.workers, *arguments)
