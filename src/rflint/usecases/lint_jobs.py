"""Lint requests in worker processes: several at a time, and each within limits.

The requests of a target make one order, so that its model is built once. Results are given in the
order of the requests, whichever is done first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from rflint.configuration.requests import Request
from rflint.errors import RflintError
from rflint.usecases.lint_task import LintTask
from rflint.usecases.linter import Linted, Linter
from rflint.usecases.preloading import TORCH, packages_of
from rflint.usecases.targets import model_key
from rflint.workers.collect import Collected, Imports, carry_out
from rflint.workers.errors import portable, received
from rflint.workers.limited import within_memory
from rflint.workers.limits import ProcessLimits
from rflint.workers.pool import WorkerPool


@dataclass(frozen=True, slots=True)
class LintOrder:
    """Some requests of a task, by their positions, and the keys of their answers in the cache."""

    task: LintTask
    wanted: Sequence[tuple[int, str]]

    def answers(self, limits: ProcessLimits) -> Iterator[Linted]:
        """What becomes of each request."""
        cache = self.task.cache()
        _, requests = self.task.requests(cache, lambda about, error: None)
        linter = Linter(cache)
        for position, key in self.wanted:
            linted = linter.lint(requests[position], key)
            errors = (portable(within_memory(error, limits)) for error in linted.errors)
            yield replace(linted, errors=tuple(errors))

    @property
    def number(self) -> int:
        """How many requests there are."""
        return len(self.wanted)

    def after(self, answered: int) -> LintOrder:
        """Without the first requests."""
        return replace(self, wanted=self.wanted[answered:])

    def failed(self, answered: int, error: RflintError) -> list[Linted]:
        """The error is that of one request; the next may go well."""
        return [Linted(None, (error,))]


def lint_in_workers(
    task: LintTask,
    requests: Mapping[int, Request],
    keys: Mapping[int, str],
    jobs: int,
    limits: ProcessLimits,
) -> Iterator[Linted]:
    """What becomes of each of these requests of a task, in their order.

    They are given by their positions among all requests of the task. What the user's code prints
    goes to stderr, model by model.
    """
    orders = [
        LintOrder(task, [(position, keys[position]) for position in positions])
        for positions in _by_model(requests)
    ]
    packages = packages_of((x.target, x.root, x.pythonpath) for x in requests.values())
    imports = Imports(TORCH, packages)
    with WorkerPool(min(jobs, len(orders))) as pool:
        done: dict[int, tuple[Future[Collected], int]] = {}
        for order in orders:
            future = pool.submit(carry_out, imports, order, limits)
            done |= {position: (future, n) for n, (position, _) in enumerate(order.wanted)}
        for position in requests:
            future, number = done[position]
            if number == 0:
                sys.stderr.write(future.result().printed)
            linted: Linted = future.result().answers[number]
            yield replace(linted, errors=tuple(map(received, linted.errors)))


def _by_model(requests: Mapping[int, Request]) -> list[list[int]]:
    """The positions of requests, those of one model together."""
    groups: dict[str, list[int]] = {}
    for position, request in requests.items():
        groups.setdefault(model_key(request), []).append(position)
    return list(groups.values())
