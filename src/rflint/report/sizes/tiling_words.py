"""What is said of tiles on a terminal: sentences, and the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rflint.analysis.tiling.obstacles import NotTileable, Obstacle
from rflint.analysis.tiling.tiling import Tiling
from rflint.report.units import in_unit
from rflint.text.numbers import axis_names, compact_size, first_few
from rflint.text.numbers import size as size_text

_NAMED = 3
"""Layers of one line that are named."""


def tiling_sentences(found: Tiling | NotTileable, unit: str, cross: str = "x") -> Iterator[str]:
    """Whether tiles put together are the whole, and what they need; or what stands against it."""
    if isinstance(found, NotTileable):
        yield from _refusal(found)
        return
    yield f"Tiles put together are the whole, with a halo of {_halo(found, unit)}."
    if any(stride > 1 for stride in found.stride):
        yield (
            f"They begin at multiples of {compact_size(found.stride, cross)}; their sizes, and "
            f"those of images, are multiples of that{_remainder(found, cross)}."
        )
    if found.padded(found.image) != found.image:
        padded, image = (size_text(x, cross) for x in (found.padded(found.image), found.image))
        yield f"An image of {image} is to be padded to {padded}."
    if not found.any_size:
        yield "The model's code asks how large its maps are: this holds at the sizes named here."


def tiling_titles(found: Tiling, cross: str = "x") -> tuple[str, ...]:
    """The heads of the columns of `tiling_rows`."""
    whole = size_text(found.padded(found.image), cross)
    counts = (f"tiles of {whole}",) if any(x.tiles for x in found.advice) else ()
    return ("tile", "kept of each", "computed / kept", *counts)


def tiling_rows(found: Tiling, cross: str = "x") -> Iterator[tuple[str, ...]]:
    """Tiles of a few sizes, and what they cost."""
    counted = any(x.tiles for x in found.advice)
    for x in found.advice:
        count = (str(x.tiles) if x.tiles else "larger",) if counted else ()
        cells = (size_text(x.tile, cross), size_text(x.step, cross), f"{x.overhead:.2f}")
        yield (*cells, *count)


def _halo(found: Tiling, unit: str) -> str:
    """'46 px on each side', '16 px before and 8 after', or that for each axis."""
    sides = [_sides(*ends, unit) for ends in found.halo]
    if len(set(sides)) == 1:
        return sides[0]
    return ", ".join(
        f"{side} along {name}" for name, side in zip(axis_names(len(sides)), sides, strict=True)
    )


def _sides(before: int, after: int, unit: str) -> str:
    if before == after:
        return f"{in_unit(str(before), unit)} on each side"
    return f"{in_unit(str(before), unit)} before and {after} after"


def _remainder(found: Tiling, cross: str) -> str:
    return f" plus {compact_size(found.remainder, cross)}" if any(found.remainder) else ""


def _refusal(found: NotTileable) -> Iterator[str]:
    if found.is_certain:
        yield "Tiles put together are not the whole, whatever the halo:"
    elif found.obstacles:
        yield "Whether tiles put together are the whole is not known:"
    else:
        yield f"Whether tiles put together are the whole is not known: {found.why}."
    for alike in _by_line(found.obstacles):
        first = alike[0]
        names = first_few([x.layer.described for x in alike], _NAMED)
        place = f" ({first.layer.source})" if first.layer.source else ""
        verb = first.what if len(alike) == 1 else f"each {first.what}"
        yield f"  {names}{place} {verb}"


def _by_line(obstacles: Sequence[Obstacle]) -> list[list[Obstacle]]:
    """Those that are of one line, and do the same, together."""
    found: dict[tuple[object, ...], list[Obstacle]] = {}
    for number, x in enumerate(obstacles):
        place = x.layer.source or number
        found.setdefault((place, x.what), []).append(x)
    return list(found.values())
