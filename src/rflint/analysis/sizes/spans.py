"""The sizes between two: every length of an axis, and what shape inputs have there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rflint.analysis.sizes.facts import Size
from rflint.errors import UsageError
from rflint.text.numbers import size as size_text

SMALLEST = 16
"""Where a range begins, if nobody says so."""
LARGEST = 512
"""Where it ends; of larger inputs, at twice their size."""
USUAL_SIZES = (224, 256, 128, 96, 64, 32, 384, 512, 299, 160, 192, 288, 320, 448, 28)
"""What inputs have, the most usual first."""
_MOST = 500
"""About so many sizes are looked at, unless a step is given."""


@dataclass(frozen=True, slots=True)
class Span:
    """The sizes to look at; None: as it suits the model's input.

    One number is the longest side: squares stay square, and other inputs keep their shape. Several
    numbers are sides; those between two of them are spread evenly.
    """

    first: Size | None = None
    last: Size | None = None
    step: int | None = None


def sizes_in(span: Span, own: Size) -> tuple[Size, ...]:
    """The sizes of a span, ascending along every axis, for a model whose input has its `own` size.

    Raises UsageError where they have another number of axes than the input, or do not ascend.
    """
    end = max(span.last or (LARGEST if max(own) <= LARGEST else 2 * max(own),))
    last = _bound(span.last or (end,), own)
    first = _bound(span.first or (min(SMALLEST, max(own), end),), own)
    if any(a > b for a, b in zip(first, last, strict=True)):
        raise UsageError(f"{size_text(first)} is larger than {size_text(last)}")
    longest = max(b - a for a, b in zip(first, last, strict=True))
    step = span.step or _step(longest)
    return tuple(dict.fromkeys(_between(first, last, longest, step)))


def check_span(span: Span) -> None:
    """Raises UsageError where a span descends, whatever the input is."""
    if span.first and span.last and len(span.first) == len(span.last) == 1:
        (first,), (last,) = span.first, span.last
        if first > last:
            raise UsageError(f"--from {first} is larger than --to {last}")


def _step(length: int) -> int:
    """A power of two, so that sizes that strides divide are among those that are looked at."""
    step = 1
    while length // step > _MOST:
        step *= 2
    return step


def _between(first: Size, last: Size, longest: int, step: int) -> Iterator[Size]:
    yield first
    for moved in range(step, longest + 1, step):
        yield tuple(a + round((b - a) * moved / longest) for a, b in zip(first, last, strict=True))


def _bound(given: Size, own: Size) -> Size:
    """One end of a span, with all its sides."""
    if len(given) == len(own) and len(own) > 1:
        return given
    if len(given) > 1:
        raise UsageError(
            f"{size_text(given)} has {len(given)} axes, the model's input {len(own)}",
            hint="Give --from and --to that many sides.",
        )
    (side,) = given
    if is_clip(own):
        return (own[0], side, side)
    return tuple(side if n == max(own) else max(1, round(n * side / max(own))) for n in own)


def is_clip(size: Size) -> bool:
    """Whether an input seems to be frames of a video, whose number does not go with their size."""
    return len(size) == 3 and size[1] == size[2] != size[0]
