"""What linting a model of the zoos gives, in the processes that `rflint --jobs` uses, too."""

from __future__ import annotations

import re
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rflint.workers.collect import Imports, collect
from rflint.workers.idle import Workers
from rflint.workers.limits import ProcessLimits
from rflint.workers.pool import WorkerPool
from zoo.models import ZooModel

if TYPE_CHECKING:
    from torch import nn

    from rflint.report.model_report import ModelReport

_READY = ("zoo.models:warm_up",)
"""What workers call first: it imports the zoos, and lints a model of each."""


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


@dataclass(frozen=True, slots=True)
class _Order:
    model: ZooModel

    def answers(self, limits: ProcessLimits) -> Iterator[Outcome]:
        yield examine(self.model)


def outcomes(
    models: Sequence[ZooModel], *, jobs: int, timeout: float, memory: float
) -> Iterator[Outcome]:
    """Lint every model, each in a process of its own; outcomes come as they are ready.

    Args:
        models: what to lint, in this order.
        jobs: how many at a time.
        timeout: seconds of wall time per model, building included.
        memory: GiB that a model may take.
    """
    limits = ProcessLimits(timeout, int(memory * (1 << 30)))
    with WorkerPool(jobs) as pool:
        for done in as_completed([pool.submit(_outcome, model, limits) for model in models]):
            yield done.result()


def _outcome(workers: Workers, model: ZooModel, limits: ProcessLimits) -> Outcome:
    found = collect(workers, Imports(_READY), _Order(model), limits)
    if found.error:
        return Outcome(model, error=f"{found.error.kind}: {found.error.message}")
    outcome: Outcome = found.answers[0]
    return outcome


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
