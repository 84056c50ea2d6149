"""Lint models in worker processes, none of which can stop the others.

A worker imports torch and the zoos once and then takes models one by one. One that exceeds the time
limit is killed, one that dies is noticed, one that has grown is retired; each is replaced by
another, and what became of its model is an outcome like any other.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import re
import resource
import time
import traceback
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.models import ZooModel

if TYPE_CHECKING:
    from torch import nn

    from rflint.report.model_report import ModelReport

GIB = 1 << 30
RETIRE_AT = 2 * GIB
"""Resident bytes with which a worker is replaced; torch and the zoos are half a GiB."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What linting a model gave."""

    model: ZooModel
    built: float = 0.0
    """Processor seconds for building the model."""
    seconds: float = 0.0
    """Processor seconds for everything else that rflint does."""
    tracer: str = ""
    unfollowed: str = ""
    """Why its own code could not be followed, so that torch.export had to."""
    complete: bool = False
    unknown: tuple[str, ...] = ()
    """The operators for which it is incomplete, each once."""
    left_out: bool = False
    """Whether its end is missing, since it depends on data."""
    codes: dict[str, int] = field(default_factory=dict)
    """Findings by rule code."""
    layers: int = 0
    convs: int = 0
    unproductive: int = 0
    params: int = 0
    macs: int = 0
    notes: tuple[str, ...] = ()
    """What `rflint --verbose` tells."""
    error: str = ""
    """Why it could not be analysed: the kind of error, a colon, the message."""

    @property
    def analysed(self) -> bool:
        """Whether there is a report."""
        return not self.error

    def to_dict(self) -> dict[str, Any]:
        """Flat, for JSON and CSV."""
        values = asdict(self)
        model = values.pop("model")
        return {**model, **values}


def outcomes(
    models: Sequence[ZooModel], *, jobs: int, timeout: float, memory: float
) -> Iterator[Outcome]:
    """Lint every model in one of `jobs` processes; outcomes come as they are ready.

    Args:
        models: what to lint, in this order.
        jobs: how many processes.
        timeout: seconds of wall time per model, building included.
        memory: GiB that a process may allocate; beyond it, allocation fails.
    """
    todo = deque(models)
    workers = [_Worker(memory) for _ in range(min(jobs, len(todo)))]
    try:
        while workers:
            limits = [worker.deadline - time.monotonic() for worker in workers]
            ready = wait([worker.connection for worker in workers], max(min(limits), 0))
            for index, worker in reversed(list(enumerate(workers))):
                late = worker.deadline < time.monotonic()
                if worker.connection not in ready and not late:
                    continue
                outcome = worker.result() if worker.connection in ready else worker.too_late()
                if outcome is not None:
                    yield outcome
                if not todo:
                    worker.stop()
                    del workers[index]
                    continue
                if worker.spent:
                    worker.stop()
                    workers[index] = _Worker(memory)
                else:
                    worker.give(todo.popleft(), timeout)
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process, seen from outside."""

    STARTING = 300.0
    """Seconds in which a process must have imported everything."""

    def __init__(self, memory: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, memory), daemon=True)
        self.process.start()
        theirs.close()
        self.model: ZooModel | None = None
        self.spent = False
        self.deadline = time.monotonic() + self.STARTING

    def give(self, model: ZooModel, timeout: float) -> None:
        """Set it to work."""
        self.model = model
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        with contextlib.suppress(BrokenPipeError):  # it died: seen when its result is read
            self.connection.send(model)

    def result(self) -> Outcome | None:
        """What it has sent; None if it was only ready. Raises RuntimeError if it cannot start."""
        try:
            outcome, resident = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.spent = True
            self.process.join()
            if self.model is None:
                raise RuntimeError("a worker cannot start; its own message is above") from None
            return Outcome(
                self.model, error=f"died: the process ended with {self.process.exitcode}"
            )
        self.spent = resident > RETIRE_AT
        assert outcome is None or isinstance(outcome, Outcome)
        return outcome

    def too_late(self) -> Outcome:
        """The outcome of a model that took too long. Raises RuntimeError if it cannot start."""
        self.spent = True
        if self.model is None:
            raise RuntimeError(f"a worker was not ready after {self.STARTING:.0f} s")
        return Outcome(self.model, error=f"timeout: not done after {self.timeout:.0f} s")

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Connection, memory: float) -> None:
    """A worker's life: import, say so, lint what comes."""
    import torch

    from zoo.models import warm_up

    torch.set_num_threads(1)
    # models print; stdout belongs to the tables
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warm_up()
    limit = int(memory * GIB)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    gc.collect()
    gc.freeze()  # what is imported stays: no need to look at it after every model
    connection.send((None, 0))
    while True:
        model = connection.recv()
        outcome = examine(model)
        gc.collect()
        connection.send((outcome, _resident()))


def examine(model: ZooModel) -> Outcome:
    """Build and lint one model in this process; every exception becomes an outcome."""
    import rflint
    from rflint.errors import InternalError, RflintError
    from rflint.tracing.model.build import build

    started = built = time.process_time()
    try:
        ready = build(model.builder, {}, model.title)
        built = time.process_time()
        report = rflint.lint(ready.model, input=list(model.inputs), name=model.title).models[0]
    except RflintError as error:
        message = f"{error.kind}: {error}"
        if isinstance(error, InternalError) and error.__cause__ is not None:
            message = f"{error.kind}: {_with_place(error.__cause__)}"
    except Exception as error:
        message = f"crash: {_with_place(error)}"
    else:
        done = time.process_time()
        totals = report.analysis.totals
        return Outcome(
            model=model,
            built=built - started,
            seconds=done - built,
            tracer=report.analysis.architecture.tracer,
            unfollowed=_unfollowed(ready.model, report),
            complete=report.analysis.complete,
            left_out=report.analysis.architecture.left_out is not None,
            unknown=tuple(dict.fromkeys(x.layer.op for x in report.layers if x.is_unknown)),
            codes=dict(sorted(Counter(f.code for f in report.findings).items())),
            layers=totals.layers,
            convs=totals.convs,
            unproductive=totals.unproductive,
            params=totals.params,
            macs=totals.macs,
            notes=(*([ready.note] if ready.note else []), *report.notes),
        )
    failed = time.process_time()
    if built == started:
        built = failed
    return Outcome(model, built - started, failed - built, error=_portable(message))


def _unfollowed(module: nn.Module, report: ModelReport) -> str:
    """What the symbolic tracer says of a model for which another was taken."""
    import rflint
    from rflint.errors import RflintError

    if report.analysis.architecture.tracer == "symbolic":
        return ""
    inputs = [tuple(shape) for shape in report.analysis.architecture.inputs]
    try:
        rflint.lint(module, input=inputs, tracer="symbolic")
    except RflintError as error:
        return _portable(error.message)
    raise AssertionError("the symbolic tracer follows what it did not follow")


def _with_place(error: BaseException) -> str:
    """A bug, with the line that raised it."""
    innermost = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(innermost.filename).name}:{innermost.lineno}"
    return f"{type(error).__name__}: {error} ({place})"


def _portable(message: str) -> str:
    """Without the parts of paths that differ between machines."""
    return re.sub(r"\S*/(?:site-packages|dist-packages)/", "", message)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
