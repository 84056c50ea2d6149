"""What a worker is asked for a sweep: the lines of a target, or of items of a generator.

Each order knows the models that are still wanted, in the order in which it answers.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, Protocol

from rflint.errors import RflintError
from rflint.inputs.notation import Sizes
from rflint.usecases.sweep.lines import Asked, asked_of, failed_line, item_lines, target_lines
from rflint.usecases.sweep.sources import items
from rflint.usecases.sweep.task import Batch, SweepTask
from rflint.workers.collect import PartialOrder
from rflint.workers.limited import answers_of
from rflint.workers.limits import ProcessLimits

_WITHIN = 30.0
"""Seconds that a process which walks a generator has beyond the limit of each item."""

_ANY = 1 << 62
"""More than anybody prints."""


class SweepOrder(PartialOrder, Protocol):
    """An order whose answers are lines."""

    @property
    def imports(self) -> str:
        """The target whose module is imported for it."""

    @property
    def limits(self) -> ProcessLimits:
        """Those of the process that carries it out."""


@dataclass(frozen=True, slots=True)
class TargetOrder:
    """A target at some sizes."""

    task: SweepTask
    target: str
    sizes: tuple[Sizes | None, ...]

    @property
    def imports(self) -> str:
        """The target."""
        return self.target

    @property
    def limits(self) -> ProcessLimits:
        """Those of a model."""
        return self.task.limits

    @property
    def number(self) -> int:
        """How many sizes there are."""
        return len(self.sizes)

    def answers(self, limits: ProcessLimits) -> Iterator[str]:
        """A line for each size."""
        return target_lines(self.task, self.target, self.sizes)

    def after(self, answered: int) -> TargetOrder:
        """Without the first sizes."""
        return replace(self, sizes=self.sizes[answered:])

    def failed(self, answered: int, error: RflintError) -> list[str]:
        """The error is that of one size; the next may go well."""
        return [failed_line(self.task, self.target, self.sizes[answered], error)]


@dataclass(frozen=True, slots=True)
class ItemsOrder:
    """Items of a generator, each of which is linted in a child of the process that walks it."""

    task: SweepTask
    source: str
    wanted: tuple[tuple[int, str, Sizes | None], ...]
    """Position, target and size of each line; positions ascend."""

    @property
    def imports(self) -> str:
        """The generator."""
        return self.source

    @property
    def limits(self) -> ProcessLimits:
        """Those of walking it: each item has limits of its own."""
        timeout = self.task.limits.timeout
        return ProcessLimits(None if timeout is None else timeout + _WITHIN, output=_ANY)

    @property
    def number(self) -> int:
        """How many lines are wanted."""
        return len(self.wanted)

    def answers(self, limits: ProcessLimits) -> Iterator[str]:
        """The lines of each item at its sizes."""
        task, folders = self.task, self.task.configuration.module_folders
        left = {position: list(group) for position, group in groupby(self.wanted, lambda x: x[0])}
        first, asked = min(left), asked_of(task, self.source)
        walked = items(self.source, task.root, folders, task.permissions, start=first)
        for position, item in enumerate(walked, start=first):
            group = left.pop(position, None)
            if group:
                name, builder, arguments = item
                self._check_name(name, group[0][1])
                sizes = [size for _, _, size in group]
                yield from self._item_lines(asked, group[0][1], (builder, arguments), sizes)
            if not left:
                return
        raise RflintError(f"{self.source} yields fewer items than before")

    def after(self, answered: int) -> ItemsOrder:
        """Without the first lines."""
        return replace(self, wanted=self.wanted[answered:])

    def failed(self, answered: int, error: RflintError) -> list[str]:
        """Walking it has failed, and no item behind can be reached, unless by a new process."""
        lost = self.wanted[answered:] if not answered else ()
        return [failed_line(self.task, target, size, error) for _, target, size in lost]

    def _check_name(self, name: str, target: str) -> None:
        if target != f"{self.source}[{name}]":
            raise RflintError(
                f"{self.source} yields {name} in the place of {target}: it has to yield the same "
                "items, in the same order, each time"
            )

    def _item_lines(
        self,
        asked: Asked,
        target: str,
        item: tuple[Any, Mapping[str, Any]],
        sizes: Sequence[Sizes | None],
    ) -> Iterator[str]:
        """The lines of an item. Where its process ends, the next size gets another."""
        left = list(sizes)
        while left:
            lines = partial(item_lines, self.task, asked, target, item, tuple(left))
            try:
                for message in answers_of(lines, self.task.limits):
                    del left[0]
                    yield pickle.loads(message)
            except RflintError as error:
                yield failed_line(self.task, target, left.pop(0), error)


def orders_of(batch: Batch) -> list[SweepOrder]:
    """The orders that make up a batch."""
    if not batch.is_generated:
        return [
            TargetOrder(batch.task, wanted.candidate.target, wanted.sizes)
            for wanted in batch.wanted
        ]
    wanted = tuple(
        (wanted.candidate.position or 0, wanted.candidate.target, size)
        for wanted in batch.wanted
        for size in wanted.sizes
    )
    return [ItemsOrder(batch.task, batch.source, wanted)]
