"""A comment on a pull request: a table of the models, and what was found in each, folded.

Names are the user's; text/markdown.py makes them harmless.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TextIO

from rflint._version import __version__
from rflint.graph.construction import place_text
from rflint.linting.rule import Rule
from rflint.report.building_lines import BuildingLines
from rflint.report.measurements import (
    field_sentences,
    filled_columns,
    legend,
    measured_on,
    measured_rows,
    measured_sentence,
    told_weights,
)
from rflint.report.model_report import ModelReport
from rflint.report.problems import Problem, problems, problems_by_model, resolution
from rflint.report.report import Failure, Report
from rflint.report.train_size import train_size_sentences
from rflint.report.wording import convolutions_cell, larger_input, paragraph, severity_counts
from rflint.text.markdown import code_span, sentence, that_fit
from rflint.text.numbers import abbreviated, compact_size, plural, relative_change, size

_ROOM_FOR_TABLE, _ROOM_FOR_MODEL, _ROOM_FOR_FAILURES, _ROOM = 12_000, 8_000, 6_000, 48_000
"""Characters. GitHub refuses comments of more than 65,536."""
_MODELS, _LINES, _NAMES, _FAILURES = 50, 20, 8, 20
"""So many rows, lines of findings in a model, names in a line, and failures."""
_LAYERS, _ROOM_FOR_MEASURED = 100, 5_000
"""So many rows of measured layers, and characters for them; as many for what is said beside."""
_PLUS_MINUS = "±"
_COMMAND = 600
"""Longer ones are cut."""


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write the comment; models with findings come with what to do about them.

    Those that were measured come with what that showed.
    """
    models = list(problems_by_model(report))
    parts = ["## rflint"]
    if models:
        parts.append(_table(models))
    if report.failures:
        parts.append(_failures(report.failures))
    details = [
        _details(model, found, report.rules)
        for model, found in models
        if found or model.measured or model.train_size
    ]
    shown = that_fit(details, _MODELS, _ROOM - sum(map(len, parts)))
    parts += shown
    if len(shown) < len(details):
        parts.append(f"{plural(len(details) - len(shown), 'more model')} with findings.")
    parts.append(_closing(report))
    stream.write("\n\n".join(parts) + "\n")


# -- the table


