"""What a sweep costs: models per second for one job and two, what each adds, and memory.

    python -m benchmarks.sweep [--models 1000] [--markdown]

The search space has small convolutional networks of 4 to 12 layers. `alone` is what building and
linting them takes in one process that does nothing else: what a sweep needs beyond that, for each
model, is the price of a process of its own. Memory is the largest resident set of the command, and
of any of its processes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.tables import show

SPACE = """
from torch import nn

def net(depth, width):
    layers = []
    for number in range(depth):
        layers += [nn.Conv2d(width if number else 3, width, 3, padding=1), nn.ReLU()]
        if number % 3 == 2:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))

def candidates():
    for number in range(NUMBER):
        depth, width = 4 + number % 9, 8 + number
        yield str(number), net, (depth, width)
"""
ALONE = """
import time
import rflint
from space import candidates
for name, builder, arguments in list(candidates())[:10]:
    rflint.lint(builder(*arguments), res=64).to_dict()
begun = time.perf_counter()
for name, builder, arguments in candidates():
    rflint.lint(lambda: builder(*arguments), res=64).to_dict()
print(time.perf_counter() - begun)
"""


def sweep(folder: Path, jobs: int) -> tuple[float, float, float]:
    """Wall seconds, seconds until the first line, and MiB of the largest process."""
    output = folder / f"{jobs}.jsonl"
    command = [sys.executable, "-m", "rflint", "sweep", "space:candidates", "--res", "64"]
    begun = time.perf_counter()
    running = subprocess.Popen(
        [*command, "--jobs", str(jobs), "--output", str(output), "--quiet"], cwd=folder
    )
    while not output.exists() or not output.stat().st_size:
        time.sleep(0.01)
    first = time.perf_counter() - begun
    running.wait()
    whole = time.perf_counter() - begun
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    if any("kind" in line for line in lines):
        raise RuntimeError("a model could not be linted")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return whole, first, largest


def alone(folder: Path) -> float:
    """Wall seconds of all models in one process, which has linted before."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=folder, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "space.py").write_text(SPACE.replace("NUMBER", str(options.models)))
        in_one = alone(folder)
        rows.append(["alone", f"{options.models / in_one:.1f}", "", "", ""])
        for jobs in (1, 2):
            whole, first, largest = sweep(folder, jobs)
            rate = (options.models - 1) / (whole - first)
            added = 1000 * (jobs / rate - in_one / options.models)
            cells = [f"{rate:.1f}", f"{added:.0f} ms", f"{first:.1f} s", f"{largest:.0f} MiB"]
            rows.append([f"--jobs {jobs}", *cells])
    columns = ["", "models a second", "added to each", "first line after", "largest process"]
    show(columns, rows, markdown=options.markdown)


if __name__ == "__main__":
    main()
