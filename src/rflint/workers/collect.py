"""All that becomes of an order, whatever happens to the processes that carry it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rflint.errors import RflintError
from rflint.workers.errors import Crashed, WorkerLost
from rflint.workers.idle import Workers
from rflint.workers.limits import ProcessLimits
from rflint.workers.worker import Order

_TRIES = 2
"""How often a worker may be lost before that is said to be the model's fault."""


class PartialOrder(Order, Protocol):
    """An order with several answers, the rest of which can be asked for by itself."""

    @property
    def number(self) -> int:
        """How many answers it has."""

    def after(self, answered: int) -> PartialOrder:
        """The order without the first answers."""

    def failed(self, answered: int, error: RflintError) -> Sequence[Any]:
        """The answers that an error takes the place of, which came after so many others."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The answers to an order."""

    answers: tuple[Any, ...]
    error: RflintError | None
    """What ended it; None if all has come. WorkerLost says nothing of the model."""
    printed: str
    """What the user's code printed meanwhile."""


@dataclass(frozen=True, slots=True)
class Imports:
    """What a worker imports before it serves."""

    modules: Sequence[str]
    packages: Sequence[str] = ()
    """What the models import of installed packages: left out if a worker does not survive it."""


def collect(workers: Workers, imports: Imports, order: Order, limits: ProcessLimits) -> Collected:
    """Have an order carried out by a worker, as far as that comes."""
    answers: list[Any] = []
    error: RflintError | None = None
    printed = ""
    try:
        with workers.lend(imports.modules, imports.packages) as worker:
            try:
                answers.extend(worker.answers(order, limits))
            except WorkerLost:
                raise  # so that it is not used again
            except RflintError as found:
                error = found
            printed = worker.printed()
    except WorkerLost as found:
        error = found
    return Collected(tuple(answers), error, printed)


def carry_out(
    workers: Workers, imports: Imports, order: PartialOrder, limits: ProcessLimits
) -> Collected:
    """Have all of an order carried out. What ends a process costs the answer that was due."""
    answers: list[Any] = []
    printed, lost = "", 0
    while order.number:
        found = collect(workers, imports, order, limits)
        printed += found.printed
        answers += found.answers
        answered, error = len(found.answers), found.error
        if isinstance(error, WorkerLost):
            lost += 1
            error = error if lost > _TRIES else None
        elif error is None and answered < order.number:
            error = Crashed("its process ended before it had an answer")
        failed = order.failed(answered, error) if error else ()
        answers += failed
        order = order.after(answered + len(failed))
    return Collected(tuple(answers), None, printed)
