"""A report as the output of a notebook's cell: header, figure and findings of each model.

Static HTML: no script, and all looks are attributes, since whoever shows a notebook to others
(GitHub, nbconvert, a mail) takes scripts and style sheets away. Text has the colour of the
notebook's, light or dark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Severity
from rflint.linting.rule import Rule
from rflint.report.figure.figure import figure_of
from rflint.report.figure.svg import svg
from rflint.report.model_report import ModelReport
from rflint.report.notebook.looks import (
    BADGE,
    COLOURS,
    HEADING,
    LESS,
    LIST,
    PAGE,
    TABLE,
    block,
    text_of,
)
from rflint.report.page.headline import headline
from rflint.report.problems import Problem, problems_by_model, resolution
from rflint.report.report import Failure, Report
from rflint.report.wording import (
    convolutions,
    convolutions_cell,
    inputs_text,
    paragraph,
    severity_counts,
)
from rflint.text.escape import escaped_lines
from rflint.text.numbers import abbreviated, abbreviated_count, first_few, plural

_MODELS = 5
"""So many models of a report are shown with their figures; all are in the table."""
_ROWS, _PLACES, _NAMES, _FAILURES = 50, 12, 12, 10
"""So many models in the table, lines of findings of a rule, names in a line, and failures."""
_CROSS = "×"


def html(report: Report) -> str:
    """The whole output."""
    models = list(problems_by_model(report))
    parts = [_failure(failure) for failure in report.failures[:_FAILURES]]
    if len(report.failures) > _FAILURES:
        parts.append(block(f"and {plural(len(report.failures) - _FAILURES, 'failure')} more"))
    if len(models) > 1:
        parts.append(_overview(models))
    for model, found in models[:_MODELS]:
        parts += _model(model, found, report.rules)
    if len(models) > _MODELS:
        more = plural(len(models) - _MODELS, "further model")
        parts.append(block(f"{more}: report.show() opens all of them, print(report) lists them."))
    if not parts:
        parts.append(block("No model was linted."))
    return f'<div style="{PAGE}">\n' + "\n".join(parts) + "\n</div>"


def _model(model: ModelReport, found: Sequence[Problem], rules: Sequence[Rule]) -> Iterator[str]:
    totals = model.analysis.totals
    on = (
        f'<span style="font-weight:normal">on {text_of(inputs_text(model.analysis, _CROSS))}</span>'
    )
    yield f'<div style="{HEADING}">{text_of(model.title)} {on}</div>'
    if model.assumption:
        yield block(f"Assumed of the input: {model.assumption}.")
    facts = (
        abbreviated_count(totals.params, "parameter"),
        abbreviated_count(totals.macs, "MAC"),
        convolutions(model.analysis),
        f"{totals.unproductive} unproductive",
        *([f"{abbreviated(totals.dead_weights)} dead weights"] if totals.dead_weights else []),
        *([] if model.analysis.complete else ["incomplete"]),
    )
    yield block(" · ".join(facts), LESS)
    said = headline(model, _CROSS)
    yield from (block(said[part]) for part in ("wrong", "cost", "do") if said[part])
    yield f'<div style="margin:8px 0">{svg(figure_of(model.analysis, model.title))}</div>'
    yield from _findings(model, found, rules)
    beside = [
        f"{len(left)} {what}"
        for left, what in ((model.suppressed, "suppressed"), (model.accepted, "in the baseline"))
        if left
    ]
    if beside:
        yield block(", ".join(beside), LESS)


def _findings(model: ModelReport, found: Sequence[Problem], rules: Sequence[Rule]) -> Iterator[str]:
    """By rule, and below it by place."""
    if not found:
        yield block("No findings.")
    by_code = {rule.code: rule for rule in rules}
    for code, group in groupby(found, key=lambda problem: problem.code):
        there = list(group)
        first = max(there, key=lambda problem: problem.severity.rank)
        findings = [problem.finding for problem in there if problem.finding]
        messages = (problem.message for problem in there)
        told = paragraph(by_code.get(code), model.analysis, findings, messages)
        evidence = f", {first.evidence}" if first.evidence else ""
        count = f"({severity_counts(problem.severity for problem in there)}{evidence})"
        badge = BADGE.format(COLOURS[first.severity])
        yield (
            f'<div style="margin:8px 0 0"><span style="{badge}">{text_of(code)}</span> '
            f'<b>{text_of(first.name)}</b> <span style="{LESS}">{count}</span></div>'
        )
        if told:
            yield block(told)
        items = list(_items(there, with_messages=not told))
        if len(items) > _PLACES:
            more = len(items) - _PLACES
            items = [*items[:_PLACES], f"<li>and {plural(more, 'place')} more</li>"]
        yield f'<ul style="{LIST}">{"".join(items)}</ul>'


def _items(found: Sequence[Problem], *, with_messages: bool) -> Iterator[str]:
    """List items: a place, and what is found there."""
    if with_messages:
        for problem in found:
            name = f"<b>{text_of(problem.title)}</b>: " if problem.layer else ""
            yield f"<li>{name}{text_of(problem.message)}{_place(problem.place, ' (', ')')}</li>"
        return
    by_place: dict[tuple[SourceLocation | None, str], list[str]] = {}
    for problem in found:
        by_place.setdefault((problem.place, problem.detail), []).append(problem.title)
    for (place, detail), titles in by_place.items():
        names = first_few([title for title in dict.fromkeys(titles) if title], _NAMES)
        told = ": ".join(text_of(text) for text in (names, detail) if text)
        yield f"<li>{_place(place, '', ' ' if told else '')}{told}</li>"


def _place(place: SourceLocation | None, before: str, behind: str) -> str:
    return f"{before}<code>{text_of(str(place))}</code>{behind}" if place else ""


def _overview(models: Sequence[tuple[ModelReport, Sequence[Problem]]]) -> str:
    """A row for each model."""
    heads = ("model", "input", "parameters", "MACs", "convolutions", "unproductive", "findings")
    rows = []
    for model, found in models[:_ROWS]:
        totals = model.analysis.totals
        numbers = (
            abbreviated(totals.params),
            abbreviated(totals.macs),
            convolutions_cell(model.analysis),
        )
        at = resolution(model).replace("x", _CROSS)
        rows.append((model.title, at, *numbers, totals.unproductive, len(found)))
    lines = [_row("th", heads), *(_row("td", row) for row in rows)]
    more = len(models) - len(rows)
    table = f'<table style="{TABLE}">{"".join(lines)}</table>'
    return table + (block(f"and {plural(more, 'model')} more") if more else "")


def _row(cell: str, values: Sequence[object]) -> str:
    sides = ("left", "left", *["right"] * (len(values) - 2))
    cells = (
        f'<{cell} style="text-align:{side};padding:2px 10px">{text_of(str(value))}</{cell}>'
        for side, value in zip(sides, values, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _failure(failure: Failure) -> str:
    badge = BADGE.format(COLOURS[Severity.ERROR])
    message = text_of(escaped_lines(str(failure.error)), lines=True)
    return (
        f'<div style="margin:8px 0"><span style="{badge}">error</span> '
        f"<b>{text_of(failure.target)}</b>: {message}</div>"
    )
