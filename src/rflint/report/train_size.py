"""What is different about a model at the size that it is trained at: entries, and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rflint.analysis.sizes.difference import SizeDifference, windows_of_pooling
from rflint.linting.finding import Finding
from rflint.report.schema import finding_entry, numbers
from rflint.text.numbers import compact_size, first_few, plural, size

_MOST_NAMED = 5
"""So many layers are named in a sentence."""


@dataclass(frozen=True, slots=True)
class TrainSize:
    """A model at the size that it is trained at, compared with the one at which it is linted."""

    difference: SizeDifference
    findings: tuple[Finding, ...]
    """What rules find at the size of training, and not here;"""
    not_there: tuple[Finding, ...]
    """and what they find here, and not there."""

    def to_dict(self) -> dict[str, Any]:
        """The entry `train_size`."""
        found, last = self.difference, self.difference.last_map
        return {
            "resolution": list(found.trained),
            "last_map": None
            if last is None
            else {
                "layer": last.layer,
                "trained": list(last.trained),
                "here": list(last.used),
                "sees_trained": numbers(last.seen_trained),
                "sees_here": numbers(last.seen_used),
            },
            "grids": [
                {"layer": x.layer, "trained": list(x.trained), "here": list(x.used)}
                for x in found.grids
            ],
            "same_grids": found.same_grids,
            "poolings": [
                {
                    "layer": x.layer,
                    "trained": {"reads": list(x.trained[0]), "makes": list(x.trained[1])},
                    "here": {"reads": list(x.used[0]), "makes": list(x.used[1])},
                }
                for x in found.poolings
            ],
            "layers_only_trained": list(found.only_trained),
            "layers_only_here": list(found.only_used),
            "findings": [finding_entry(x) for x in self.findings],
            "not_there": [finding_entry(x) for x in self.not_there],
        }


def train_size_sentences(
    found: TrainSize, resolution: Sequence[int], cross: str = "x"
) -> Iterator[str]:
    """All of it in words; names in them are the user's."""
    difference = found.difference
    last = difference.last_map
    if last is not None:
        sizes = f"{size(last.trained, cross)} there and {size(last.used, cross)} here"
        yield f"The last map, of {last.layer}, is {sizes}{_seen(found, resolution)}."
    yield from _grids(difference, cross)
    for pooling in difference.poolings:
        yield (
            f"{pooling.layer} pools {_pooled(pooling.trained, cross)} there, and "
            f"{_pooled(pooling.used, cross)} here."
        )
    for names, where in ((difference.only_trained, "there"), (difference.only_used, "here")):
        if names:
            yield f"Only {where}, the model runs {first_few(names, _MOST_NAMED)}."
    for findings, where in ((found.findings, "there"), (found.not_there, "here")):
        for (code, name), group in groupby(
            sorted(findings, key=lambda x: x.code), key=lambda x: (x.code, x.name)
        ):
            titles = list(dict.fromkeys(x.title for x in group if x.title))
            layers = f": {first_few(titles, _MOST_NAMED)}" if titles else ""
            yield f"Only {where}, {code} ({name}) finds something{layers}."
    if not found.findings and not found.not_there:
        yield "Rules find the same at both sizes."


def _seen(found: TrainSize, resolution: Sequence[int]) -> str:
    """Whether a unit sees all of the input at one of the sizes only."""
    last = found.difference.last_map
    assert last is not None
    there, here = (
        all(r is None or r >= n for r, n in zip(seen, given, strict=True))
        for seen, given in (
            (last.seen_trained, found.difference.trained),
            (last.seen_used, resolution),
        )
    )
    if there == here:
        return ""
    where = "there, and not here" if there else "here, and not there"
    return f"; a unit of it sees the whole input {where}"


def _grids(difference: SizeDifference, cross: str) -> Iterator[str]:
    strided = len(difference.grids) + difference.same_grids
    if difference.grids:
        changed = [
            f"{x.layer} ({compact_size(x.trained, cross)} there, "
            f"{compact_size(x.used, cross)} here)"
            for x in difference.grids
        ]
        yield (
            f"{len(changed)} of {plural(strided, 'strided layer')} leave another rest at the end "
            f"of the map, where their windows end otherwise: {first_few(changed, _MOST_NAMED)}."
        )
    elif strided:
        them = "The strided layer leaves" if strided == 1 else f"All {strided} strided layers leave"
        yield f"{them} the same rest at both sizes: the grid is the same."


def _pooled(sizes: tuple[Sequence[int], Sequence[int]], cross: str) -> str:
    given, made = sizes
    windows = [windows_of_pooling(n, m) for n, m in zip(given, made, strict=True)]
    largest = size((found[-1] for found in windows), cross)
    if any(m > n for n, m in zip(given, made, strict=True)):
        how = "repeats positions"
    elif list(given) == list(made):
        how = "changes nothing"
    elif all(n % m == 0 for n, m in zip(given, made, strict=True)):
        how = f"windows of {largest}"
    else:
        how = f"windows of {largest} at most, which overlap"
    return f"{size(given, cross)} to {size(made, cross)} ({how})"
