"""Try models in a process of its own: one order a line on stdin, one answer a line on stdout.

What the user's code prints goes to stderr. If the process ends, whoever started it starts another.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rflint.errors import InputMismatch, RflintError, TraceFailed, as_rflint_error
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.text.numbers import size as size_text
from rflint.tracing.example_inputs.first_layer import first_layer
from rflint.tracing.model.build import BuiltModel
from rflint.tracing.process import recursion_limit_raised
from rflint.usecases.analysed_model import AnalysedModel, analyse_model
from rflint.usecases.gc_pause import gc_paused
from rflint.usecases.targets import build_target
from rflint.usercode.exits import exits_blocked
from rflint.usercode.isolation import IsolatedImports
from rflint.usercode.stdout import end_stdout
from rflint.usercode.surroundings import command_line_hidden, current_folder_kept, warnings_noted

_BY_SIZE = (InputMismatch, TraceFailed)
"""Errors that may not arise at another size."""
_LARGEST = {2: 4096, 3: 256}
"""Of images, and of volumes; signals may be of any length."""


def main() -> None:
    """Answer orders until stdin ends. The first line says that torch has been imported."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers, exits_blocked():
        end_stdout()
        sys.stdout = sys.stderr
        imports = IsolatedImports()
        _answer(answers, {"ready": True})
        for line in iter(sys.stdin.readline, ""):
            _answer(answers, _tried(json.loads(line), imports))


def _answer(stream: Any, answer: Mapping[str, Any]) -> None:
    stream.write(json.dumps(answer) + "\n")
    stream.flush()


def _tried(order: Mapping[str, Any], imports: IsolatedImports) -> dict[str, Any]:
    """What became of one model: its sizes, or why it was not even built."""
    target, root, arguments = order["target"], Path(order["root"]), order["arguments"]
    pythonpath = [Path(folder) for folder in order["pythonpath"]]
    try:
        imports.prepare(target, root, pythonpath)
        with current_folder_kept(), warnings_noted([]):
            built = build_target(target, root, arguments, pythonpath=pythonpath)
            with command_line_hidden():
                return {"sizes": list(_at_sizes(built, order["sizes"], order["otherwise"]))}
    except BaseException as error:  # whatever the user's code raises, the next model is tried
        return _why(as_rflint_error(error))


def _at_sizes(
    built: BuiltModel, sizes: Sequence[Sequence[int]], otherwise: Sequence[Sequence[int]]
) -> Iterator[dict[str, Any]]:
    """The model at each size; where it runs at none, at others until it runs at one."""
    ran = False
    for position, size in enumerate([*sizes, *otherwise]):
        if ran and position >= len(sizes):
            return
        if position >= len(sizes) and not _is_sensible(built, tuple(size)):
            continue
        found = _at_size(built, tuple(size))
        ran = ran or "why" not in found
        if position < len(sizes) or "why" not in found:
            yield found


def _is_sensible(built: BuiltModel, size: tuple[int, ...]) -> bool:
    """Whether somebody may mean an input of this size, of a model with so many axes."""
    try:
        _, axes = first_layer(built.model, size)
    except InputMismatch:  # no image of this size fills its first layer
        return True
    return max(size) <= _LARGEST.get(axes, max(size))


def _at_size(built: BuiltModel, size: tuple[int, ...]) -> dict[str, Any]:
    try:
        with gc_paused(), recursion_limit_raised():
            tracing, rules = TracingOptions(), RuleOptions()
            model = analyse_model(built, size, None, tracing, rules, finds_sizes=False)
    except _BY_SIZE as error:
        return {"size": size, **_why(error)}
    return {"size": size, **_facts(model)}


def _facts(model: AnalysedModel) -> dict[str, Any]:
    analysis = model.analysis
    return {
        "inputs": [size_text(shape) for shape in analysis.architecture.inputs],
        "params": analysis.totals.params,
        "convs": analysis.totals.convs,
        "unproductive": analysis.totals.unproductive,
        "complete": analysis.complete,
    }


def _why(error: RflintError) -> dict[str, Any]:
    return {"why": error.message, "place": str(error.source or ""), "hint": error.hint}
