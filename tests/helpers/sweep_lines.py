"""Lines of a sweep, without linting any model for them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rflint.report.sweep.lines import error_line, model_line, written_line

CUT = {
    "half of it": b'{"target": "a:e", "res',
    "whole, but without the end of the line": b'{"target": "a:e", "res": null}',
    "zeros, as after a crash of the machine": b"\0" * 40 + b"\n",
}
"""What is no whole line, at the end of a file."""


def reported(
    target: str, res: str | None = "32", *, sweep: str = "abc", codes: Iterable[str] = (), **of: Any
) -> dict[str, Any]:
    """The line of a model; `of` are its totals."""
    sides = [int(x) for x in (res or "32").split("x")]
    totals = dict.fromkeys(
        ("layers", "unproductive_params", "unproductive_macs", "dead_weights"), 0
    )
    totals |= {"params": 100, "macs": 1000, "convs": 4, "unproductive": 0}
    entry = {
        "target": target,
        "resolution": sides * (2 if len(sides) == 1 else 1),
        "tracer": "symbolic",
        "complete": True,
        "totals": totals | of,
        "border": {"min": None, "max": None},
        "feasible_resolution": {"min": [20, 21.5], "max": None},
        "findings": [
            {"code": code, "name": f"rule-{code}", "severity": "warning"} for code in codes
        ],
        "over_limits": [],
    }
    return model_line(entry, res, sweep)


def failed(
    target: str, res: str | None = "32", *, sweep: str = "abc", kind: str = "build", said: str = ""
) -> dict[str, Any]:
    """The line of an error."""
    entry = {"target": target, "kind": kind, "message": said or f"{target} raised ValueError"}
    return error_line(entry, None, res, sweep)


def wrote(path: Path, *lines: dict[str, Any]) -> Path:
    """A file of these lines."""
    path.write_text("".join(map(written_line, lines)), encoding="ascii")
    return path


def lines_in(path: Path) -> list[dict[str, Any]]:
    """What is in a file, read without rflint."""
    return [json.loads(x) for x in path.read_bytes().splitlines()]
