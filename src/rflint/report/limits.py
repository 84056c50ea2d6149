"""Limits on the size of a model, whatever the rules find: a budget for CI."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rflint.analysis.totals import Totals
from rflint.graph.source_location import SourceLocation
from rflint.report.limit import Limit
from rflint.text.numbers import abbreviated, percent


@dataclass(frozen=True, slots=True)
class Limits:
    """One field for each option `--max-...`; None where there is no limit."""

    max_unproductive: Limit | None = None
    max_dead_weights: Limit | None = None
    max_macs: Limit | None = None
    max_params: Limit | None = None


@dataclass(frozen=True, slots=True)
class ExceededLimit:
    """A limit that a model exceeds. It fails the run, whatever --fail-on says."""

    option: str
    """The option that sets it: max-macs."""
    message: str
    source: SourceLocation | None
    """Where the model is defined."""


SHARES = {"max_unproductive": "convs", "max_dead_weights": "params"}
"""Limits that can be a share, and the total that it is a share of."""

_NOUNS = {
    "max_unproductive": "unproductive convolutions",
    "max_dead_weights": "dead weights",
    "max_macs": "MACs",
    "max_params": "parameters",
}


def exceeded_limits(
    limits: Limits, totals: Totals, place: SourceLocation | None
) -> tuple[ExceededLimit, ...]:
    """The limits that a model with these totals exceeds."""
    found = []
    for field in fields(limits):
        limit: Limit | None = getattr(limits, field.name)
        value: int = getattr(totals, field.name.removeprefix("max_"))
        whole: int = getattr(totals, SHARES.get(field.name, "params"))
        if limit is None or limit.allows(value, whole):
            continue
        shown = f"{value:,}" if value < 10**6 else f"{abbreviated(value)} ({value:,})"
        of = f", {percent(value, whole)} of {whole:,}" if limit.is_share else ""
        found.append(
            ExceededLimit(
                field.name.replace("_", "-"),
                f"{shown} {_NOUNS[field.name]}{of}: more than the {limit.text} that are allowed",
                place,
            )
        )
    return tuple(found)
