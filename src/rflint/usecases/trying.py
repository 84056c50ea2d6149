"""Try a model at several sizes, in a process that does nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rflint.errors import InputMismatch, TraceFailed
from rflint.inputs.notation import Sizes
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.text.numbers import size as size_text
from rflint.tracing.example_inputs.first_layer import first_layer
from rflint.tracing.model.build import BuiltModel
from rflint.tracing.process import recursion_limit_raised
from rflint.usecases.analysed_model import AnalysedModel, analyse_model
from rflint.usecases.gc_pause import gc_paused
from rflint.usecases.targets import build_target
from rflint.usecases.trial import SizeTried
from rflint.usercode.surroundings import command_line_hidden, warnings_noted

_BY_SIZE = (InputMismatch, TraceFailed)
"""Errors that may not arise at another size."""
_LARGEST = {2: 4096, 3: 256}
"""Of images, and of volumes; signals may be of any length."""


def tried(
    target: str,
    root: Path,
    pythonpath: Sequence[Path],
    arguments: Mapping[str, Any],
    sizes: Sequence[Sizes],
    otherwise: Sequence[Sizes],
) -> Iterator[SizeTried]:
    """The model of a target at each size; where it runs at none, at others until it runs at one.

    Raises RflintError where there is no such model, whatever the size.
    """
    with warnings_noted([]):
        built = build_target(target, root, arguments, pythonpath=pythonpath)
        with command_line_hidden():
            yield from _at_sizes(built, sizes, otherwise)


def _at_sizes(
    built: BuiltModel, sizes: Sequence[Sizes], otherwise: Sequence[Sizes]
) -> Iterator[SizeTried]:
    ran = False
    for position, size in enumerate([*sizes, *otherwise]):
        if ran and position >= len(sizes):
            return
        if position >= len(sizes) and not _is_sensible(built, size):
            continue
        found = _at_size(built, size)
        ran = ran or found.runs
        if position < len(sizes) or found.runs:
            yield found


def _is_sensible(built: BuiltModel, size: tuple[int, ...]) -> bool:
    """Whether somebody may mean an input of this size, of a model with so many axes."""
    try:
        _, axes = first_layer(built.model, size)
    except InputMismatch:  # no image of this size fills its first layer
        return True
    return max(size) <= _LARGEST.get(axes, max(size))


def _at_size(built: BuiltModel, size: Sizes) -> SizeTried:
    try:
        with gc_paused(), recursion_limit_raised():
            tracing, rules = TracingOptions(), RuleOptions()
            model = analyse_model(built, size, None, tracing, rules, finds_sizes=False)
    except _BY_SIZE as error:
        return SizeTried(size, why=error.message, hint=error.hint)
    return _facts(model, size)


def _facts(model: AnalysedModel, size: Sizes) -> SizeTried:
    analysis = model.analysis
    return SizeTried(
        size,
        inputs=tuple(size_text(shape) for shape in analysis.architecture.inputs),
        params=analysis.totals.params,
        convs=analysis.totals.convs,
        unproductive=analysis.totals.unproductive,
        complete=analysis.complete,
    )
