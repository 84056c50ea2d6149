"""Lint one side in a process of its own: two versions of the same modules do not fit into one.

The order comes pickled on stdin, from the rflint that started this process; the answer is one line
of JSON on stdout. What the user's code prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.errors import RflintError, as_rflint_error
from rflint.usecases.lint import lint_project
from rflint.usecases.project_baseline import BaselineOptions
from rflint.usercode.exits import exits_blocked
from rflint.usercode.relocated_imports import RelocatedImports
from rflint.usercode.stdout import end_stdout


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be linted, and how."""

    targets: tuple[str, ...]
    options: ModelOptions
    configuration: Configuration
    fail_on: str | None
    use_cache: bool
    baseline: BaselineOptions
    checkout: tuple[Path, Path] | None = None
    """The folder that stands for the working tree, and that of the working tree."""


def main() -> None:
    """Read the order, and answer it."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers, exits_blocked():
        order: Order = pickle.load(sys.stdin.buffer)
        end_stdout()
        sys.stdout = sys.stderr
        answers.write(json.dumps(_answer(order)) + "\n")


def _answer(order: Order) -> dict[str, Any]:
    imports = RelocatedImports(*order.checkout) if order.checkout else None
    if imports:
        imports.install()
    try:
        report = lint_project(
            order.targets,
            order.options,
            order.configuration,
            fail_on=order.fail_on,
            use_cache=order.use_cache,
            baseline=order.baseline,
        )
        if imports:
            imports.check()
    except Exception as error:
        return {"error": _error(as_rflint_error(error))}
    notes = [*report.notes, *(note for model in report.models for note in model.notes)]
    return {"report": report.without_remedies().to_dict(), "notes": notes}


def _error(error: RflintError) -> dict[str, str]:
    place = f"{error.source}: " if error.source else ""
    return {"kind": error.kind, "message": f"{place}{error.message}", "hint": error.hint}
