"""Sweep all models of torchvision and timm at three sizes, and write what each size comes to.

    python -m benchmarks.zoo_sizes LINES.jsonl [--res 64,128,224] [--every N]
                                    [--markdown docs/zoo.md]

It runs `rflint sweep zoo.space:candidates`, which goes on where it was ended, and writes the table
into the page as a section of its own.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from benchmarks.sections import with_section
from benchmarks.tables import as_markdown, show
from rflint.report.sweep.lines import is_error, read_lines

_HEADINGS = ("size", "models that run", "others", "sound", "median of unproductive layers", "rules")


def sweep(lines: Path, sizes: str, every: int) -> None:
    """Lint what has no line yet."""
    command = ["sweep", "zoo.space:candidates", "--res", sizes, "--output", str(lines)]
    options = ["--resume", "--omit", "layers", "--omit", "repairs", "--shard", f"1/{every}"]
    subprocess.run([sys.executable, "-m", "rflint", *command, *options], check=False)


def rows(lines: Path) -> list[list[str]]:
    """A row for each size."""
    errors: Counter[str] = Counter()
    unproductive: defaultdict[str, list[int]] = defaultdict(list)
    rules: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in read_lines(lines):
        size = line["res"] or ""
        if is_error(line):
            errors[size] += 1
            continue
        unproductive[size].append(line["totals"]["unproductive"])
        rules[size].update({x["code"] for x in line["findings"]})
    return [
        [
            size,
            f"{len(found):,}",
            f"{errors[size]:,}",
            f"{sum(not x for x in found):,}",
            f"{statistics.median(found):g}",
            _most(rules[size]),
        ]
        for size, found in sorted(unproductive.items(), key=lambda x: int(x[0].split("x")[0]))
    ]


def _most(counts: Counter[str]) -> str:
    return ", ".join(f"{code} in {count:,}" for code, count in counts.most_common(5))


def main() -> None:
    """Sweep, print the table, and write it into a page."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", type=Path)
    parser.add_argument("--res", default="64,128,224")
    parser.add_argument("--every", type=int, default=1, help="only one model out of so many")
    parser.add_argument("--markdown", type=Path, help="the page that has the section")
    options: Any = parser.parse_args()
    sweep(options.lines, options.res, options.every)
    found = rows(options.lines)
    show(_HEADINGS, found, markdown=False)
    if options.markdown:
        text = f"## At other sizes\n\n{as_markdown(_HEADINGS, found)}\n"
        page = options.markdown.read_text()
        options.markdown.write_text(with_section(page, "sizes", text))


if __name__ == "__main__":
    main()
