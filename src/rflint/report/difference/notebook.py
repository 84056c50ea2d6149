"""A difference as the output of a notebook's cell: static HTML, without scripts or style sheets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rflint.linting.finding import Severity
from rflint.report.difference.comparison import Comparison
from rflint.report.difference.difference import Difference
from rflint.report.difference.drawing import picture
from rflint.report.difference.layers import title_of
from rflint.report.difference.words import (
    Figure,
    closing,
    figures,
    finding_counts,
    is_own_change,
    known_sides,
    layer_changes,
    layer_counts,
    layer_facts,
    missing_side,
    new_names,
)
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
from rflint.report.schema import JsonObject
from rflint.text.numbers import plural

_COMPARISONS, _LINES, _FAILURES = 5, 12, 10
"""So many models are shown, lines of each sort in a model, and failures."""
_TRENDS = {"better": "color:#2e7d32", "worse": "color:#c62828", "": ""}


def html(difference: Difference) -> str:
    """The whole output."""
    sides = text_of(f"{difference.before} → {difference.after}")
    parts = [f'<div style="{LESS}">{sides}</div>']
    for failure in difference.failures[:_FAILURES]:
        badge = BADGE.format(COLOURS[Severity.ERROR])
        about = f"<b>{text_of(failure.side)}: {text_of(failure.target)}</b>"
        message = text_of(failure.message, lines=True)
        parts.append(f'<div><span style="{badge}">error</span> {about}: {message}</div>')
    for comparison in difference.comparisons[:_COMPARISONS]:
        parts += _comparison(comparison)
    more = len(difference.comparisons) - _COMPARISONS
    if more > 0:
        parts.append(block(f"{plural(more, 'further model')}: print(difference) tells of all."))
    parts.append(f"<div><b>{text_of(closing(difference))}</b></div>")
    return f'<div style="{PAGE}">\n' + "\n".join(parts) + "\n</div>"


def _comparison(comparison: Comparison) -> Iterator[str]:
    yield f'<div style="{HEADING}">{text_of(comparison.title)}</div>'
    yield from (block(f"Warning: {note}") for note in comparison.notes)
    if missing := missing_side(comparison):
        yield block(missing)
    if comparison.is_same:
        return
    yield _figures(comparison)
    if drawn := picture(comparison):
        yield f'<div style="margin:8px 0">{drawn}</div>'
    if not comparison.is_compared:
        return
    found = comparison.findings
    counts = finding_counts(len(found.new), len(found.gone), len(found.kept))
    yield f"<div><b>{text_of(counts)}</b></div>"
    yield _listed([f"new: {_finding(x)}: {text_of(x['message'])}" for x in found.new])
    yield _listed([f"gone: {_finding(x)}" for x in found.gone])
    if not missing:
        yield f"<div><b>{text_of(layer_counts(comparison) or 'No layers')}</b></div>"
        yield _listed(list(_layers(comparison)))


def _figures(comparison: Comparison) -> str:
    sides = known_sides(comparison)
    rows = [_row("th", ("", *sides, ""))]
    for figure in figures(comparison, "×"):
        rows.append(_row("td", _cells(figure, sides), _TRENDS[figure.trend]))
    return f'<table style="{TABLE}">{"".join(rows)}</table>'


def _cells(figure: Figure, sides: Sequence[str]) -> tuple[str, ...]:
    values = {"before": figure.before, "after": figure.after}
    return figure.name, *(values[side] for side in sides), figure.change


def _row(cell: str, values: Sequence[str], look: str = "") -> str:
    """The first cell is a name; the last one is by how much it has changed, for better or worse."""
    aligned = ["left", *["right"] * (len(values) - 1)]
    looks = [*[""] * (len(values) - 1), look]
    cells = (
        f'<{cell} style="text-align:{side};padding:2px 10px;{own}">{text_of(value)}</{cell}>'
        for side, own, value in zip(aligned, looks, values, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _finding(finding: JsonObject) -> str:
    layer = f" <b>{text_of(finding['layer'])}</b>" if finding["layer"] else ""
    return f"{text_of(finding['code'])} {text_of(finding['name'])}{layer}"


def _layers(comparison: Comparison) -> Iterator[str]:
    layers = comparison.layers
    for x in new_names(layers.renamings):
        names = f"<b>{text_of(x.before)}</b> {x.verb} <b>{text_of(x.after)}</b> now"
        yield f"{names}{x.others} ({x.remark})"
    for changed in filter(is_own_change, layers.all_changes):
        changes = ", ".join(f"{x.name} {x.before} → {x.after}" for x in layer_changes(changed, "×"))
        yield f"changed: <b>{text_of(title_of(changed.after))}</b>: {text_of(changes)}"
    for what, there in (("added", layers.really_added), ("removed", layers.really_removed)):
        for layer in there:
            facts = text_of(layer_facts(layer, "×"))
            yield f"{what}: <b>{text_of(title_of(layer))}</b>: {facts}"


def _listed(lines: Sequence[str]) -> str:
    """Lines of HTML as a list, as many as one can look through."""
    if not lines:
        return ""
    shown = list(lines[:_LINES])
    if len(shown) < len(lines):
        shown.append(f"{len(lines) - len(shown)} more")
    return f'<ul style="{LIST}">{"".join(f"<li>{line}</li>" for line in shown)}</ul>'
