"""How many findings there are of each rule: for --statistics, in place of the report."""

from __future__ import annotations

from collections import Counter
from typing import TextIO

from rflint.report.problems import problems
from rflint.report.report import Report


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """One line a rule (or limit), most findings first."""
    counts = Counter((x.code, x.name) for x in problems(report))
    width = len(str(max(counts.values(), default=0)))
    for (code, name), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        stream.write(f"{count:{width}}  {code}  {name}\n")
