"""The findings of one rule in a model, on a terminal: told once, and listed by the line to edit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from rflint.graph.construction import place_text
from rflint.linting.finding import Finding
from rflint.linting.rule import Rule
from rflint.report.building_lines import BuildingLines
from rflint.report.model_report import ModelReport
from rflint.report.terminal.console import SEVERITY_COLOURS
from rflint.report.wording import paragraph, severity_counts
from rflint.text.escape import escaped_lines, one_line
from rflint.text.numbers import first_few

_NAMES = 12
"""So many layers of a finding are named, unless --verbose asks for all."""


class FindingsByRule:
    """The findings in one model."""

    def __init__(
        self, console: Console, model: ModelReport, rules: Sequence[Rule], *, verbose: bool
    ) -> None:
        self.console = console
        self.model = model
        self.rules = {rule.code: rule for rule in rules}
        self.verbose = verbose
        self.lines = BuildingLines(model.layers)

    def print(self) -> None:
        """A paragraph for each rule, in the order of the rules."""
        for code, findings in groupby(self.model.findings, key=lambda finding: finding.code):
            self.console.print()
            self._of_rule(code, list(findings))

    def _of_rule(self, code: str, findings: Sequence[Finding]) -> None:
        first = max(findings, key=lambda finding: finding.severity.rank)
        counts = severity_counts(finding.severity for finding in findings)
        evidence = f", {first.evidence.value}" if first.evidence else ""
        self.console.print(
            Text.assemble(
                (code, f"bold {SEVERITY_COLOURS[first.severity]}"),
                f" {first.name} ",
                (f"({counts}{evidence})", "dim"),
            )
        )
        messages = (finding.message for finding in findings)
        said = paragraph(self.rules.get(code), self.model.analysis, findings, messages)
        if said:
            self.console.print(Padding(Text(escaped_lines(said)), (0, 0, 0, 2)))
        by_place: dict[tuple[str, str], list[Finding]] = {}
        for finding in findings:
            by_place.setdefault((self._place(finding), finding.detail), []).append(finding)
        for (place, detail), there in by_place.items():
            if said:
                self._names(place, detail, there)
            else:
                self._messages(place, there)

    def _place(self, finding: Finding) -> str:
        if finding.source is None:
            return ""
        return one_line(place_text(finding.source, self.lines.calling_line(finding)))

    def _messages(self, place: str, findings: Sequence[Finding]) -> None:
        for finding in findings:
            message = escaped_lines(finding.message)
            text = Text.assemble((one_line(finding.title), "bold"), f": {message}")
            if place:
                text.append(f" ({place})", "cyan")
            self.console.print(Padding(text, (0, 0, 0, 2)))

    def _names(self, place: str, detail: str, findings: Sequence[Finding]) -> None:
        names = list(dict.fromkeys(finding.title for finding in findings))
        text = Text(f"{place}  " if place else "", "cyan")
        listed = first_few(names, len(names) if self.verbose else _NAMES)
        text.append(one_line(listed), "default")
        if detail:
            text.append(f"{': ' if listed else ''}{one_line(detail)}", "default")
        self.console.print(Padding(text, (0, 0, 0, 2)))
