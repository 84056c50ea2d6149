"""What measuring a trained model costs beside running it.

    python -m benchmarks.measure [--runs 3] [--markdown] [--write]

Every model is built with random weights and run on random images, by fresh processes: one that only
runs it, and one that measures it. Ratios are those of passes over the same samples in one process;
memory is the peak of the measuring process above that of the other. All of it runs on one thread;
medians are reported.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.sections import with_section
from benchmarks.tables import as_markdown, show

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "measure.md"
MARKER = "cost of measuring"
HEADINGS = (
    "",
    "samples",
    "a pass with saturation, a plain pass = 1",
    "eigendirections, once",
    "a probe: median, largest",
    "covariances",
    "memory with saturation",
    "memory with probes",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A model at an input size, on so many samples."""

    target: str
    size: int
    samples: int
    batch: int


CASES = {
    "ResNet-18 of the paper, 32 px": Case("zoo.paper.resnet:resnet18", 32, 128, 64),
    "ResNet-50, 224 px": Case("torchvision.models:resnet50", 224, 16, 16),
    "VGG-16, 224 px": Case("torchvision.models:vgg16", 224, 16, 16),
    "ConvNeXt-T, 224 px": Case("torchvision.models:convnext_tiny", 224, 16, 16),
    "ViT-B/16, 224 px": Case("torchvision.models:vit_b_16", 224, 16, 16),
}
CLASSES = 4


def in_child(name: str, what: str) -> dict[str, Any]:
    """What a fresh process measures."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", "--child", name, what],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        # threads that wait for each other say little on a machine that does other things, too
        env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def child(name: str, what: str) -> dict[str, Any]:
    """Run a model on samples (`plain`), or measure it too."""
    import torch
    from torch.utils.data import TensorDataset

    from rflint import lint
    from rflint.graph.layer import Kind
    from rflint.measurement.running import logistic, probes
    from rflint.measurement.running.data.split import split_of
    from rflint.measurement.running.measure import MeasuringOptions, measure_model
    from rflint.measurement.running.progress import Progress
    from zoo.torchvision_import import import_torchvision

    import_torchvision()
    case = CASES[name]
    module, attribute = case.target.split(":")
    torch.manual_seed(0)
    model = getattr(__import__(module, fromlist=["_"]), attribute)().eval()
    analysis = lint(model, case.size).models[0].analysis
    images = torch.randn(case.samples, 3, case.size, case.size)
    labels = torch.arange(case.samples) % CLASSES
    split = split_of(TensorDataset(images, labels), case.samples, case.batch, 0)

    def plain() -> float:
        begun = time.perf_counter()
        with torch.no_grad():
            for given, _ in split:
                model(given)
        return time.perf_counter() - begun

    plain()  # what is allocated once is allocated here
    passed = plain()
    if what == "plain":
        return {"peak": _peak()}
    begun: dict[str, float] = {}
    peaks: dict[str, int] = {}
    fits: list[float] = []
    fit = logistic.fit

    def timed(*given: Any) -> Any:
        start = time.perf_counter()
        fitted = fit(*given)
        fits.append(time.perf_counter() - start)
        return fitted

    class Noting(Progress):
        """Notes when steps begin."""

        def begins(self, step: str, number: int) -> None:
            begun[step], peaks[step] = time.perf_counter(), _peak()

    with patch.object(probes, "fit", timed):
        found = measure_model(
            model, analysis, split, split, MeasuringOptions(device="cpu"), progress=Noting()
        )
    keys = {x.key for x in found.layers}
    channels = [
        x.out_shape[-1 if x.kind is Kind.LINEAR else 1]
        for x in analysis.layers
        if x.is_module and (x.name, x.call) in keys
    ]
    return {
        "peak": _peak(),
        "saturation_peak": peaks["accuracy"],
        "plain": passed,
        "saturation": begun["eigendirections"] - begun["saturation"],
        "eigendirections": begun["accuracy"] - begun["eigendirections"],
        "fits": fits,
        "covariances": 8 * sum(number**2 for number in channels),
    }


def _peak() -> int:
    """The peak of this process's memory, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(name: str, runs: int) -> Sequence[str]:
    """The row of a model."""
    ratios, directions, saturated, probed, fits = [], [], [], [], []
    for _ in range(runs):
        bare, found = in_child(name, "plain"), in_child(name, "measure")
        ratios.append(found["saturation"] / found["plain"])
        directions.append(found["eigendirections"])
        saturated.append(found["saturation_peak"] - bare["peak"])
        probed.append(found["peak"] - bare["peak"])
        fits.append(found["fits"])
    medians = statistics.median(statistics.median(one) for one in fits)
    largest = statistics.median(max(one) for one in fits)
    return (
        name,
        str(CASES[name].samples),
        f"{statistics.median(ratios):.1f}",
        f"{statistics.median(directions):.1f} s",
        f"{medians:.2f} s, {largest:.2f} s",
        _megabytes(found["covariances"]),
        _megabytes(statistics.median(saturated)),
        _megabytes(statistics.median(probed)),
    )


def _megabytes(number: float) -> str:
    return f"{max(number, 0) / 1e6:,.0f} MB"


def main() -> None:
    """Measure every model and print a table, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--write", action="store_true", help="into docs/measure.md")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(*options.child)))
        return
    rows = []
    for name in CASES:
        rows.append(measured(name, options.runs))
        print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    show(HEADINGS, rows, markdown=options.markdown)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        written = with_section(page, MARKER, as_markdown(HEADINGS, rows))
        PAGE.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
