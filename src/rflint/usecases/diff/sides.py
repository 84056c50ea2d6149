"""What `rflint diff` is asked to compare, as it is written on a command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from rflint.errors import UsageError

_RANGE = re.compile(r"(?P<before>(?:(?!\.\.).)*)(?P<dots>\.\.\.?)(?P<after>(?:(?!\.\.).)*)")
"""`main..`, `main..feature`, `main...`"""
_FORMS = (
    "Compare two targets (rflint diff old:build new:build --res 32), one at two revisions "
    "(rflint diff main.. mymodel:build), or reports (rflint diff before.json after.json)."
)


@dataclass(frozen=True, slots=True)
class SavedSide:
    """A JSON report in a file."""

    file: Path


@dataclass(frozen=True, slots=True)
class LintedSide:
    """Targets that are linted now; all configured models where there are none."""

    targets: tuple[str, ...]
    revision: str = ""
    """Empty for the working tree."""
    parted_from: str = ""
    """If this is not empty, the commit is meant at which the revision parted from this one."""


Side: TypeAlias = SavedSide | LintedSide


def sides_of(words: Sequence[str]) -> tuple[Side, Side]:
    """What stands before and after. Raises UsageError where that is not clear."""
    if not words:
        raise UsageError("there is nothing to compare", hint=_FORMS)
    first, *others = words
    if revisions := _revisions(first):
        return _at_revisions(*revisions, tuple(others))
    late = next((word for word in others if _revisions(word)), None)
    if late is not None:
        raise UsageError(
            f"the revisions {late} come first",
            hint=f"rflint diff {late} {' '.join(x for x in words if x != late)}",
        )
    if len(words) > 2:
        raise UsageError(f"two sides can be compared, and not {len(words)}", hint=_FORMS)
    if len(words) == 1 and not _is_file(first):
        raise UsageError(
            f"what is {first} to be compared with?",
            hint=f"{_FORMS}",
        )
    return _side(first), _side(*others)


def _side(word: str = "") -> Side:
    if _is_file(word):
        return SavedSide(Path(word))
    return LintedSide((word,) if word else ())


def _is_file(word: str) -> bool:
    return word.endswith(".json") and ":" not in word


def _revisions(word: str) -> tuple[str, str, str] | None:
    """The parts of a range; a path with `..` in it is none."""
    if _is_file(word) or re.search(r"(^|/)\.\.(/|$)", word):
        return None
    found = _RANGE.fullmatch(word)
    return (found["before"], found["dots"], found["after"]) if found else None


def _at_revisions(
    before: str, dots: str, after: str, targets: tuple[str, ...]
) -> tuple[Side, Side]:
    files = [x for x in targets if _is_file(x)]
    if files:
        raise UsageError(f"{files[0]} is a report, which has no revisions", hint=_FORMS)
    old, new = before or "HEAD", after
    parted_from = (new or "HEAD") if dots == "..." else ""
    return LintedSide(targets, old, parted_from), LintedSide(targets, new)
