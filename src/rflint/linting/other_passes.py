"""Findings that are limited to the forward passes of a model for which they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import Validity, validity
from rflint.linting.finding import Finding, Severity


def limited_to_valid_passes(
    finding: Finding, analysis: Analysis, holds: Callable[[Analysis], bool]
) -> Iterator[Finding]:
    """The finding where it holds in evaluation and in training, else `limited_to_mode`.

    Nothing, where it holds in one pass only, by chance or by turns. `holds` says of the analysis of
    another pass whether the finding holds there too.
    """
    match validity(analysis, holds):
        case Validity.BOTH_MODES:
            yield finding
        case Validity.THIS_MODE | Validity.THIS_MODE_ONLY:
            yield limited_to_mode(finding, analysis)


def limited_to_mode(finding: Finding, analysis: Analysis) -> Finding:
    """The finding, for information, of the mode that was analysed: evaluation or training."""
    prefix = f"in {analysis.mode}, "
    return replace(
        finding,
        severity=Severity.INFO,
        message=f"{prefix}{finding.message}",
        detail=f"{prefix}{finding.detail}" if finding.detail else "",
    )
