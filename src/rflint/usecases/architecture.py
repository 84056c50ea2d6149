"""Lint an architecture that did not come from an nn.Module. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import replace

from rflint.analysis.analyse import analyse, confirm_dead_weights
from rflint.analysis.analysis import Analysis, OtherPasses, Retracer
from rflint.analysis.options import AnalysisOptions
from rflint.graph.architecture import Architecture
from rflint.linting.runner import run_rules
from rflint.repair.repair import FoundRepairs
from rflint.report.deferred import Deferred
from rflint.report.model_report import ModelReport
from rflint.report.remedies import NONE_NEEDED, Remedies
from rflint.report.report import Failure, Report
from rflint.usecases.checks import Checks

_NO_MODULE = Deferred.known(
    Remedies(
        FoundRepairs(
            not_offered=("repairs are edits of an nn.Module, and there is only an architecture",)
        )
    )
)


def lint_architecture(architecture: Architecture, checks: Checks, name: str) -> Report:
    """Analyse an architecture, check it by rules, and report on it.

    The report is without what needs an nn.Module, and its notes say so.
    """
    analysis = _analysed(architecture, checks.options.analysis)
    findings, errors = run_rules(checks.rules, analysis, checks.options)
    model = ModelReport(
        name,
        analysis,
        findings,
        _NO_MODULE if analysis.unproductive else NONE_NEEDED,
        notes=_notes(architecture),
        has_module=False,
    )
    return checks.report([model], [Failure(name, error) for error in errors])


def _analysed(architecture: Architecture, options: AnalysisOptions) -> Analysis:
    """The analysis, with what is known of other forward passes: nothing of the other mode."""
    repeats = not (architecture.is_random or architecture.changes_state)
    others = OtherPasses(same_mode=() if repeats else None, other_mode=None)
    analysis = replace(analyse(architecture, options), retracer=Retracer(known=others))
    return confirm_dead_weights(analysis)


def _notes(architecture: Architecture) -> tuple[str, ...]:
    other = "evaluation" if architecture.training else "training"
    return (
        f"linted as an architecture, without its nn.Module: what it does in {other} is not known, "
        "it was not tried at other input sizes, and no repairs were made",
    )
