"""A comment on a pull request: what it changes, in a table of the models, and folded details."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rflint._version import __version__
from rflint.report.difference.comparison import Comparison
from rflint.report.difference.difference import Difference
from rflint.report.difference.layers import title_of
from rflint.report.difference.words import (
    Figure,
    closing,
    figures,
    finding_counts,
    is_own_change,
    layer_changes,
    layer_counts,
    layer_facts,
    missing_side,
    new_names,
)
from rflint.report.schema import JsonObject
from rflint.text.markdown import code_span, sentence, that_fit
from rflint.text.numbers import plural, size

_ROOM_FOR_TABLE, _ROOM_FOR_MODEL, _ROOM_FOR_FAILURES, _ROOM = 12_000, 8_000, 6_000, 48_000
"""Characters. GitHub refuses comments of more than 65,536."""
_MODELS, _LINES, _FAILURES = 50, 20, 20
"""So many rows, lines of each sort in a model, and failures."""


def write(difference: Difference, stream: TextIO, verbose: bool) -> None:
    """Write the comment; models in which something differs come with what that is."""
    sides = f"{code_span(difference.before)} -> {code_span(difference.after)}"
    parts = ["## rflint: what is different", sides]
    if difference.comparisons:
        parts.append(_table(difference.comparisons))
    if difference.failures:
        parts.append(_failures(difference))
    details = [_details(x) for x in difference.comparisons if not x.is_same and x.is_compared]
    shown = that_fit(details, _MODELS, _ROOM - sum(map(len, parts)))
    parts += shown
    if len(shown) < len(details):
        parts.append(f"{plural(len(details) - len(shown), 'more model')} with differences.")
    parts.append(f"rflint {__version__}: {closing(difference)}")
    stream.write("\n\n".join(parts) + "\n")


# -- the table


def _table(comparisons: Sequence[Comparison]) -> str:
    rows = [_row(x) for x in comparisons]
    shown = that_fit(rows, _MODELS, _ROOM_FOR_TABLE)
    head = (
        "| model | parameters | MACs | unproductive | dead weights | findings |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    )
    more = len(rows) - len(shown)
    return "\n".join((*head, *shown)) + (f"\n\n{plural(more, 'more model')}." if more else "")


def _row(comparison: Comparison) -> str:
    by_name = {x.name: x for x in figures(comparison)}
    cells = (
        _title(comparison),
        *(_sides(by_name[name]) for name in ("parameters", "MACs", "unproductive", "dead weights")),
        _verdict(comparison),
    )
    return f"| {' | '.join(cells)} |"


def _title(comparison: Comparison) -> str:
    """The name, or both of them; and the size, or both."""
    models = [x for x in (comparison.before, comparison.after) if x]
    names = dict.fromkeys(x["name"] for x in models)
    sizes = [x for x in dict.fromkeys(size(x["resolution"]) for x in models) if x]
    at = f" at {' and '.join(sizes)}" if sizes else ""
    return " and ".join(map(code_span, names)) + at


def _sides(figure: Figure) -> str:
    if not (figure.before and figure.after) or not figure.differs:
        return figure.after or figure.before
    change = f" ({figure.change.replace('×', 'x')})" if figure.change else ""
    return f"{figure.before} -> {figure.after}{change}"


def _verdict(comparison: Comparison) -> str:
    if not comparison.is_compared:
        return "not compared"
    if comparison.is_same:
        return "no difference"
    found = comparison.findings
    return finding_counts(len(found.new), len(found.gone), len(found.kept)).lower()


# -- a model


def _details(comparison: Comparison) -> str:
    """Everything about one model. No name stands in HTML: the heading has it."""
    found = comparison.findings
    counts = finding_counts(len(found.new), len(found.gone), len(found.kept))
    layers = layer_counts(comparison)
    summary = f"{counts}{f'; {layers}' if layers else ''}"
    missing = missing_side(comparison)
    return "\n\n".join(
        (
            f"### {_title(comparison)}",
            *(f"**Warning:** {sentence(x)}" for x in comparison.notes),
            f"<details>\n<summary>{summary}</summary>",
            *([missing] if missing else []),
            *_paragraphs(comparison),
            "</details>",
        )
    )


def _paragraphs(comparison: Comparison) -> Iterator[str]:
    found = comparison.findings
    yield from _listed("New findings", [_finding(x) for x in found.new])
    yield from _listed("Findings that are gone", [_finding(x, short=True) for x in found.gone])
    yield _figures(comparison)
    if comparison.before and comparison.after:
        yield from _listed("Layers", list(_layers(comparison)))


def _figures(comparison: Comparison) -> str:
    rows = (
        f"| {x.name} | {_value(x.before)} | {_value(x.after)} | {x.change} |"
        for x in figures(comparison)
    )
    return "\n".join(("| | before | after | |", "| --- | ---: | ---: | ---: |", *rows))


def _value(text: str) -> str:
    """A number, or the name of a layer."""
    return sentence(text)


def _finding(finding: JsonObject, *, short: bool = False) -> str:
    layer = f": {code_span(finding['layer'])}" if finding["layer"] else ""
    head = f"{code_span(finding['code'])} {sentence(finding['name'])} ({finding['severity']})"
    if short:
        return f"{head}{layer}"
    source = finding["source"]
    place = code_span(f"{source['path']}:{source['line']}") if source else ""
    where = f" at {place}" if place else ""
    return f"{head}{where}{layer}: {sentence(finding['message'])}"


def _layers(comparison: Comparison) -> Iterator[str]:
    layers = comparison.layers
    for x in new_names(layers.renamings):
        yield f"{code_span(x.before)} {x.verb} {code_span(x.after)} now{x.others} ({x.remark})"
    own = [x for x in layers.all_changes if is_own_change(x)]
    others = len(layers.all_changes) - len(own)
    for changed in own:
        changes = ", ".join(
            f"{x.name} {sentence(x.before)} -> {sentence(x.after)}" for x in layer_changes(changed)
        )
        yield f"changed: {code_span(title_of(changed.after))}: {changes}"
    for what, there in (("added", layers.really_added), ("removed", layers.really_removed)):
        for layer in there:
            yield f"{what}: {code_span(title_of(layer))}: {sentence(layer_facts(layer))}"
    if others:
        yield f"{plural(others, 'layer')} changed by what comes before"


def _listed(heading: str, lines: Sequence[str]) -> Iterator[str]:
    """A list below a heading, as far as there is room."""
    if not lines:
        return
    shown = that_fit([f"- {line}" for line in lines], _LINES, _ROOM_FOR_MODEL)
    more = len(lines) - len(shown)
    yield f"**{heading}**"
    yield "\n".join((*shown, *([f"- {more} more"] if more else [])))


# -- the end


def _failures(difference: Difference) -> str:
    names = {"before": difference.before, "after": difference.after}
    lines = [
        f"- {code_span(names[x.side])}: {code_span(x.target)}: {sentence(x.message)}"
        for x in difference.failures
    ]
    shown = that_fit(lines, _FAILURES, _ROOM_FOR_FAILURES)
    more = len(lines) - len(shown)
    listed = "\n".join(("### Could not be analysed", "", *shown))
    return listed + (f"\n\n{plural(more, 'more target')}." if more else "")
