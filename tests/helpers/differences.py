"""JSON reports made by hand, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rflint.graph.layer import Layer
from rflint.linting.finding import Finding
from rflint.report.difference.comparison import Comparison
from rflint.report.difference.difference import Difference, compare_reports
from rflint.report.report import Report
from tests.helpers import handmade_reports


def saved(
    layers: Sequence[Layer], findings: Sequence[Finding] = (), **given: Any
) -> dict[str, Any]:
    """The JSON report on one model."""
    return Report((handmade_reports.report(layers, findings, **given),)).to_dict()


def joined(*reports: dict[str, Any]) -> dict[str, Any]:
    """One report with the models and errors of several."""
    models = [model for report in reports for model in report["models"]]
    errors = [error for report in reports for error in report["errors"]]
    return {**reports[0], "models": models, "errors": errors}


def failed(target: str = "net.py:build") -> dict[str, Any]:
    """The JSON report on a model that could not be analysed."""
    error = {"target": target, "kind": "import", "message": "no file net.py\nCreate it."}
    return {**Report().to_dict(), "errors": [error]}


def compared(before: Sequence[Layer], after: Sequence[Layer]) -> Comparison:
    """Two models without findings."""
    return only(compare_reports(saved(before), saved(after)))


def only(difference: Difference) -> Comparison:
    (comparison,) = difference.comparisons
    return comparison
