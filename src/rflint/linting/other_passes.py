"""Findings as they may be said of a model, where another pass of it may go otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import Validity, validity
from rflint.linting.finding import Finding, Severity


def as_far_as_it_holds(
    found: Finding, analysis: Analysis, holds: Callable[[Analysis], bool]
) -> Iterator[Finding]:
    """A finding as it may be said of the model, and not only of the pass that was analysed.

    `holds` says of the analysis of another pass whether the claim is true there too. It stays as it
    is where it holds in evaluation and in training, becomes `in_one_mode` where training shows
    otherwise or cannot be followed, and is dropped where chance or turns decide.
    """
    match validity(analysis, holds):
        case Validity.BOTH_MODES:
            yield found
        case Validity.THIS_MODE | Validity.THIS_MODE_ONLY:
            yield in_one_mode(found, analysis)


def in_one_mode(found: Finding, analysis: Analysis) -> Finding:
    """The same said of the mode that was analysed, for information."""
    prefix = f"in {analysis.mode}, "
    return replace(
        found,
        severity=Severity.INFO,
        message=f"{prefix}{found.message}",
        detail=f"{prefix}{found.detail}" if found.detail else "",
    )
