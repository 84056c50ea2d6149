"""The lines of a sweep: each is one JSON object, about one model at one input size.

That is a model's entry of the JSON report, or the entry of its error, with three more: `res`, the
size as it was asked for; `sweep`, a digest of the options that decide results; and of an error
`resolution`, where that is known. Files may be large: they are read line by line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rflint.errors import UsageError
from rflint.report.schema import JsonObject
from rflint.usercode.paths import source_at

_OF_ALL = {"target": str, "res": str | None, "sweep": str}
_OF_AN_ERROR = {"kind": str, "message": str, "resolution": list | None}
_OF_A_MODEL = {
    "resolution": list,
    "tracer": str,
    "complete": bool,
    "totals": dict,
    "border": dict,
    "feasible_resolution": dict,
    "findings": list,
}
_OF_TOTALS = dict.fromkeys(("params", "macs", "convs", "unproductive", "unproductive_params"), int)
_OF_A_FINDING = dict.fromkeys(("code", "name", "severity"), str)


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line, and where in its file it stands."""

    content: JsonObject
    number: int
    """Counted from 1."""
    begin: int
    """How many bytes come before it."""
    length: int
    """Of its bytes, the end of the line included."""


def model_line(entry: JsonObject, res: str | None, sweep: str) -> JsonObject:
    """The line for a model's entry of the report."""
    return entry | {"res": res, "sweep": sweep}


def error_line(
    entry: JsonObject, resolution: Sequence[int] | None, res: str | None, sweep: str
) -> JsonObject:
    """The line for an error's entry of the report."""
    at = None if resolution is None else list(resolution)
    return entry | {"resolution": at, "res": res, "sweep": sweep}


def written_line(line: JsonObject) -> str:
    """A line as it stands in a file: whatever its texts hold, it is one, and it is ASCII."""
    return f"{json.dumps(line, allow_nan=False)}\n"


def key_of(line: JsonObject) -> tuple[str, str | None]:
    """What a line is about, so that nothing is linted twice: the target, and the size as asked."""
    return line["target"], line["res"]


def is_error(line: JsonObject) -> bool:
    """Whether a line says why there is no report."""
    return "kind" in line


def read_lines(path: Path, told: Callable[[str], None] = lambda text: None) -> Iterator[JsonObject]:
    """The lines of a file, without a last one that is not whole, which is told.

    Raises UsageError for a file that cannot be read, and for any other line that is none.
    """
    return (line.content for line in read_placed_lines(path, told))


def read_placed_lines(
    path: Path, told: Callable[[str], None] = lambda text: None
) -> Iterator[PlacedLine]:
    """The same lines as `read_lines`, and where each stands."""
    broken: tuple[int, str] | None = None
    begin = 0
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                if broken is not None:
                    raise _no_line(path, *broken)
                content, why = _parsed(text)
                if content is None:
                    broken = (number, why)
                else:
                    yield PlacedLine(content, number, begin, len(text))
                begin += len(text)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if broken is not None:
        number, why = broken
        if why == _FOREIGN:
            raise _no_line(path, number, why)
        told(f"the last line of {path}, {number}, is not whole: it is left out")


def same_sweep(lines: str, expected: str, path: Path, other: str) -> None:
    """Raise UsageError where lines were written under options that give other results."""
    if lines != expected:
        raise UsageError(
            f"{path} was written with other options than {other}",
            hint="Rules, arguments, inputs and versions decide what is found: lines of one file "
            "come of the same ones.",
        )


_CUT = "it is no JSON"
_FOREIGN = "it is JSON, but not about a model of a sweep"


def _parsed(text: bytes) -> tuple[JsonObject | None, str]:
    """A line, or why it is none."""
    if not text.endswith(b"\n"):
        return None, _CUT
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None, _CUT
    return (found, "") if _is_line(found) else (None, _FOREIGN)


def _is_line(found: Any) -> bool:
    if not _has(found, _OF_ALL):
        return False
    if is_error(found):
        return _has(found, _OF_AN_ERROR)
    return (
        _has(found, _OF_A_MODEL)
        and _has(found["totals"], _OF_TOTALS)
        and all(_has(x, _OF_A_FINDING) for x in found["findings"])
    )


def _has(found: Any, fields: dict[str, Any]) -> bool:
    return isinstance(found, dict) and all(
        name in found and isinstance(found[name], of) for name, of in fields.items()
    )


def _no_line(path: Path, number: int, why: str) -> UsageError:
    return UsageError(
        f"this is no line of a sweep: {why}",
        hint="Lines are written by rflint sweep --output FILE. Only the last one may be cut off.",
        source=source_at(str(path), number),
    )
