"""What the lines of a sweep say together, counted while they come.

Only counts are kept, and the few worst models: a sweep may have a million lines.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rflint.report.schema import JsonObject
from rflint.report.sweep.lines import is_error, key_of
from rflint.text.numbers import size

_WORST = 5
_MOST_SIZES = 100
"""Sizes beyond so many are counted together, under OTHER_SIZES."""
OTHER_SIZES = "others"


@dataclass(slots=True)
class SizeCounts:
    """What was found at one size of the input, as it was asked for."""

    models: int = 0
    errors: int = 0
    with_findings: int = 0
    unproductive: Counter[int] = field(default_factory=Counter)
    """How many models have so many unproductive convolutions."""


@dataclass(slots=True)
class RuleCounts:
    """What one rule found."""

    name: str
    severity: str
    models: int = 0
    """Models that it found something in; one is counted at each size."""
    findings: int = 0


@dataclass(slots=True)
class ErrorCounts:
    """Errors of one kind."""

    count: int = 0
    target: str = ""
    message: str = ""
    """Of the first of them."""


@dataclass(frozen=True, slots=True, order=True)
class WastefulModel:
    """A model with unproductive convolutions."""

    share: float
    """Of its parameters, that are in them."""
    unproductive: int
    convs: int
    params: int
    target: str
    resolution: str


class SweepSummary:
    """Counts lines."""

    def __init__(self) -> None:
        self.models = 0
        """Models with a report; one is counted at each size."""
        self.errors = 0
        self.incomplete = 0
        self.by_size: dict[str, SizeCounts] = {}
        """By the size as asked for; an empty text where none was given."""
        self.by_rule: dict[str, RuleCounts] = {}
        self.by_error: dict[str, ErrorCounts] = {}
        self._worst: list[WastefulModel] = []

    def add(self, line: JsonObject) -> None:
        """Count a line."""
        _, res = key_of(line)
        counts = self._of_size(res or "")
        if is_error(line):
            self.errors += 1
            counts.errors += 1
            kind = self.by_error.setdefault(
                line["kind"], ErrorCounts(0, line["target"], line["message"])
            )
            kind.count += 1
            return
        self.models += 1
        counts.models += 1
        counts.with_findings += bool(line["findings"])
        counts.unproductive[line["totals"]["unproductive"]] += 1
        self.incomplete += not line["complete"]
        self._add_findings(line)
        self._add_to_worst(line)

    def counted(self, lines: Iterable[JsonObject]) -> Iterator[JsonObject]:
        """The lines, each counted as it passes."""
        for line in lines:
            self.add(line)
            yield line

    @property
    def worst(self) -> list[WastefulModel]:
        """The few with the largest share of their parameters in unproductive convolutions."""
        return sorted(self._worst, reverse=True)

    def _of_size(self, res: str) -> SizeCounts:
        if res not in self.by_size and len(self.by_size) >= _MOST_SIZES:
            res = OTHER_SIZES
        return self.by_size.setdefault(res, SizeCounts())

    def _add_findings(self, line: JsonObject) -> None:
        found = Counter(x["code"] for x in line["findings"])
        for entry in line["findings"]:
            self.by_rule.setdefault(entry["code"], RuleCounts(entry["name"], entry["severity"]))
        for code, count in found.items():
            self.by_rule[code].models += 1
            self.by_rule[code].findings += count

    def _add_to_worst(self, line: JsonObject) -> None:
        totals = line["totals"]
        if not totals["unproductive"]:
            return
        one = WastefulModel(
            totals["unproductive_params"] / totals["params"] if totals["params"] else 0.0,
            totals["unproductive"],
            totals["convs"],
            totals["params"],
            line["target"],
            size(line["resolution"]),
        )
        if len(self._worst) < _WORST:
            heapq.heappush(self._worst, one)
        else:
            heapq.heappushpop(self._worst, one)


def quantile(counts: Mapping[int, int], share: float) -> int:
    """The smallest number that at least this share of what was counted does not exceed.

    `counts` says how often there was each number; at least one was.
    """
    wanted = share * sum(counts.values())
    so_far = 0
    for number in sorted(counts):
        so_far += counts[number]
        if so_far >= wanted:
            return number
    raise ValueError("nothing was counted")
