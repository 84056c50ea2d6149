"""One line for each problem, `path:line: CODE layer: message`, as editors and grep like it.

A model that was measured has one more, `model: measured on ...`, which says what follows from that.

Targets that could not be analysed are no problems in a file; the command line tells of them on
stderr, whatever the format.
"""

from __future__ import annotations

from typing import TextIO

from rflint.report.measurements import measured_sentence
from rflint.report.problems import Problem, at_resolution, problems_by_model
from rflint.report.report import Report
from rflint.text.escape import one_line


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write a line for each problem and each measurement, and nothing where there is none."""
    for model, found in problems_by_model(report):
        stream.writelines(f"{one_line(_line(problem))}\n" for problem in found)
        if model.measured:
            sentence = measured_sentence(model.analysis, model.measured)
            told = f"{at_resolution(model)}: {sentence[:1].lower()}{sentence[1:]}"
            stream.write(f"{one_line(told)}\n")


def _line(problem: Problem) -> str:
    place = problem.place or problem.model.title
    return f"{place}: {problem.code} {problem.text}"
