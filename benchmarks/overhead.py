"""What linting costs beyond `import torch`, cold, in seconds and in peak memory.

    python -m benchmarks.overhead [--runs 7] [--markdown]

Every figure comes from fresh processes. Such a process imports torch and torchvision, then lints;
the seconds are those of the command line alone, from its first import to its last line of output.
Peak memory is that of the whole process, as a ratio to a process that only imports, in pairs of
runs that follow each other. Medians are reported; machines are noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.tables import show

ROOT = Path(__file__).resolve().parents[1]

_IMPORTS = """
import json, resource, sys, time
sys.path.insert(0, {root!r})
import torch
from zoo.torchvision_import import import_torchvision
torchvision = import_torchvision()
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
# stdout belongs to the report that was just printed
print(json.dumps({{"seconds": seconds, "peak": peak}}), file=sys.stderr)
"""

_LINT = """
import contextlib, os
from rflint.cli import lint
with contextlib.redirect_stdout(open(os.devnull, "w")), contextlib.suppress(SystemExit):
    lint.main([{target!r}, "--res", "{res}", "--no-cache"], standalone_mode=False)
"""

CASES = {
    "ResNet-18, 224 px": ("torchvision.models:resnet18", 224),
    "ResNet-50, 224 px": ("torchvision.models:resnet50", 224),
    "ResNet-152, 224 px": ("torchvision.models:resnet152", 224),
    "ResNet-18, 32 px, with repairs": ("torchvision.models:resnet18", 32),
    "ResNet-50, 32 px, with repairs": ("torchvision.models:resnet50", 32),
    "ResNet-152, 32 px, with repairs": ("torchvision.models:resnet152", 32),
    "10^10 parameters, 224 px": ("benchmarks.models:huge", 224),
}


def run(work: str) -> dict[str, float]:
    """One fresh process."""
    code = _IMPORTS.format(root=str(ROOT), work=work)
    # an installation has its bytecode: the first run writes it, whatever the environment says
    there = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=there,
    )
    measured: dict[str, float] = json.loads(done.stderr.splitlines()[-1])
    return measured


def program_seconds(arguments: list[str]) -> float:
    """Wall seconds of the program as a whole, for commands that should not import torch."""
    code = (
        "import subprocess, sys, time; start = time.perf_counter(); "
        f"subprocess.run([sys.executable, '-m', 'rflint', *{arguments!r}], "
        "stdout=subprocess.DEVNULL, check=True); print(time.perf_counter() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Measure every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    rows: list[tuple[str, str, str]] = []
    run("pass")  # fill the file cache
    for name, (target, res) in CASES.items():
        seconds, ratios = [], []
        for _ in range(options.runs):
            bare = run("pass")
            linted = run(_LINT.format(target=target, res=res))
            seconds.append(linted["seconds"])
            ratios.append(linted["peak"] / bare["peak"])
        rows.append(
            (name, f"{statistics.median(seconds):.2f} s", f"{statistics.median(ratios):.2f}")
        )
    for arguments in (["--help"], ["--version"], ["rule"]):
        spent = statistics.median(program_seconds(arguments) for _ in range(options.runs))
        rows.append((f"rflint {arguments[0]}, whole process", f"{spent:.2f} s", ""))
    headings = ("", "time beyond the imports", "peak memory, import alone = 1")
    show(headings, rows, markdown=options.markdown)


if __name__ == "__main__":
    main()
