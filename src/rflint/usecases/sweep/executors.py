"""Where batches are carried out: in threads here, on a dask cluster, or by any other Executor."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rflint._version import __version__
from rflint.errors import UsageError, error_text
from rflint.usecases.preloading import TORCH
from rflint.usecases.sweep.batch import BatchDone, lint_batch
from rflint.usecases.sweep.task import Batch
from rflint.usercode.target import load_target
from rflint.workers.idle import Workers

_DASK = "dask:"
_PATIENCE = 300.0
"""Seconds in which some worker of an executor has to answer."""
_UNKNOWN = 32
"""Batches at a time for an executor that does not say how many workers it has."""


class Backend:
    """An executor, which can be made anew where its workers are lost and it does not recover."""

    def __init__(
        self,
        make: Callable[[], Executor],
        workers: Workers,
        function: Callable[[Batch], BatchDone] = lint_batch,
        at_a_time: int | None = None,
    ) -> None:
        self._make = make
        self.workers = workers
        """Workers of this machine, for what is done here in any case."""
        self._function = function
        self._executor = make()
        self.at_a_time = at_a_time or 2 * (_number_of_workers(self._executor) or _UNKNOWN)
        """How many batches it is given before one is done."""

    def submit(self, batch: Batch) -> Future[BatchDone]:
        """Have a batch carried out. Raises BrokenExecutor if that is not possible any more."""
        return self._executor.submit(self._function, batch)

    def check(self) -> None:
        """Raise UsageError unless a worker answers, and has this version of rflint."""
        try:
            version, where = self._executor.submit(worker_facts).result(_PATIENCE)
        except TimeoutError as error:
            raise UsageError(f"no worker has answered within {_PATIENCE:g} seconds") from error
        except Exception as error:
            raise UsageError(
                f"a worker cannot run rflint: {error_text(error)}",
                hint=f"Every worker needs rflint {__version__}, and what the models import.",
            ) from error
        if version != __version__:
            raise UsageError(
                f"the worker {where} has rflint {version}, and here it is {__version__}",
                hint="Results of different versions are not to be mixed: install the same.",
            )

    def restart(self) -> None:
        """Replace an executor that is broken."""
        self.close()
        self._executor = self._make()

    def close(self) -> None:
        """Let go of the executor; what has not begun is dropped."""
        with suppress(Exception):  # it may be broken
            self._executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def local_backend(jobs: int, packages: Sequence[str]) -> Iterator[Backend]:
    """So many workers of this machine; the first have these packages already."""
    workers = Workers()
    workers.start(2, TORCH, packages)  # one looks for candidates, another lints the first of them
    backend = Backend(
        lambda: ThreadPoolExecutor(jobs, thread_name_prefix="rflint sweep"),
        workers,
        lambda batch: lint_batch(batch, workers),
        at_a_time=2 * jobs,
    )
    try:
        yield backend
    finally:
        backend.close()
        workers.close()


@contextmanager
def remote_backend(name: str, root: Path, at_a_time: int | None) -> Iterator[Backend]:
    """The executor called `dask:ADDRESS` or `module:factory`.

    Raises UsageError without one, and if none of its workers can lint.
    """
    workers = Workers()
    opened = _dask if name.startswith(_DASK) else _of_factory
    try:
        with opened(name, root, workers, at_a_time) as backend:
            backend.check()
            yield backend
    finally:
        workers.close()


@contextmanager
def _of_factory(
    name: str, root: Path, workers: Workers, at_a_time: int | None
) -> Iterator[Backend]:
    found = load_target(name, root)
    if not callable(found) and not isinstance(found, Executor):
        raise UsageError(f"{name} is neither a concurrent.futures.Executor nor makes one")
    backend = Backend(lambda: _executor(found, name), workers, at_a_time=at_a_time)
    try:
        yield backend
    finally:
        backend.close()


def worker_facts() -> tuple[str, str]:
    """The version of rflint where this runs, and the name of the machine and process."""
    return __version__, f"{platform.node()} (process {os.getpid()})"


def _executor(found: Any, name: str) -> Executor:
    try:
        made = found if isinstance(found, Executor) else found()
    except Exception as error:
        raise UsageError(f"{name} raised {error_text(error)}") from error
    if not callable(getattr(made, "submit", None)):
        kind = type(made).__name__
        raise UsageError(f"{name} gives a {kind}, which is no concurrent.futures.Executor")
    executor: Executor = made
    return executor


@contextmanager
def _dask(name: str, root: Path, workers: Workers, at_a_time: int | None) -> Iterator[Backend]:
    address = name[len(_DASK) :]
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(
            "--executor dask:ADDRESS needs dask", hint="Install it: pip install 'rflint[dask]'"
        ) from error
    try:
        client = Client(address, timeout=10)
    except Exception as error:  # it has no class of its own for this
        raise UsageError(f"no dask scheduler answers at {address}: {error_text(error)}") from error
    with client:
        at_a_time = at_a_time or 2 * sum(client.ncores().values()) or _UNKNOWN

        def executor() -> Executor:
            made: Executor = client.get_executor(pure=False)
            return made

        backend = Backend(executor, workers, at_a_time=at_a_time)
        try:
            yield backend
        finally:
            backend.close()


def _number_of_workers(executor: Executor) -> int | None:
    """How many workers an executor has, where it says so as those of Python do."""
    number = getattr(executor, "_max_workers", None)
    return number if isinstance(number, int) else None
