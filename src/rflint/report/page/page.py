"""The object `rflint-page`: what the page shows of a report beside the JSON report itself.

Lists of models, layers and repairs are parallel to those of the JSON report. All texts are as they
are: the page writes them as text, never as markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count

from rflint.errors import RflintError
from rflint.linting.finding import Finding
from rflint.linting.rule import Rule
from rflint.measurement.comparison import gains
from rflint.report.measurements import measured_sentence
from rflint.report.model_report import ModelReport
from rflint.report.page.headline import headline
from rflint.report.page.layers import inputs_and_layers
from rflint.report.page.repairs import repair_entries
from rflint.report.page.sizes import sizes_entry
from rflint.report.page.snippets import Snippets
from rflint.report.problems import at_resolution
from rflint.report.report import Report
from rflint.report.schema import JsonObject
from rflint.report.wording import larger_input, paragraph

_CROSS = "×"


def page(report: Report) -> JsonObject:
    """The whole object."""
    rules = {rule.code: rule for rule in report.rules}
    labels = list(_labels(report.models))
    return {
        "title": f"rflint: {', '.join(labels[:3])}{', ...' if len(labels) > 3 else ''}",
        "rules": _rule_entries(report, rules),
        "models": [
            _model_entry(model, label, rules)
            for model, label in zip(report.models, labels, strict=True)
        ],
        "failures": [
            {"target": x.target, "message": _without_hint(x.error), "hint": x.error.hint}
            for x in report.failures
        ],
    }


def _without_hint(error: RflintError) -> str:
    """What failed, and where: the hint has a line of its own."""
    return f"{error.source}: {error.message}" if error.source else error.message


def _labels(models: Sequence[ModelReport]) -> Iterator[str]:
    """The name and the input size of each model; what is there twice is counted."""
    taken = {at_resolution(model) for model in models}
    seen: Counter[str] = Counter()
    for model in models:
        label = at_resolution(model)
        seen[label] += 1
        if seen[label] > 1:
            numbered = (f"{label} ({number})" for number in count(seen[label]))
            label = next(x for x in numbered if x not in taken)
            taken.add(label)
        yield label


def _rule_entries(report: Report, rules: dict[str, Rule]) -> JsonObject:
    """The rules that have findings, also those that are suppressed or in the baseline."""
    found: dict[str, Finding] = {}
    for model in report.models:
        suppressed = (x.finding for x in model.suppressed)
        for finding in (*model.findings, *suppressed, *model.accepted):
            found.setdefault(finding.code, finding)
    return {code: _rule_entry(found[code], rules.get(code)) for code in sorted(found)}


def _rule_entry(finding: Finding, rule: Rule | None) -> JsonObject:
    return {
        "name": finding.name,
        "summary": rule.summary if rule else "",
        "evidence": finding.evidence.value if finding.evidence else None,
        "help": rule.doc if rule else "",
    }


def _model_entry(model: ModelReport, label: str, rules: dict[str, Rule]) -> JsonObject:
    snippets = Snippets()
    inputs, layers, outputs = inputs_and_layers(model.analysis, snippets)
    for finding in model.findings:
        snippets.at(finding.source)
    larger = larger_input(model, _CROSS)
    return {
        "label": label,
        "headline": headline(model, _CROSS),
        "paragraphs": dict(_paragraphs(model, rules)),
        "layers": layers,
        "inputs": inputs,
        "outputs": outputs,
        "snippets": snippets.entries,
        "repairs": repair_entries(model),
        "measured": _measured(model),
        "measured_layers": _measured_layers(model),
        "advice": [
            *([f"{larger[:1].upper()}{larger[1:]}"] if larger else []),
            *(f"Not offered: {reason}." for reason in model.not_offered),
        ],
        "sizes": sizes_entry(model),
    }


def _measured(model: ModelReport) -> str:
    """What was measured beside what was predicted, in a sentence; empty where nothing was."""
    if model.measured is None:
        return ""
    return measured_sentence(model.analysis, model.measured)


def _measured_layers(model: ModelReport) -> list[JsonObject]:
    """For each layer that was measured: what its probe gains, and whether it is in the tail."""
    if model.measured is None:
        return []
    gained = gains(model.analysis, model.measured)
    tail = {layer.key for layer in model.measured.tail}
    return [
        {"gain": gained.get(layer.key), "tail": layer.key in tail}
        for layer in model.measured.layers
    ]


def _paragraphs(model: ModelReport, rules: dict[str, Rule]) -> Iterator[tuple[str, str]]:
    by_code: dict[str, list[Finding]] = {}
    for finding in model.findings:
        by_code.setdefault(finding.code, []).append(finding)
    for code, findings in by_code.items():
        messages = (finding.message for finding in findings)
        if said := paragraph(rules.get(code), model.analysis, findings, messages):
            yield code, said
