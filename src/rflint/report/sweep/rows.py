"""A line of a sweep as a row of a table: numbers and short texts, one for each column."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

from rflint.linting.finding import Severity
from rflint.report.problems import without_surrogates
from rflint.report.schema import JsonObject
from rflint.report.sweep.lines import is_error
from rflint.text.numbers import size

Row: TypeAlias = dict[str, str | int | bool | None]
"""None where there is nothing to say: of a model no error, of an error no numbers."""

_TOTALS = (
    *("params", "macs", "layers", "convs"),
    *("unproductive", "unproductive_params", "unproductive_macs", "dead_weights"),
)
_SEVERITIES = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.INFO: "infos"}

COLUMNS: dict[str, type] = {
    "target": str,
    "res": str,
    "resolution": str,
    "error": str,
    "message": str,
    **dict.fromkeys(_TOTALS, int),
    "border_min": str,
    "border_max": str,
    "feasible_min": int,
    "feasible_max": int,
    "complete": bool,
    "tracer": str,
    "findings": int,
    **dict.fromkeys(_SEVERITIES.values(), int),
    "codes": str,
    "over_limits": int,
}
"""The columns, and what is in them."""


def row_of(line: JsonObject) -> Row:
    """The row of a line."""
    found = _error_cells(line) if is_error(line) else _model_cells(line)
    cells = {"target": line["target"], "res": line["res"], **found}
    return {name: _cell(cells.get(name)) for name in COLUMNS}


def _error_cells(line: JsonObject) -> JsonObject:
    resolution = line["resolution"]
    return {
        "resolution": None if resolution is None else size(resolution),
        "error": line["kind"],
        "message": line["message"],
    }


def _model_cells(line: JsonObject) -> JsonObject:
    totals, border, feasible = line["totals"], line["border"], line["feasible_resolution"]
    found = line["findings"]
    severities = Counter(x["severity"] for x in found)
    codes = Counter(x["code"] for x in found)
    return {
        "resolution": size(line["resolution"]),
        **{name: totals.get(name) for name in _TOTALS},
        "border_min": border.get("min"),
        "border_max": border.get("max"),
        "feasible_min": _longest(feasible.get("min")),
        "feasible_max": _longest(feasible.get("max")),
        "complete": line["complete"],
        "tracer": line["tracer"],
        "findings": len(found),
        **{name: severities[x.value] for x, name in _SEVERITIES.items()},
        "codes": " ".join(f"{code}:{codes[code]}" for code in sorted(codes)),
        "over_limits": len(line.get("over_limits", ())),
    }


def _longest(lengths: Sequence[float] | None) -> int | None:
    """A size in one number: whole pixels along its longest axis."""
    return math.ceil(max(lengths)) if lengths else None


def _cell(value: Any) -> str | int | bool | None:
    return without_surrogates(value) if isinstance(value, str) else value
