"""What the figure of a model over the sizes of its input shows, whoever draws it.

The sizes stand along x, by their longest side. Above is how many convolutions are unproductive at
each, and what is to be said of it first (whether it is sound); below, what it costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rflint.analysis.sizes.at_size import AtSize, Fails, Outcome
from rflint.analysis.sizes.facts import Size
from rflint.analysis.sizes.ranges import Standing, standing
from rflint.report.sizes.report import ModelSizes
from rflint.report.sizes.words import advice
from rflint.report.units import main_unit
from rflint.text.cut import cut_middle
from rflint.text.escape import one_line
from rflint.text.numbers import axis_names, size

_FEWEST = 3
"""So many sizes at equal distances, at least, are a rule and no chance."""


@dataclass(frozen=True, slots=True)
class Band:
    """A part of the x axis where the same is to be said of all sizes."""

    standing: Standing
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sizes at which the model runs, one after the other, so that a line may go through them."""

    sizes: tuple[AtSize, ...]
    every: int
    """Their distance in the list of sizes: those between them do not run."""


@dataclass(frozen=True, slots=True)
class SizeCurve:
    """A model over the sizes of its input."""

    title: str
    sizes: tuple[Size, ...]
    axis: int
    """The axis whose lengths stand along x: the one along which sizes differ most."""
    unit: str
    is_judged: bool
    """Whether any convolution is compared with the input."""
    bands: tuple[Band, ...]
    stretches: tuple[Stretch, ...]
    asked: int | None
    """The length that somebody asked for; None where it is not among these."""
    is_assumed: bool
    """Whether nobody did, and it was assumed."""
    smallest_sound: int | None
    tidy: tuple[int, ...]
    """Lengths at which nothing is lost at the border and padding is read evenly."""
    told: str
    """The advice, in sentences."""

    @property
    def first(self) -> int:
        """The shortest length."""
        return self.length(self.sizes[0])

    @property
    def last(self) -> int:
        """The longest."""
        return self.length(self.sizes[-1])

    @property
    def step(self) -> int:
        """The distance of two lengths: those between were not looked at."""
        return self.length(self.sizes[1]) - self.first if len(self.sizes) > 1 else 1

    @property
    def running(self) -> tuple[AtSize, ...]:
        """All sizes at which the model runs."""
        return tuple(x for stretch in self.stretches for x in stretch.sizes)

    @property
    def some_tidy(self) -> tuple[int, ...]:
        """The tidy lengths, where not all are."""
        return self.tidy if len(self.tidy) < len(self.running) else ()

    @property
    def axis_label(self) -> str:
        """What stands along x."""
        axes = len(self.sizes[0])
        if axes == 1:
            along, ends = "length of the input", ""
        elif all(len(set(x)) == 1 for x in self.sizes):
            along, ends = "side of the input", ""
        else:
            first, last = (size(x, "×") for x in (self.sizes[0], self.sizes[-1]))
            along, ends = f"{axis_names(axes)[self.axis]} of the input", f" ({first} to {last})"
        every = f", in steps of {self.step}" if self.step > 1 else ""
        return f"{along}, {self.unit}{ends}{every}"

    def length(self, of: Size) -> int:
        """The length of a size along the axis that is shown."""
        return of[self.axis]

    def heading(self, most: int) -> str:
        """The model as a title of so many letters."""
        return cut_middle(one_line(self.title), max(8, most))


def size_curve(model: ModelSizes) -> SizeCurve:
    """A surveyed model, as what is to be drawn of it."""
    survey = model.survey
    sizes = tuple(x.size for x in survey.outcomes)
    axis = _longest_way(sizes)
    smallest = survey.smallest_sound
    stretches = tuple(_stretches(survey.outcomes))
    is_judged = any(x.is_judged for x in model.analysis.layers)
    return SizeCurve(
        title=model.title,
        sizes=sizes,
        axis=axis,
        unit=main_unit(model.analysis.architecture),
        is_judged=is_judged,
        bands=tuple(_bands(survey.outcomes, stretches, axis)),
        stretches=stretches,
        asked=survey.asked[axis] if _is_among(survey.asked, sizes) else None,
        is_assumed=model.is_inferred,
        smallest_sound=smallest.size[axis] if smallest and is_judged else None,
        tidy=tuple(x.size[axis] for x in survey.outcomes if isinstance(x, AtSize) and x.is_tidy),
        told=" ".join(advice(model, "×")),
    )


def _longest_way(sizes: Sequence[Size]) -> int:
    """The axis along which the sizes differ most; of several, the last."""
    ways = [last - first for first, last in zip(sizes[0], sizes[-1], strict=True)]
    return max(range(len(ways)), key=lambda axis: (ways[axis], axis))


def _is_among(asked: Size, sizes: Sequence[Size]) -> bool:
    """Whether a size is one of these, or a square between squares."""
    between = all(a <= n <= b for a, n, b in zip(sizes[0], asked, sizes[-1], strict=True))
    squares = all(len(set(x)) == 1 for x in (sizes[0], asked, sizes[-1]))
    return asked in sizes or (between and squares)


def _stretches(outcomes: Sequence[Outcome]) -> Iterator[Stretch]:
    """Sizes at which it runs: those side by side, and those at equal distances."""
    running = [n for n, x in enumerate(outcomes) if isinstance(x, AtSize)]
    begins = 0
    while begins < len(running):
        found = [running[begins]]
        every = running[begins + 1] - found[0] if begins + 1 < len(running) else 1
        for n in running[begins + 1 :]:
            if n - found[-1] != every:
                break
            found.append(n)
        fails = all(isinstance(outcomes[n], Fails) for n in _between(found))
        if every > 1 and not (fails and len(found) >= _FEWEST):
            found, every = found[:1], 1
        sizes = (outcomes[n] for n in found)
        yield Stretch(tuple(x for x in sizes if isinstance(x, AtSize)), every)
        begins += len(found)


def _between(numbers: Sequence[int]) -> set[int]:
    return set(range(numbers[0], numbers[-1])) - set(numbers)


def _bands(outcomes: Sequence[Outcome], stretches: Sequence[Stretch], axis: int) -> Iterator[Band]:
    """Sizes that say the same, but for those between dots; ends lie halfway to the next."""
    places = {x.size: n for n, x in enumerate(outcomes)}
    between = {n for x in stretches for n in _between([places[y.size] for y in x.sizes])}
    shown = [x for n, x in enumerate(outcomes) if n not in between]
    alike = [(what, list(same)) for what, same in groupby(shown, key=standing)]
    low = float(outcomes[0].size[axis])
    for place, (what, same) in enumerate(alike):
        last = same[-1].size[axis]
        following = alike[place + 1][1][0].size[axis] if place + 1 < len(alike) else last
        high = (last + following) / 2
        yield Band(what, low, high)
        low = high
