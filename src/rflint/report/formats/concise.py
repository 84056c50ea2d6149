"""One line for each problem, `path:line: CODE layer: message`, as editors and grep like it.

Targets that could not be analysed are no problems in a file; the command line tells of them on
stderr, whatever the format.
"""

from __future__ import annotations

from typing import TextIO

from rflint.report.problems import Problem, problems
from rflint.report.report import Report
from rflint.text.escape import one_line


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write a line for each problem, and nothing where there is none."""
    stream.writelines(f"{one_line(_line(problem))}\n" for problem in problems(report))


def _line(problem: Problem) -> str:
    place = problem.place or problem.model.title
    return f"{place}: {problem.code} {problem.text}"
