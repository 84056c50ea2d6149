"""What a rule says of a model: one finding a layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import titled
from rflint.graph.source_location import SourceLocation


class Severity(str, Enum):
    """How bad a finding is; `rank` orders them for the gate."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return list(Severity).index(self)


class Evidence(str, Enum):
    """What a rule's findings rest on."""

    PROVED = "proved"
    """They follow from the graph and the input size, whatever the weights and the data are."""
    PREDICTED = "predicted"
    """Theory and experiments say so; another data set may behave differently."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule has to say about one layer."""

    code: str
    name: str
    severity: Severity
    layer: str
    message: str
    source: SourceLocation | None = None
    places: tuple[SourceLocation, ...] = ()
    """Every line of the user's that has to do with it: where a comment can suppress it."""
    evidence: Evidence | None = None
    """What it rests on, where the rule says so."""
    detail: str = ""
    """What to say of it, in short, where many are told together (`summarise`)."""
    call: int = 0
    """Which call of the layer it is about, where the model calls it several times."""
    caller: str = ""
    """Of a function that is called: path of the module in whose forward that is."""

    @property
    def title(self) -> str:
        """What people are told of its layer."""
        return titled(self.layer, self.call, self.caller) if self.layer else ""


def layers_of(analysis: Analysis, findings: Iterable[Finding]) -> tuple[AnalysedLayer, ...]:
    """The layers that findings are about, in execution order.

    A summary counts with these, and not with all that a rule finds: it is told of those that are
    listed, without what a comment suppresses or a baseline holds.
    """
    told_of = {(finding.layer, finding.call) for finding in findings}
    return tuple(x for x in analysis.layers if (x.name, x.call) in told_of)
