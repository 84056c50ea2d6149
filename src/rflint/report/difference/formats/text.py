"""The difference on a terminal: for each model its figures, its layers, its findings."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rflint.linting.finding import Severity
from rflint.report.difference.comparison import Comparison
from rflint.report.difference.difference import Difference
from rflint.report.difference.layers import ChangedLayer, title_of
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
from rflint.report.terminal.console import (
    SEVERITY_COLOURS,
    captured,
    console_for,
    glyphs_of,
    plain_console,
)
from rflint.text.escape import escaped_lines, one_line
from rflint.text.numbers import plural

_LAYERS, _FINDINGS, _NAMES = 12, 20, 8
"""So many are shown, unless --verbose asks for all."""
_TRENDS = {"better": "green", "worse": "red", "": ""}


def write(difference: Difference, stream: TextIO, verbose: bool) -> None:
    """Write the difference for a person."""
    console = console_for(stream)
    # what is said on stderr is not said beside it once more
    failures = stream is not sys.stdout
    if console.is_terminal:
        print_difference(console, difference, verbose, failures)
        return
    write_all = partial(print_difference, console, difference, verbose, failures)
    stream.write(captured(console, write_all))


def plain_text(difference: Difference) -> str:
    """The difference without colours, whatever the environment says of terminals."""
    console = plain_console()
    return captured(console, lambda: print_difference(console, difference))


def print_difference(
    console: Console, difference: Difference, verbose: bool = False, failures: bool = True
) -> None:
    """Print every comparison, on demand what failed, and a closing line."""
    for position, comparison in enumerate(difference.comparisons):
        if position:
            console.print()
            console.rule(style="dim")
            console.print()
        _Page(console, difference, comparison, verbose).print()
    if len(difference.comparisons) == 1 and not difference.failures:
        return  # its page says all there is to say
    if difference.comparisons:
        console.print()
    for failure in difference.failures if failures else ():
        side = difference.before if failure.side == "before" else difference.after
        about = f"{one_line(side)}: {one_line(failure.target)}"
        failed = f" could not be analysed: {_first(failure.message)}"
        console.print(Text.assemble((about, "bold red"), failed))
    style = "green" if difference.is_same else "bold"
    console.print(Text(closing(difference), style))


def _first(message: str) -> str:
    """The first line of a message: what failed; what to do about it is said on stderr."""
    return one_line(message.split("\n")[0])


class _Page:
    """One comparison."""

    def __init__(
        self, console: Console, difference: Difference, comparison: Comparison, verbose: bool
    ) -> None:
        self.console = console
        self.difference = difference
        self.comparison = comparison
        self.verbose = verbose
        glyphs = glyphs_of(console)
        self.cross, self.dot = glyphs.cross, glyphs.dot
        self.arrow = "->" if console.options.ascii_only else "→"

    def print(self) -> None:
        """Header, figures, layers, findings."""
        comparison = self.comparison
        self.console.print(Text(one_line(comparison.title), "bold"))
        sides = f"{self.difference.before} {self.arrow} {self.difference.after}"
        self.console.print(Text(one_line(sides), "dim"))
        for note in comparison.notes:
            self.console.print(Text(f"Warning: {one_line(note)}", "yellow"))
        if missing := missing_side(comparison):
            self.console.print(missing)
        if comparison.is_same and not self.verbose:
            self.console.print(Text("No difference.", "green"))
            return
        self.console.print()
        self._figures()
        if comparison.is_compared and not missing:
            self._layers()
            self._verdicts()
        if comparison.is_compared:
            self._findings()

    # -- figures

    def _figures(self) -> None:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("")
        sides = known_sides(self.comparison)
        for heading in (*sides, ""):
            table.add_column(heading, justify="right", overflow="fold")
        for figure in figures(self.comparison, self.cross):
            name, before, after, change = self._figure(figure)
            cells = {"before": before, "after": after}
            table.add_row(name, *(cells[side] for side in sides), change)
        self.console.print(table)

    def _figure(self, figure: Figure) -> list[Text]:
        style = "" if figure.differs else "dim"
        return [
            Text(figure.name, style),
            Text(one_line(figure.before), style),
            Text(one_line(figure.after), _TRENDS[figure.trend] if figure.differs else style),
            Text(figure.change, _TRENDS[figure.trend]),
        ]

    # -- layers

    def _layers(self) -> None:
        layers = self.comparison.layers
        own = [x for x in layers.all_changes if is_own_change(x)]
        following = [x for x in layers.all_changes if not is_own_change(x)]
        self.console.print()
        self.console.print(Text(layer_counts(self.comparison) or "No layers.", "bold"))
        for x in new_names(layers.renamings):
            names = one_line(f"{x.before} {x.verb} {x.after} now")
            self._item("=", names, f"{x.others} ({x.remark})", "cyan")
        self._changes(own)
        self._list("+", layers.really_added, "green")
        self._list("-", layers.really_removed, "red")
        if self.verbose or not own:
            self._changes(following)
        elif following:
            what = (
                "are changed by what comes before them"
                if len(following) > 1
                else ("is changed by what comes before it")
            )
            text = f"{plural(len(following), 'more layer')} {what} (--verbose lists all)"
            self.console.print(Padding(Text(text, "dim"), (0, 0, 0, 2)))

    def _list(self, mark: str, layers: Sequence[JsonObject], style: str) -> None:
        shown = layers if self.verbose else layers[:_LAYERS]
        for layer in shown:
            facts = f"  {one_line(layer_facts(layer, self.cross))}"
            self._item(mark, one_line(title_of(layer)), facts, style)
        self._more(len(layers) - len(shown), mark, style)

    def _changes(self, layers: Sequence[ChangedLayer]) -> None:
        shown = layers if self.verbose else layers[:_LAYERS]
        for layer in shown:
            changes = ", ".join(
                f"{x.name} {one_line(x.before)} {self.arrow} {one_line(x.after)}"
                for x in layer_changes(layer, self.cross)
            )
            self._item("~", one_line(title_of(layer.after)), f"  {changes}", "yellow")
        self._more(len(layers) - len(shown), "~", "yellow")

    def _more(self, number: int, mark: str, style: str) -> None:
        if number:
            self._item(mark, "", f"{number} more (--verbose lists all)", style)

    def _item(self, mark: str, name: str, facts: str, style: str) -> None:
        text = Text.assemble((name, "bold"), facts)
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=1)
        table.add_column()
        table.add_row(Text(mark, style), text)
        self.console.print(Padding(table, (0, 0, 0, 2)))

    def _verdicts(self) -> None:
        """The layers that became unproductive, and those that are so no more."""
        for heading, here, there, style in (
            ("Unproductive now", "after", "before", "red"),
            ("Not unproductive any more", "before", "after", "green"),
        ):
            names = [
                title_of(x.after)
                for x in self.comparison.layers.all_changes
                if getattr(x, here)["verdict"] == "unproductive" != getattr(x, there)["verdict"]
            ]
            if not names:
                continue
            shown = names if self.verbose else names[:_NAMES]
            more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
            listed = f": {one_line(', '.join(shown))}{more}"
            self.console.print(Text.assemble((heading, style), listed))

    # -- findings

    def _findings(self) -> None:
        found = self.comparison.findings
        counts = finding_counts(len(found.new), len(found.gone), len(found.kept))
        self.console.print()
        self.console.print(Text(f"{counts}.", "bold"))
        self._several("+", found.new, "red")
        self._several("-", found.gone, "green")
        if self.verbose:
            self._several(" ", found.kept, "")

    def _several(self, mark: str, findings: Sequence[JsonObject], style: str) -> None:
        shown = findings if self.verbose else findings[:_FINDINGS]
        for finding in shown:
            severity = Severity(finding["severity"])
            text = Text.assemble(
                (mark, style),
                " ",
                (finding["code"], f"bold {SEVERITY_COLOURS[severity]}"),
                f" {one_line(finding['name'])} ",
                (f"({severity.value}) ", "dim"),
                (one_line(finding["layer"]), "bold"),
            )
            self.console.print(Padding(text, (0, 0, 0, 2)))
            if style == "green":  # what is gone needs no explanation
                continue
            message = Text(escaped_lines(finding["message"]))
            if source := finding["source"]:
                message.append(f" ({one_line(source['path'])}:{source['line']})", "cyan")
            self.console.print(Padding(message, (0, 0, 0, 4)))
        self._more(len(findings) - len(shown), mark, style)
