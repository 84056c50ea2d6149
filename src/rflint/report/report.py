"""What rflint found, as data: schema version 1 of the JSON report.

Lengths are lists with one entry per spatial axis, None (null) means unbounded. Fields are only ever
added within a schema version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from rflint._version import __version__
from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.errors import RflintError
from rflint.graph.architecture import LeftOut
from rflint.graph.exact import Number
from rflint.graph.layer import Kind
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding, Severity
from rflint.repair.metrics import Metrics
from rflint.repair.repair import Repair
from rflint.report.limits import ExceededLimit
from rflint.text.numbers import plural

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class LargerInput:
    """What it costs to feed larger images instead of changing the model."""

    resolution: tuple[int, ...]
    macs: int
    """Found by analysing the model at that resolution."""

    def to_dict(self) -> dict[str, Any]:
        """The entry `larger_input`."""
        return {"resolution": list(self.resolution), "macs": self.macs}


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that a comment in the source answers, and where that comment stands."""

    finding: Finding
    reason: str
    source: SourceLocation


@dataclass(frozen=True, slots=True)
class ModelReport:
    """One model at one resolution."""

    target: str
    analysis: Analysis
    findings: tuple[Finding, ...]
    """What is to be done something about: neither suppressed nor in the baseline."""
    repairs: tuple[Repair, ...]
    not_offered: tuple[str, ...] = ()
    """Changes that were looked for in vain, and why."""
    larger_input: LargerInput | None = None
    """The smallest input without unproductive layers, where this one is too small."""
    notes: tuple[str, ...] = ()
    """What --verbose tells."""
    name: str = ""
    """What the configuration calls it."""
    place: SourceLocation | None = None
    """Where the user's code defines the target."""
    suppressed: tuple[Suppressed, ...] = ()
    accepted: tuple[Finding, ...] = ()
    """Findings that the baseline holds."""
    exceeded_limits: tuple[ExceededLimit, ...] = ()
    """Of --max-macs and the other limits, those that the model exceeds."""
    fix: str = "rflint fix"
    """The command that writes its repairs."""
    ran: tuple[str, ...] | None = None
    """Codes of the rules that it was held against; None: of all."""

    @property
    def title(self) -> str:
        """What reports call it."""
        return self.name or self.target

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
        """One entry of `models`."""
        analysis = self.analysis
        architecture, totals = analysis.architecture, analysis.totals
        return {
            "target": self.target,
            "name": self.title,
            "inputs": [list(shape) for shape in architecture.inputs],
            "inputs_layout": list(architecture.layouts),
            "resolution": list(architecture.resolution),
            "tracer": architecture.tracer,
            "complete": analysis.complete,
            "left_out": _left_out(architecture.left_out),
            "assumed": [_source(line) for line in architecture.assumed],
            "totals": {name: getattr(totals, name) for name in totals.__dataclass_fields__},
            "border": {
                "min": analysis.border_min.layer.name if analysis.border_min else None,
                "max": analysis.border_max.layer.name if analysis.border_max else None,
            },
            "feasible_resolution": {
                "min": list(analysis.feasible_min),
                "max": list(analysis.feasible_max) if analysis.feasible_max else None,
            },
            "larger_input": self.larger_input.to_dict() if self.larger_input else None,
            "layers": [_layer(x) for x in analysis.layers if x.layer.kind is not Kind.INPUT],
            "findings": [_finding(x) for x in self.findings],
            "suppressed": [
                _finding(x.finding) | {"reason": x.reason, "suppressed_at": _source(x.source)}
                for x in self.suppressed
            ],
            "accepted": [_finding(x) for x in self.accepted],
            "over_limits": [
                {"limit": x.option, "message": x.message, "source": _source(x.source)}
                for x in self.exceeded_limits
            ],
            "repairs": [_repair(x) for x in self.repairs],
            "not_offered": list(self.not_offered),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """A target on which rflint could not do its job."""

    target: str
    error: RflintError

    def to_dict(self) -> dict[str, Any]:
        """One entry of `errors`."""
        return {"target": self.target, "kind": self.error.kind, "message": str(self.error)}


@dataclass(frozen=True, slots=True)
class Fixed:
    """An entry of the baseline whose finding is gone."""

    model: str
    code: str
    layer: str


@dataclass(frozen=True, slots=True)
class BaselineUse:
    """What a baseline did in a run."""

    path: str
    accepted: int
    fixed: tuple[Fixed, ...]

    def to_dict(self) -> dict[str, Any]:
        """The entry `baseline`."""
        return {
            "path": self.path,
            "accepted": self.accepted,
            "fixed": [{"model": x.model, "code": x.code, "layer": x.layer} for x in self.fixed],
        }


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """All models of one run, and what failed."""

    models: tuple[ModelReport, ...] = ()
    failures: tuple[Failure, ...] = ()
    baseline: BaselineUse | None = None
    fail_on: Severity | None = Severity.WARNING
    """The severity from which on a finding fails the run; None: none does."""

    def __repr__(self) -> str:
        """Short: a layer-by-layer dump helps nobody at a prompt."""
        names = ", ".join(model.target for model in self.models)
        return f"<Report of {names or 'no model'}: {plural(len(self.findings), 'finding')}>"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of all models."""
        return tuple(finding for model in self.models for finding in model.findings)

    @property
    def layers(self) -> tuple[AnalysedLayer, ...]:
        """Those of all models."""
        return tuple(layer for model in self.models for layer in model.layers)

    def to_dict(self) -> dict[str, Any]:
        """The whole report, schema version 1."""
        return {
            "schema_version": SCHEMA_VERSION,
            "rflint": __version__,
            "models": [model.to_dict() for model in self.models],
            "errors": [failure.to_dict() for failure in self.failures],
            "baseline": self.baseline.to_dict() if self.baseline else None,
        }

    def exit_status(self, fail_on: Severity | None) -> int:
        """2: a failure; 1: an exceeded limit, or a finding of at least this severity; 0: neither.

        None: no finding fails the run, however severe.
        """
        if self.failures:
            return 2
        failing = replace(self, fail_on=fail_on)
        return int(
            any(failing.fails(x) for x in self.findings)
            or any(model.exceeded_limits for model in self.models)
        )

    def fails(self, finding: Finding) -> bool:
        """Whether a finding is severe enough to fail the run."""
        return self.fail_on is not None and finding.severity.rank >= self.fail_on.rank


def _layer(analysed: AnalysedLayer) -> dict[str, Any]:
    layer = analysed.layer
    geometry = layer.geometry
    return {
        "name": layer.name,
        "call": layer.call,
        "kind": layer.kind.value,
        "op": layer.op,
        "role": analysed.role.value,
        "kernel": _numbers(geometry.kernel),
        "stride": _numbers(geometry.stride),
        "dilation": _numbers(geometry.dilation),
        "padding": _numbers(geometry.padding),
        "in_shape": list(layer.in_shape),
        "out_shape": list(layer.out_shape),
        "r_in_min": _numbers(_seen(analysed, [axis.r_min for axis in analysed.input_field])),
        "r_in_max": _numbers(_seen(analysed, [axis.r_widest for axis in analysed.input_field])),
        "r_out_min": _numbers(_seen(analysed, [axis.r_min for axis in analysed.output_field])),
        "r_out_max": _numbers(_seen(analysed, [axis.r_widest for axis in analysed.output_field])),
        "jump": _numbers(_seen(analysed, [axis.jump for axis in analysed.output_field])),
        "params": layer.params,
        "macs": layer.macs,
        "dead_weights": analysed.dead_weights,
        "verdict": analysed.verdict.value,
        "source": _source(layer.source),
    }


def _seen(analysed: AnalysedLayer, lengths: list[Number | None]) -> list[Number | None]:
    """One along axes that begin further behind: there is one position, and not all of them."""
    return [
        length if analysed.has_axis(axis) or analysed.output_field[axis].spans else 1
        for axis, length in enumerate(lengths)
    ]


def _left_out(left_out: LeftOut | None) -> dict[str, Any] | None:
    if left_out is None:
        return None
    return {
        "reason": left_out.reason,
        "module": left_out.scope,
        "source": _source(left_out.source),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "evidence": finding.evidence.value if finding.evidence else None,
        "layer": finding.layer,
        "call": finding.call,
        "message": finding.message,
        "source": _source(finding.source),
    }


def _repair(repair: Repair) -> dict[str, Any]:
    return {
        "kind": repair.kind,
        "title": repair.title,
        "words": repair.words,
        "edits": list(repair.edits),
        "before": _figures(repair.before),
        "after": _figures(repair.after),
        "verified": repair.verified,
    }


def _figures(figures: Metrics) -> dict[str, int]:
    return {
        "params": figures.params,
        "macs": figures.macs,
        "unproductive": figures.unproductive,
    }


def _source(source: SourceLocation | None) -> dict[str, Any] | None:
    return {"path": source.path, "line": source.line} if source else None


def _numbers(values: Iterable[Number | None]) -> list[int | float | None]:
    """Exact integers; fractions (behind an upsampling) as floats."""
    return [_number(value) for value in values]


def _number(value: Number | None) -> int | float | None:
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value
