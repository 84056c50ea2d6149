"""How long repairs take to be found, and whether those of the zoo work when they are made for real.

    python -m benchmarks.repairs [--runs 5]
    python -m benchmarks.repairs --zoo [--res 32,64,224] [--models torchvision/resnet18,...]

The first measures, in one process after a first round that is not counted, how long it takes to
rank all candidates of a model on its graph, to rank them and verify those that are shown, and how
long the whole of `rflint.lint` takes, without repairs and (`to_dict`) with all that can be done.

The second applies every repair that is shown for the sample of torchvision and timm in
zoo/sample.py, with real weights: the changed model must return what the original returns, keep the
weights and names of what it keeps, be reached by gradients everywhere, and the file that
`rflint fix` writes must give a model with the same figures in a process of its own. It ends with
status 1 if anything fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

import rflint
from rflint.analysis.analyse import analyse
from rflint.errors import RflintError
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.repair.repair import FoundRepairs
from rflint.repair.search import search
from rflint.repair.selection import verified_repairs
from rflint.repair.source_file import OriginalModel, source_file
from rflint.repair.verification import Verifier
from rflint.tracing.example_inputs.candidates import possible_inputs
from rflint.tracing.model.build import BuiltModel, build
from rflint.tracing.trace import trace
from rflint.usecases.repairs import repair_model
from zoo.models import ZooModel, all_models
from zoo.repaired import faults, random_inputs
from zoo.sample import SAMPLE
from zoo.torchvision_import import import_torchvision

ROOT = Path(__file__).resolve().parents[1]

MEASURED = (
    *(("resnet18", 32), ("resnet50", 32), ("densenet121", 32), ("densenet201", 32)),
    ("efficientnet_b0", 224),
)
"""Models of torchvision, and the sides of their inputs."""

_FRESH = """
import json, sys
sys.path[:0] = [{root!r}, {folder!r}]
from zoo.torchvision_import import import_torchvision
import_torchvision()
import rflint
found = []
for name in {names!r}:
    module = __import__(name)
    totals = rflint.lint(module.build, input={shapes!r}).models[0].analysis.totals
    found.append([totals.params, totals.macs, totals.unproductive])
print(json.dumps(found))
"""


def measure(runs: int) -> None:
    """Seconds of computing to rank, to rank and verify, to lint without repairs and with them."""
    table = Table(
        *("model", "candidates", "ranked in", "ranked and verified in", "shown"),
        *("linted in", "with its remedies in"),
    )
    models = import_torchvision().models
    for name, side in MEASURED:
        model = build(getattr(models, name), {}, name).model
        inputs = possible_inputs(model, (side,))[0]
        analysis = analyse(trace(model, inputs))
        ranking, whole, linting, remedying = [], [], [], []
        for _ in range(runs + 1):
            start = time.process_time()
            found = search(analysis)
            ranked = time.process_time()
            offered = verified_repairs(Verifier(model, inputs, analysis, train=False), found)
            ranking.append(ranked - start)
            whole.append(time.process_time() - start)
            start = time.process_time()
            report = rflint.lint(getattr(models, name), res=side)
            linting.append(time.process_time() - start)
            report.to_dict()
            remedying.append(time.process_time() - start)
        table.add_row(
            f"{name}, {side} px",
            str(len(found.candidates)),
            f"{statistics.median(ranking[1:]):.3f} s",
            f"{statistics.median(whole[1:]):.2f} s",
            str(len(offered.repairs)),
            f"{statistics.median(linting[1:]):.2f} s",
            f"{statistics.median(remedying[1:]):.2f} s",
        )
    Console().print(table)


def check_zoo(titles: Sequence[str], resolutions: Sequence[int]) -> int:
    """Make every repair of these models for real; the number of faults."""
    models = all_models()
    counts: Counter[str] = Counter()
    for title in titles:
        for side in resolutions:
            for outcome, fault in _checked(models[title], side):
                counts[outcome] += 1
                if fault:
                    print(f"{title} at {side}: {fault}", flush=True)
    for outcome, count in sorted(counts.items()):
        print(f"{count:5} {outcome}")
    return counts["faults"]


def _checked(model: ZooModel, side: int) -> Iterator[tuple[str, str]]:
    """What became of one model at one input size, and what is wrong with it."""
    shapes = [
        (*shape[: len(shape) - 2], side, side) if len(shape) > 3 else shape
        for shape in model.inputs
    ]
    try:
        built = build(model.builder, {}, model.title)
        analysed, found = repair_model(built, None, shapes, TracingOptions(), RuleOptions())
    except RflintError as error:
        yield f"models that do not run ({error.kind})", ""
        return
    if not analysed.analysis.unproductive:
        yield "models without unproductive layers", ""
        return
    yield "models with repairs" if found.repairs else "models without a repair", ""
    torch.manual_seed(0)
    original: nn.Module = model.builder()
    inputs = random_inputs(shapes, original)
    for repair in found.repairs:
        wrong = faults(original, repair.apply(original), inputs)
        yield "repairs", ""
        for fault in wrong:
            yield "faults", f"{repair.title}: {fault}"
    yield from _files(model, built, found, shapes)


def _files(
    model: ZooModel, built: BuiltModel, found: FoundRepairs, shapes: Sequence[tuple[int, ...]]
) -> Iterator[tuple[str, str]]:
    """The files that rflint fix would write, run by another Python."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, repair in enumerate(found.repairs):
            names.append(f"patched{number}")
            origin = OriginalModel("zoo.builders:build", {"title": model.title}, False)
            text = source_file(origin, repair, shapes, Path(folder))
            (Path(folder) / f"{names[-1]}.py").write_text(text, encoding="utf-8")
        if not names:
            return
        code = _FRESH.format(root=str(ROOT), folder=folder, names=names, shapes=list(shapes))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        if done.returncode:
            yield "faults", f"the files do not run: {done.stderr.strip().splitlines()[-1:]}"
            return
        figures = json.loads(done.stdout.splitlines()[-1])
        for repair, (params, macs, unproductive) in zip(found.repairs, figures, strict=True):
            after = repair.after
            if (after.params, after.macs, after.unproductive) == (params, macs, unproductive):
                yield "files", ""
            else:
                yield "faults", f"{repair.title}: the file gives {(params, macs, unproductive)}"


def main() -> None:
    """Measure, or check the zoo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--zoo", action="store_true")
    parser.add_argument("--res", default="32,64,224")
    parser.add_argument("--models", default=",".join(SAMPLE))
    options = parser.parse_args()
    if options.zoo:
        resolutions = [int(side) for side in options.res.split(",")]
        sys.exit(bool(check_zoo(options.models.split(","), resolutions)))
    measure(options.runs)


if __name__ == "__main__":
    main()
