"""The difference as one page that needs nothing around it: no script, no font, no other file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TextIO

from rflint._version import __version__
from rflint.report.difference.comparison import Comparison
from rflint.report.difference.difference import Difference, SideName
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
from rflint.report.schema import JsonObject
from rflint.text.escape import one_line

_NAME = 40
"""So many letters of a layer's name stand in one line."""

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --grey: #59636e; --line: #d1d9e0; --paper: #fff;
  --good: #1a7f37; --bad: #cf222e; --warn: #b45309; --band: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f6fc; --grey: #9198a1; --line: #3d444d;
  --paper: #0d1117; --good: #3fb950; --bad: #f85149; --warn: #d29922; --band: #151b23; } }
@media print { :root { --ink: #000; --grey: #444; --line: #bbb; --paper: #fff; --good: #116329;
  --bad: #a40e26; --warn: #8a3d00; --band: #f6f8fa; } figure { break-inside: avoid; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 3rem; color: var(--ink);
  background: var(--paper); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem;
  padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
code, .name { font-family: ui-monospace, monospace; font-size: .9em; }
p { margin: .25rem 0; } .grey { color: var(--grey); }
.closing { font-size: 1.1rem; font-weight: 600; margin: .75rem 0; }
.better { color: var(--good); } .worse { color: var(--bad); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; } th { font-weight: 600; color: var(--grey); }
td, th, .name { overflow-wrap: anywhere; }
.figures { width: auto; }
.figures td:first-child, .figures td:last-child { white-space: nowrap; }
.layers { table-layout: fixed; } .layers col:first-child { width: 5.5em; }
@media (max-width: 40rem) { .layers, .layers tbody { display: block; }
  .layers tr { display: block; border-bottom: 1px solid var(--line); padding: .3rem 0; }
  .layers td { display: inline; border: 0; padding-right: .5rem; }
  .layers td:last-child { display: block; } }
.figures td + td, .figures th + th { text-align: right; padding-left: 1.5rem; }
.same td { color: var(--grey); }
figure { margin: 1rem 0; overflow-x: auto; } figure svg { max-width: 100%; height: auto; }
ul { margin: .25rem 0; padding-left: 1.25rem; } li { margin: .4rem 0; }
.warning { border-left: 4px solid var(--warn); padding: .25rem .75rem; background: var(--band); }
.failure { border-left: 4px solid var(--bad); padding: .5rem .75rem; background: var(--band);
  white-space: pre-wrap; margin: .75rem 0; }
"""


def write(difference: Difference, stream: TextIO, verbose: bool) -> None:
    """Write the page; it has all of everything."""
    title = f"{difference.before} and {difference.after}"
    sides = f"{_name(difference.before)} → {_name(difference.after)}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>rflint: {_text(title)}</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<header><h1>What is different</h1><p>{sides}</p>",
        f'<p class="closing">{_text(closing(difference))}</p></header>',
        *_failures(difference),
        *(part for x in difference.comparisons for part in _section(x)),
        f'<footer class="grey"><p>rflint {__version__}</p></footer></body></html>',
    ]
    stream.write("\n".join(parts) + "\n")


def _failures(difference: Difference) -> Iterator[str]:
    names = {"before": difference.before, "after": difference.after}
    for x in difference.failures:
        head = f"<strong>{_name(names[x.side])}: {_name(x.target)} could not be analysed</strong>"
        lines = "\n".join(map(_text, x.message.split("\n")))
        yield f'<div class="failure">{head}\n{lines}</div>'


def _section(comparison: Comparison) -> Iterator[str]:
    yield f"<section><h2>{_text(comparison.title)}</h2>"
    for note in comparison.notes:
        yield f'<p class="warning"><strong>Warning:</strong> {_text(note)}</p>'
    missing = missing_side(comparison)
    if missing:
        yield f"<p>{_text(missing)}</p>"
    if comparison.is_same:
        yield '<p class="better">No difference.</p>'
    yield _figures(comparison)
    if drawn := picture(comparison):
        yield f"<figure>{drawn}</figure>"
    if comparison.is_compared:
        found = comparison.findings
        counts = finding_counts(len(found.new), len(found.gone), len(found.kept))
        yield f"<h3>{_text(counts)}</h3>"
        yield from _findings("New", "worse", found.new)
        yield from _findings("Gone", "better", found.gone)
        yield from _findings("Kept", "grey", found.kept)
        if not missing:
            yield from _layers(comparison)
    yield "</section>"


def _figures(comparison: Comparison) -> str:
    sides = known_sides(comparison)
    rows = [_row(x, sides) for x in figures(comparison, "×")]
    head = f"<tr><th></th>{''.join(f'<th>{x}</th>' for x in sides)}<th></th></tr>"
    return f'<table class="figures"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _row(figure: Figure, sides: Sequence[SideName]) -> str:
    state = f' class="{figure.trend}"' if figure.trend else ""
    shown = {
        "before": f"<td>{_text(figure.before)}</td>",
        "after": f"<td{state}>{_text(figure.after)}</td>",
    }
    known = "".join(shown[side] for side in sides)
    cells = f"<td>{_text(figure.name)}</td>{known}<td{state}>{_text(figure.change)}</td>"
    is_told = figure.differs or len(sides) == 1
    return f"<tr>{cells}</tr>" if is_told else f'<tr class="same">{cells}</tr>'


def _findings(heading: str, style: str, findings: Sequence[JsonObject]) -> Iterator[str]:
    if findings:
        yield f'<p><strong class="{style}">{heading}</strong></p>'
        yield f"<ul>{''.join(map(_finding, findings))}</ul>"


def _finding(finding: JsonObject) -> str:
    source = finding["source"]
    where = _text(f"{source['path']}:{source['line']}") if source else ""
    place = f' <span class="grey">{where}</span>' if source else ""
    head = f"<code>{_text(finding['code'])}</code> {_text(finding['name'])} ({finding['severity']})"
    layer = f" {_name(finding['layer'])}" if finding["layer"] else ""
    return f"<li>{head}{layer}{place}<br>{_text(finding['message'])}</li>"


def _layers(comparison: Comparison) -> Iterator[str]:
    layers = comparison.layers
    yield f"<h3>{_text(layer_counts(comparison) or 'No layers')}</h3>"
    for x in new_names(layers.renamings):
        names = f"{_name(x.before)} {x.verb} {_name(x.after)} now{x.others}"
        yield f"<p>{names} ({x.remark}).</p>"
    rows = [
        *(_layer("added", "better", x) for x in layers.really_added),
        *(_layer("removed", "worse", x) for x in layers.really_removed),
    ]
    ordered = sorted(layers.all_changes, key=lambda x: not is_own_change(x))
    for changed in ordered:
        changes = ", ".join(
            f"{_text(x.name)} {_text(x.before)} → {_text(x.after)}"
            for x in layer_changes(changed, "×")
        )
        what = "changed" if is_own_change(changed) else "follows"
        rows.append(_cells(what, "", _name(title_of(changed.after)), changes))
    if rows:
        titles = [title_of(x) for x in (*layers.really_added, *layers.really_removed)]
        titles += [title_of(x.after) for x in layers.all_changes]
        # the browser would share the room out by what is longest, and break short names for it
        width = min(_NAME, max(map(len, titles)) + 2)
        columns = f'<colgroup><col><col style="width:{width}ch"><col></colgroup>'
        yield f'<table class="layers">{columns}<tbody>{"".join(rows)}</tbody></table>'


def _layer(what: str, style: str, layer: JsonObject) -> str:
    return _cells(what, style, _name(title_of(layer)), _text(layer_facts(layer, "×")))


def _cells(what: str, style: str, name: str, facts: str) -> str:
    state = f' class="{style}"' if style else ""
    return f"<tr><td{state}>{what}</td><td>{name}</td><td>{facts}</td></tr>"


def _name(text: str) -> str:
    return f'<span class="name">{_text(text)}</span>'


def _text(text: str) -> str:
    """Text of anybody's, in which nothing is markup."""
    return escape(one_line(text))
