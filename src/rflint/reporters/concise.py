"""One line for each problem, `path:line: CODE layer: message`, as editors and grep like it.

Targets that could not be analysed are no problems in a file; the command line tells of them on
stderr, whatever the format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rflint.harmless import one_line
from rflint.report import Report
from rflint.reporters.places import Problem, problems
from rflint.rule import Rule


def write_concise(report: Report, rules: Sequence[Rule], stream: TextIO, verbose: bool) -> None:
    """Write a line for each problem, and nothing where there is none."""
    stream.writelines(f"{one_line(_line(problem))}\n" for problem in problems(report))


def _line(problem: Problem) -> str:
    place = problem.place or problem.model.title
    return f"{place}: {problem.finding.code} {problem.text}"
