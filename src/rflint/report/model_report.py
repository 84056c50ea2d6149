"""What rflint found out about one model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.facts import SizeFacts
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding
from rflint.measurement.results import Measured
from rflint.repair.repair import Repair
from rflint.report.deferred import Deferred
from rflint.report.limits import ExceededLimit
from rflint.report.remedies import NONE_NEEDED, LargerInput, Remedies
from rflint.report.schema import (
    analysis_entries,
    finding_entry,
    layer_entries,
    limit_entry,
    repair_entry,
    source_entry,
)
from rflint.report.train_size import TrainSize
from rflint.text.numbers import plural, size


@dataclass(frozen=True, slots=True)
class SuppressedFinding:
    """A finding that a comment suppresses."""

    finding: Finding
    reason: str
    """What the comment gives as the reason."""
    source: SourceLocation
    """Where the comment is."""

    def to_dict(self) -> dict[str, Any]:
        """An entry of `suppressed`."""
        comment = {"reason": self.reason, "suppressed_at": source_entry(self.source)}
        return finding_entry(self.finding) | comment


@dataclass(frozen=True, slots=True, repr=False)
class ModelReport:
    """One model at one resolution."""

    target: str
    analysis: Analysis
    findings: tuple[Finding, ...]
    """Findings that are neither suppressed nor in the baseline."""
    remedies: Deferred[Remedies] = NONE_NEEDED
    """What can be done about unproductive layers, which takes longer to find than these: it is
    looked for when one of the properties below is first asked for."""
    notes: tuple[str, ...] = ()
    """What --verbose prints."""
    name: str = ""
    """The name in the configuration."""
    place: SourceLocation | None = None
    """Where the user's code defines the target."""
    suppressed: tuple[SuppressedFinding, ...] = ()
    accepted: tuple[Finding, ...] = ()
    """Findings that the baseline holds."""
    exceeded_limits: tuple[ExceededLimit, ...] = ()
    """Of --max-macs and the other limits, those that the model exceeds."""
    fix_command: str = ""
    """The command that writes its repairs; empty for an object, which no command line can name."""
    has_module: bool = True
    """Whether the nn.Module is there that repairs are edits of, and not only its architecture."""
    rules_run: tuple[str, ...] | None = None
    """Codes of the rules that ran on it, in all of their cases; None: all."""
    sizes: SizeFacts | None = None
    """What becomes of it at other input sizes, where that was asked for and can be known."""
    measured: Measured | None = None
    """What a trained model showed on data, where that was asked for."""
    assumption: str = ""
    """What was assumed of its inputs that neither the user nor the first layer says."""
    train_size: TrainSize | None = None
    """What is different at the size that it is trained at, where another one was given for that."""

    def __repr__(self) -> str:
        """Short, as that of a report."""
        totals, resolution = self.analysis.totals, self.analysis.architecture.resolution
        at = f" at {size(resolution)}" if resolution else ""
        wasted = f"{totals.unproductive} of {plural(totals.convs, 'convolution')} unproductive"
        found = plural(len(self.findings), "finding")
        return f"<ModelReport of {self.title}{at}: {wasted}, {found}>"

    @property
    def title(self) -> str:
        """The name that reports show."""
        return self.name or self.target

    def how_to_get(self, number: int) -> tuple[str, str]:
        """What one of its repairs is to a user, and the command or the code that gives it.

        They are counted from 1.
        """
        if self.fix_command:
            return "Write one as code", f"{self.fix_command} --repair {number}"
        inputs, sides = self.analysis.architecture.inputs, self.analysis.architecture.resolution
        res: object = sides[0] if len(set(sides)) == 1 else sides
        fed = f"res={res}" if len(inputs) == 1 else "input=..."
        return "Apply one", f"rflint.repairs(model, {fed})[{number - 1}].apply(model)"

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """The repairs of the model as it was linted, cheapest first.

        Where it is another one by the time they are first asked for, there are none, and
        `not_offered` says so.
        """
        return self.remedies.value.found.repairs

    @property
    def not_offered(self) -> tuple[str, ...]:
        """Kinds of repairs that are not offered, and why."""
        return self.remedies.value.found.not_offered

    @property
    def not_verified(self) -> tuple[str, ...]:
        """Changes that were made to a copy and came to something else, and how: for --verbose."""
        return self.remedies.value.found.failures

    @property
    def larger_input(self) -> LargerInput | None:
        """The larger input that would do, if this one is too small."""
        return self.remedies.value.larger_input

    @property
    def layers(self) -> tuple[AnalysedLayer, ...]:
        """All layers, in execution order."""
        return self.analysis.layers

    @property
    def places(self) -> Iterator[SourceLocation]:
        """The source lines of its layers, of its findings, and of the model itself."""
        for layer in self.layers:
            yield from layer.layer.places
        for finding in self.findings:
            yield from finding.places
        if self.place:
            yield self.place

    def to_dict(self) -> dict[str, Any]:
        """One entry of `models`. It has repairs, so that they are found for it."""
        return {
            "target": self.target,
            "name": self.title,
            **analysis_entries(self.analysis),
            "larger_input": self.larger_input.to_dict() if self.larger_input else None,
            "layers": layer_entries(self.analysis),
            "findings": [finding_entry(x) for x in self.findings],
            "suppressed": [x.to_dict() for x in self.suppressed],
            "accepted": [finding_entry(x) for x in self.accepted],
            "over_limits": [limit_entry(x) for x in self.exceeded_limits],
            "repairs": [repair_entry(x) for x in self.repairs],
            "not_offered": list(self.not_offered),
            "measured": self.measured.to_dict() if self.measured else None,
            "train_size": self.train_size.to_dict() if self.train_size else None,
        }
