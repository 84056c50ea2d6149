"""What the cache saves: ten models of torchvision, linted again when nothing has changed.

    python -m benchmarks.cache [--runs 7] [--markdown]

Whole processes, as a shell would start them, in wall seconds; runs of all kinds take turns, so that
a busy machine weighs on them alike. The last two columns are medians of the ratios in each turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.tables import show

ROOT = Path(__file__).resolve().parents[1]
MODELS = (
    "resnet18",
    "resnet50",
    "resnet152",
    "vgg16",
    "densenet121",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "regnet_y_400mf",
    "convnext_tiny",
    "vit_b_16",
)
_PROJECT = """
from zoo.torchvision_import import import_torchvision

import_torchvision()
from torchvision.models import {names}
"""
_MODEL = """
[[models]]
target = "models:{name}"
res = 224
"""
BARE = "import torch"
BACK = "ten models, back on a branch"
WITHOUT = "ten models, --no-cache"
CASES = {
    BACK: ["-m", "rflint"],
    "ten models, nothing has changed": ["-m", "rflint"],
    "ten models, nothing in the cache": ["-m", "rflint"],
    WITHOUT: ["-m", "rflint", "--no-cache"],
}


def seconds(arguments: list[str], folder: Path) -> float:
    """Wall seconds of one process. Findings are no failure here."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    spent = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr)
    return spent


def _visit_another_branch(folder: Path) -> None:
    """Lint another state of the sources, and leave them as they were."""
    models = folder / "models.py"
    here = models.read_text()
    for text in (f"{here}\nANOTHER = 1\n", here):
        models.write_text(text)
        moment = time.time() - 10  # what has only just changed is not cached
        os.utime(models, (moment, moment))
        if text != here:
            seconds(["-m", "rflint"], folder)


def main() -> None:
    """Measure every case in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    turns: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models.py").write_text(_PROJECT.format(names=", ".join(MODELS)))
        (folder / "rflint.toml").write_text("".join(_MODEL.format(name=x) for x in MODELS))
        time.sleep(2)  # what has only just changed is not cached
        for _ in range(options.runs):
            turn = {BARE: seconds(["-c", BARE], folder)}
            seconds(["-m", "rflint", "clean"], folder)
            for case in reversed(CASES):  # what one of them finds out, those above it use
                if case == BACK:
                    _visit_another_branch(folder)
                turn[case] = seconds(CASES[case], folder)
            turns.append(turn)
    rows = []
    for case in (BARE, *CASES):
        median = statistics.median(turn[case] for turn in turns)
        ratio = statistics.median(turn[case] / turn[BARE] for turn in turns)
        to_none = statistics.median(turn[case] / turn[WITHOUT] for turn in turns)
        rows.append((case, f"{median:.2f} s", f"{ratio:.2f}", f"{to_none:.2f}"))
    headings = ("whole process", "time", "import torch = 1", "--no-cache = 1")
    show(headings, rows, markdown=options.markdown)


if __name__ == "__main__":
    main()