def _table(models: Sequence[tuple[ModelReport, Sequence[Problem]]]) -> str:
    rows = [_row(model, found) for model, found in models]
    shown = that_fit(rows, _MODELS, _ROOM_FOR_TABLE)
    head = (
        "| model | input | parameters | MACs | convolutions | unproductive | findings |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    )
    more = len(rows) - len(shown)
    return "\n".join((*head, *shown)) + (f"\n\n{plural(more, 'more model')}." if more else "")


def _row(model: ModelReport, found: Sequence[Problem]) -> str:
    totals = model.analysis.totals
    left = ((len(model.accepted), "accepted"), (len(model.suppressed), "suppressed"))
    findings = [
        _counts(found) or "none",
        *(f"{number} {what}" for number, what in left if number),
        *([] if model.analysis.complete else ["incomplete"]),
    ]
    cells = (
        code_span(model.title),
        resolution(model),
        abbreviated(totals.params),
        abbreviated(totals.macs),
        convolutions_cell(model.analysis),
        str(totals.unproductive),
        ", ".join(findings),
    )
    return f"| {' | '.join(cells)} |"


def _counts(found: Sequence[Problem]) -> str:
    return severity_counts(problem.severity for problem in found)


# -- a model


def _details(model: ModelReport, found: Sequence[Problem], rules: Sequence[Rule]) -> str:
    """Everything about one model. No name stands in HTML: the heading has it."""
    offered = f", {plural(len(model.repairs), 'repair')}" if model.repairs else ""
    entries = list(_findings(model, found, rules))
    shown = that_fit([text for _, text in entries], _LINES, _ROOM_FOR_MODEL)
    more = len(found) - sum(number for number, _ in entries[: len(shown)])
    return "\n\n".join(
        (
            f"### {code_span(model.title)}{f' at {at}' if (at := resolution(model)) else ''}",
            *([_sentence(model)] if model.measured else []),
            f"<details>\n<summary>{_counts(found) or 'no findings'}{offered}</summary>",
            *filter(None, shown),
            *([f"{plural(more, 'more finding')}."] if more else []),
            *_measured(model),
            *_train_size(model),
            *_advice(model),
            "</details>",
        )
    )


def _train_size(model: ModelReport) -> Iterator[str]:
    """What is different at the size that it is trained at."""
    if model.train_size:
        here = model.analysis.architecture.resolution
        lines = (f"- {sentence(x)}" for x in train_size_sentences(model.train_size, here, "×"))
        yield f"Trained at {size(model.train_size.difference.trained, '×')}:\n\n" + "\n".join(lines)


def _findings(
    model: ModelReport, found: Sequence[Problem], rules: Sequence[Rule]
) -> Iterator[tuple[int, str]]:
    """Paragraphs and list items, by rule and place, and how many findings each tells of."""
    by_code = {rule.code: rule for rule in rules}
    lines = BuildingLines(model.layers)
    for code, group in groupby(sorted(found, key=_code_of), key=_code_of):
        there = list(group)
        first = there[0]
        findings = [problem.finding for problem in there if problem.finding]
        messages = (problem.message for problem in there)
        said = paragraph(by_code.get(code), model.analysis, findings, messages)
        evidence = f", {first.evidence}" if first.evidence else ""
        head = f"{code_span(code)} {sentence(first.name)} ({_counts(there)}{evidence})"
        yield 0, f"{head}: {sentence(said)}" if said else f"{head}:"
        by_place: dict[tuple[str, str], list[Problem]] = {}
        for problem in there:
            by_place.setdefault((_place(problem, lines), problem.detail), []).append(problem)
        for (place, detail), here in by_place.items():
            where = f"{code_span(place)}: " if place else ""
            if said:
                names = [problem.title for problem in here if problem.layer]
                text = where + _names(names) if names else where.removesuffix(": ")
                text += f": {sentence(detail)}" if detail else ""
                yield len(here), f"- {text}" if text else ""
                continue
            for problem in here:
                layer = f"{code_span(problem.title)}: " if problem.layer else ""
                yield 1, f"- {where}{layer}{sentence(problem.message)}"


def _place(problem: Problem, lines: BuildingLines) -> str:
    if problem.place is None:
        return ""
    outer = lines.calling_line(problem.finding) if problem.finding else None
    return place_text(problem.place, outer)


def _code_of(problem: Problem) -> str:
    return problem.code


def _names(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    shown = ", ".join(code_span(name) for name in distinct[:_NAMES])
    more = len(distinct) - _NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _sentence(model: ModelReport) -> str:
    """What follows from what was measured."""
    assert model.measured is not None
    return sentence(measured_sentence(model.analysis, model.measured))


def _measured(model: ModelReport) -> Iterator[str]:
    """The layers that were measured in a table, on what, and what is to be said beside it."""
    measured, analysis = model.measured, model.analysis
    if measured is None:
        return
    layers = measured_rows(analysis, measured)
    columns = filled_columns(layers)
    rows = [f"| layer | sees | verdict |{''.join(f' {name} |' for name in columns)}"]
    rows.append(f"| --- | ---: | --- |{' ---: |' * len(columns)}")
    for row in layers:
        x, cells = row.analysed, row.cells(_PLUS_MINUS)
        sees = compact_size(axis.r_min for axis in x.input_field)
        told = "".join(f" {cells[name]} |" for name in columns)
        rows.append(f"| {code_span(x.described)} | {sees} | {x.verdict.value} |{told}")
    shown = that_fit(rows, _LAYERS, _ROOM_FOR_MEASURED)
    more = len(rows) - len(shown)
    yield "\n".join(shown)
    yield from [f"{plural(more, 'more layer')}."] if more else []
    yield legend(measured, columns, _PLUS_MINUS)
    beside = [
        measured_on(measured),
        sentence(measured.data),
        sentence(told_weights(measured)),
        *(f"{code_span(name)} {told}" for name, told in field_sentences(analysis, measured)),
        *map(sentence, measured.notes),
    ]
    listed = [f"- {text}" for text in beside if text]
    yield "\n".join(that_fit(listed, _LINES, _ROOM_FOR_MEASURED))


def _advice(model: ModelReport) -> Iterator[str]:
    """What to change: the model, or what it is fed."""
    if model.repairs:
        before = model.repairs[0].before
        rows = [
            "| what to do about it | unproductive | parameters | MACs |",
            "| --- | ---: | ---: | ---: |",
            f"| as it is | {before.unproductive} | {abbreviated(before.params)} "
            f"| {abbreviated(before.macs)} |",
        ]
        for number, repair in enumerate(model.repairs, start=1):
            after = repair.after
            cells = (
                f"{number}\\. {sentence(repair.words)}: {sentence(repair.title)}",
                f"{repair.before.unproductive} -> {after.unproductive}",
                _changed(repair.before.params, after.params),
                _changed(repair.before.macs, after.macs),
            )
            rows.append(f"| {' | '.join(cells)} |")
        yield "\n".join(that_fit(rows, _LINES, _ROOM_FOR_MODEL))
        what, code = model.how_to_get(1)
        yield f"Accuracy is not predicted: train to decide. {what}: {code_span(code, _COMMAND)}"
    if larger := larger_input(model):
        yield f"Or {larger}"


def _changed(before: int, after: int) -> str:
    difference = relative_change(before, after, "x")
    return f"{abbreviated(before)} -> {abbreviated(after)}" + (
        f" ({difference})" if difference else ""
    )


# -- the end


def _failures(failures: Sequence[Failure]) -> str:
    lines = [f"- {code_span(x.target)}: {sentence(str(x.error))}" for x in failures]
    shown = that_fit(lines, _FAILURES, _ROOM_FOR_FAILURES)
    more = len(lines) - len(shown)
    listed = "\n".join(("### Could not be analysed", "", *shown))
    return listed + (f"\n\n{plural(more, 'more target')}." if more else "")


def _closing(report: Report) -> str:
    found = list(problems(report))
    left = (
        (sum(len(model.accepted) for model in report.models), "accepted by the baseline"),
        (sum(len(model.suppressed) for model in report.models), "suppressed in the source"),
        (len(report.failures), "not analysed"),
    )
    parts = [
        f"{_counts(found) or 'no findings'} in {plural(len(report.models), 'model')}",
        *(f"{number} {what}" for number, what in left if number),
    ]
    return f"rflint {__version__}: {', '.join(parts)}."
