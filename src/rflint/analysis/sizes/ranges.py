"""Sizes that follow each other, and at which the same holds of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, pairwise

from rflint.analysis.sizes.at_size import AtSize, Fails, NotKnown, Outcome

_FEW = 2
"""Where a model fails in more places between sizes at which it runs, these are not told apart."""


class Standing(str, Enum):
    """What a report says of a size first."""

    FAILS = "does not run"
    NOT_KNOWN = "not known"
    UNPRODUCTIVE = "unproductive layers"
    SOUND = "sound"
    TOO_LARGE = "beyond all receptive fields"


@dataclass(frozen=True, slots=True)
class SizeRange:
    """Sizes of one standing, from the first to the last."""

    standing: Standing
    outcomes: tuple[Outcome, ...]
    every: int | None = 1
    """The distance of two of them in the list of sizes; None where it is not always the same."""
    between: Outcome | None = None
    """The first of those between, at which the model does not run."""

    @property
    def first(self) -> Outcome:
        """The smallest."""
        return self.outcomes[0]

    @property
    def last(self) -> Outcome:
        """The largest."""
        return self.outcomes[-1]

    @property
    def running(self) -> tuple[AtSize, ...]:
        """All of them, where the model runs."""
        return tuple(x for x in self.outcomes if isinstance(x, AtSize))


def standing(outcome: Outcome) -> Standing:
    """What is to be said of a size first."""
    if isinstance(outcome, Fails):
        return Standing.FAILS
    if isinstance(outcome, NotKnown):
        return Standing.NOT_KNOWN
    if outcome.unproductive:
        return Standing.UNPRODUCTIVE
    return Standing.SOUND if outcome.sees_all else Standing.TOO_LARGE


def ranges(outcomes: Sequence[Outcome]) -> tuple[SizeRange, ...]:
    """All sizes, in as few ranges as say the same of them."""
    return tuple(_ranges(outcomes))


def sound_ranges(outcomes: Sequence[Outcome]) -> tuple[tuple[AtSize, AtSize], ...]:
    """The first and the last size of each range whose sizes are all sound, where the model runs.

    Sizes between at which it does not run do not end a range.
    """
    found: list[list[AtSize]] = [[]]
    for outcome in outcomes:
        if isinstance(outcome, AtSize) and outcome.is_sound:
            found[-1].append(outcome)
        elif not isinstance(outcome, Fails) and found[-1]:
            found.append([])
    return tuple((x[0], x[-1]) for x in found if x)


def _ranges(outcomes: Sequence[Outcome]) -> Iterator[SizeRange]:
    numbers = range(len(outcomes))
    blocks = [list(x) for _, x in groupby(numbers, key=lambda n: standing(outcomes[n]))]
    failing = [x for x in blocks[1:-1] if standing(outcomes[x[0]]) is Standing.FAILS]
    if len(failing) > _FEW:
        between = {n for block in failing for n in block}
        kept = [n for n in numbers if n not in between]
        blocks = [list(x) for _, x in groupby(kept, key=lambda n: standing(outcomes[n]))]
    for block in blocks:
        yield SizeRange(
            standing(outcomes[block[0]]),
            tuple(outcomes[n] for n in block),
            _distance(block),
            next((outcomes[n] for n in range(block[0], block[-1]) if n not in block), None),
        )


def _distance(block: Sequence[int]) -> int | None:
    """The distance of neighbours in a block, if it is always the same."""
    found = {after - before for before, after in pairwise(block)}
    return found.pop() if len(found) == 1 else None if found else 1
