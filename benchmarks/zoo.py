"""Lint every model of torchvision and timm at its native input size.

    python -m benchmarks.zoo [--zoo torchvision,timm] [-j 2] [--match PATTERN] [--every N]
                             [--timeout SECONDS] [--markdown FILE] [--csv FILE] [--json FILE]

A line per model as it is done, then a summary. A model that cannot be analysed is a failure with
its message; the rest goes on. Times are processor seconds of one thread in a process that has
imported everything and linted before: what a model costs, not what a fresh command line costs (for
that see benchmarks/overhead.py).
"""

from __future__ import annotations

import argparse
import csv
import fnmatch
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.sections import section
from benchmarks.zoo_outcomes import Outcome, outcomes
from benchmarks.zoo_tables import COLUMNS, document, progress_line, row, summary_tables
from zoo.models import ZOOS, ZooModel, zoo_models


def chosen(zoos: Sequence[str], match: str, every: int) -> list[ZooModel]:
    """The models of these zoos whose name matches, and of those every n-th."""
    models = [model for zoo in zoos for model in zoo_models(zoo)]
    return [m for m in models if fnmatch.fnmatchcase(m.name, match)][::every]


def command(options: argparse.Namespace) -> str:
    """What to type for the same page, without what does not change it."""
    words = ["python -m benchmarks.zoo"]
    if options.zoo != ",".join(ZOOS):
        words.append(f"--zoo {options.zoo}")
    if options.match != "*":
        words.append(f"--match {shlex.quote(options.match)}")
    if options.every != 1:
        words.append(f"--every {options.every}")
    return " ".join([*words, f"--markdown {options.markdown}"])


def write_csv(path: Path, results: Sequence[Outcome]) -> None:
    """One line per model."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(row(outcome) for outcome in results)


def write_json(path: Path, results: Sequence[Outcome]) -> None:
    """One object per model."""
    path.write_text(json.dumps([outcome.to_dict() for outcome in results], indent=1) + "\n")


def write_page(path: Path, page: str) -> None:
    """Write the page, and keep what benchmarks/zoo_sizes.py and packages.py wrote into it."""
    before = path.read_text() if path.is_file() else ""
    kept = (section(before, name) for name in ("sizes", "packages"))
    path.write_text("\n".join([page, *(f"{text}\n" for text in kept if text)]))


def main() -> None:
    """Lint, tell how it goes, and write what was asked for."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", default=",".join(ZOOS), help="which, separated by commas")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--match", default="*", help="only names like this: 'resnet*'")
    parser.add_argument("--every", type=int, default=1, help="only every n-th model")
    parser.add_argument("--timeout", type=float, default=120, help="seconds a model (default 120)")
    parser.add_argument("--memory", type=float, default=6, help="GiB per model (default 6)")
    parser.add_argument("--markdown", type=Path, help="write the summary here")
    parser.add_argument("--csv", type=Path, help="write a line per model here")
    parser.add_argument("--json", type=Path, help="write everything about every model here")
    options = parser.parse_args()

    models = chosen(options.zoo.split(","), options.match, options.every)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    results: list[Outcome] = []
    for outcome in outcomes(
        models, jobs=options.jobs, timeout=options.timeout, memory=options.memory
    ):
        results.append(outcome)
        console.print(f"{len(results):>4}/{len(models)} {progress_line(outcome)}")
    order = {model: index for index, model in enumerate(models)}
    results.sort(key=lambda outcome: order[outcome.model])

    for table in summary_tables(results):
        console.print(table.rich())
    if options.csv:
        write_csv(options.csv, results)
    if options.json:
        write_json(options.json, results)
    if options.markdown:
        write_page(options.markdown, document(results, command(options)))


if __name__ == "__main__":
    main()
