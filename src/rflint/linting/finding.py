"""Findings: what rules say of a model and its layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import titled
from rflint.graph.source_location import SourceLocation


class Severity(str, Enum):
    """How bad a finding is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Their order: 0 for the mildest."""
        return list(Severity).index(self)


class Evidence(str, Enum):
    """What a rule's findings rest on."""

    PROVED = "proved"
    """They follow from the graph and the input size, whatever the weights and the data are."""
    PREDICTED = "predicted"
    """Theory and experiments say so; another data set may behave differently."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule has found in a layer, or in the model as a whole."""

    code: str
    name: str
    severity: Severity
    layer: str
    """Its name; or that of the module or file that the finding is about."""
    message: str
    source: SourceLocation | None = None
    places: tuple[SourceLocation, ...] = ()
    """The lines of the user's code at which a comment can suppress it."""
    evidence: Evidence | None = None
    """That of its rule."""
    detail: str = ""
    """The message in short, for reports that list many findings below one summary."""
    call: int = 0
    """Which call of the layer it is about, counted from 0."""
    caller: str = ""
    """Of a function, the path of the module in whose forward it is called."""

    @property
    def title(self) -> str:
        """The name of its layer, with the call and the caller where these tell it apart."""
        return titled(self.layer, self.call, self.caller) if self.layer else ""


def layers_of(analysis: Analysis, findings: Iterable[Finding]) -> tuple[AnalysedLayer, ...]:
    """The layers that findings are about, in execution order.

    Summaries count with these, and not with all that a rule finds: they get the findings that are
    listed, without those that a comment suppresses or a baseline holds.
    """
    wanted = {(finding.layer, finding.call) for finding in findings}
    return tuple(x for x in analysis.layers if (x.name, x.call) in wanted)
