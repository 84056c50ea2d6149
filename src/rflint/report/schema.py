"""Findings, layers, repairs and source lines as entries of the JSON report, schema version 1.

Lengths are lists with one entry per spatial axis; None (null) means unbounded. Within a schema
version, fields are only ever added.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, TypeAlias

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import LeftOut
from rflint.graph.exact import Number
from rflint.graph.layer import Kind
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding
from rflint.repair.metrics import Metrics
from rflint.repair.repair import Repair
from rflint.report.limits import ExceededLimit

SCHEMA_VERSION = 1

JsonObject: TypeAlias = dict[str, Any]


def analysis_entries(analysis: Analysis) -> JsonObject:
    """The entries of a model that an analysis gives, its layers excepted."""
    architecture, totals = analysis.architecture, analysis.totals
    return {
        "inputs": [list(shape) for shape in architecture.inputs],
        "inputs_layout": list(architecture.layouts),
        "resolution": list(architecture.resolution),
        "tracer": architecture.tracer,
        "complete": analysis.complete,
        "left_out": _left_out_entry(architecture.left_out),
        "assumed": [source_entry(line) for line in architecture.assumptions],
        "totals": {name: getattr(totals, name) for name in totals.__dataclass_fields__},
        "border": {
            "min": analysis.border_min.layer.name if analysis.border_min else None,
            "max": analysis.border_max.layer.name if analysis.border_max else None,
        },
        "feasible_resolution": {
            "min": list(analysis.feasible_min),
            "max": list(analysis.feasible_max) if analysis.feasible_max else None,
        },
    }


def layer_entries(analysis: Analysis) -> list[JsonObject]:
    """The entry `layers`: all layers but the inputs."""
    return [_layer_entry(x) for x in analysis.layers if x.layer.kind is not Kind.INPUT]


def finding_entry(finding: Finding) -> JsonObject:
    """An entry of `findings`, `suppressed` or `accepted`."""
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "evidence": finding.evidence.value if finding.evidence else None,
        "layer": finding.layer,
        "call": finding.call,
        "message": finding.message,
        "source": source_entry(finding.source),
    }


def limit_entry(limit: ExceededLimit) -> JsonObject:
    """An entry of `over_limits`."""
    return {
        "limit": limit.option,
        "message": limit.message,
        "source": source_entry(limit.source),
    }


def repair_entry(repair: Repair) -> JsonObject:
    """An entry of `repairs`."""
    return {
        "kind": repair.kind,
        "title": repair.title,
        "words": repair.words,
        "edits": list(repair.edits),
        "edit_sources": [source_entry(step.source) for step in repair.steps],
        "before": _metrics_entry(repair.before),
        "after": _metrics_entry(repair.after),
        "verified": repair.verified,
    }


def field_entries(analysed: AnalysedLayer) -> JsonObject:
    """The entries of a layer that tell its receptive fields."""
    before, behind = analysed.input_field, analysed.output_field
    return {
        "r_in_min": _lengths(analysed, [axis.r_min for axis in before]),
        "r_in_max": _lengths(analysed, [axis.r_widest for axis in before]),
        "r_out_min": _lengths(analysed, [axis.r_min for axis in behind]),
        "r_out_max": _lengths(analysed, [axis.r_widest for axis in behind]),
    }


def numbers(values: Iterable[Number | None]) -> list[int | float | None]:
    """Integers as they are, fractions (behind an upsampling) as floats."""
    return [_number(value) for value in values]


def source_entry(source: SourceLocation | None) -> JsonObject | None:
    """A line of a source file."""
    return {"path": source.path, "line": source.line} if source else None


def _layer_entry(analysed: AnalysedLayer) -> JsonObject:
    layer = analysed.layer
    geometry = layer.geometry
    return {
        "name": layer.name,
        "call": layer.call,
        "kind": layer.kind.value,
        "op": layer.op,
        "role": analysed.role.value,
        "kernel": numbers(geometry.kernel),
        "stride": numbers(geometry.stride),
        "dilation": numbers(geometry.dilation),
        "padding": numbers(geometry.padding),
        "in_shape": list(layer.in_shape),
        "out_shape": list(layer.out_shape),
        **field_entries(analysed),
        "jump": _lengths(analysed, [axis.jump for axis in analysed.output_field]),
        "erf": [None if erf is None else round(erf, 3) for erf in analysed.erf],
        "params": layer.params,
        "macs": layer.macs,
        "dead_weights": analysed.dead_weights,
        "verdict": analysed.verdict.value,
        "unjudged_because": analysed.unjudged_because or None,
        "source": source_entry(layer.source),
    }


def _lengths(analysed: AnalysedLayer, lengths: list[Number | None]) -> list[int | float | None]:
    """A length for each axis; 1 along axes that only begin behind this layer."""
    return numbers(
        length if analysed.has_axis(axis) or analysed.output_field[axis].spans else 1
        for axis, length in enumerate(lengths)
    )


def _left_out_entry(left_out: LeftOut | None) -> JsonObject | None:
    if left_out is None:
        return None
    return {
        "reason": left_out.reason,
        "module": left_out.scope,
        "source": source_entry(left_out.source),
    }


def _metrics_entry(metrics: Metrics) -> JsonObject:
    return {
        "params": metrics.params,
        "macs": metrics.macs,
        "unproductive": metrics.unproductive,
    }


def _number(value: Number | None) -> int | float | None:
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value
