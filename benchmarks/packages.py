"""Lint models of packages other than torchvision and timm, each by the command that one would type.

    python -m benchmarks.packages [--match PATTERN] [--timeout SECONDS]
                                  [--json FILE [--resume]] [--markdown docs/zoo.md]

Every command runs in a process and an empty folder of its own, one after another. A line tells how
each went; --markdown writes the table between the markers of that page. The commands are in
zoo/package_commands.py. A package that is not installed is listed as such.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.metadata
import json
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.sections import with_section
from zoo.package_commands import COMMANDS

SECTION = "packages"
"""The markers of the table in the page."""

_LAUNCH = """
import runpy
from zoo.torchvision_import import import_torchvision
try:
    import_torchvision()  # several packages import it, and beside a CPU torch it needs help
except ImportError:
    pass
runpy.run_module("rflint", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A command, and what came of it."""

    package: str
    command: str
    seconds: float = 0.0
    complete: bool = False
    convs: int = 0
    unproductive: int = 0
    codes: dict[str, int] | None = None
    """Findings by rule; None where there is no report."""
    why: str = ""
    """Why there is no report, or why it is incomplete."""
    crashed: bool = False
    """Whether rflint itself failed, and not what it was told to lint."""

    @property
    def analysed(self) -> bool:
        """Whether there is a report."""
        return self.codes is not None


def run(package: str, command: str, timeout: float) -> Run:
    """Run one command. Its report is read as JSON; what it says on the way is only for errors."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        words = [*shlex.split(command)[1:], "--no-cache"]
        words += ["--format", "text", "--format", f"json:{report}"]
        launch = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(_HERE)!r})"]
        launch[-1] += _LAUNCH
        try:
            done = subprocess.run(
                [*launch, *words], cwd=folder, capture_output=True, text=True, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            return Run(package, command, timeout, why=f"not done after {timeout:.0f} s")
        seconds = time.monotonic() - begun
        if not report.is_file():
            lines = done.stderr.strip().splitlines()
            why = _portable(lines[-1] if lines else f"ended with {done.returncode}")
            crashed = done.returncode != 2 or "rflint itself failed" in done.stderr
            return Run(package, command, seconds, why=why, crashed=crashed)
        told = json.loads(report.read_text())
    return _outcome(package, command, seconds, told)


_HERE = Path(__file__).resolve().parents[1]


def _outcome(package: str, command: str, seconds: float, told: dict[str, Any]) -> Run:
    if told["errors"]:
        error = told["errors"][0]
        crashed = error["kind"] == "internal"
        return Run(package, command, seconds, why=_portable(error["message"]), crashed=crashed)
    (model,) = told["models"]
    return Run(
        package,
        command,
        seconds,
        complete=model["complete"],
        convs=model["totals"]["convs"],
        unproductive=model["totals"]["unproductive"],
        codes=dict(sorted(Counter(x["code"] for x in model["findings"]).items())),
        why="" if model["complete"] else _incomplete(model),
    )


def _incomplete(model: dict[str, Any]) -> str:
    """The findings that say what was not judged, each once."""
    said = [x["message"] for x in model["findings"] if x["code"] in ("RF901", "RF902")]
    return _portable("; ".join(dict.fromkeys(said)))


def _portable(message: str) -> str:
    """On one line, without the parts of paths that differ between machines."""
    text = " ".join(message.split())
    for folder in sorted(filter(None, sys.path), key=len, reverse=True):
        text = text.replace(f"{folder}/", "")
    return re.sub(r"\S*/(?:site-packages|dist-packages)/", "", text)


def analysed_before(path: Path) -> dict[str, Run]:
    """The runs in a file of --json that gave a report, by command."""
    told = json.loads(path.read_text()) if path.is_file() else []
    return {x["command"]: Run(**x) for x in told if x["codes"] is not None}


def document(runs: Sequence[Run], asked: str) -> str:
    """The section of the page, without its markers."""
    installed = {x: _version(x) for x in dict.fromkeys(y.package for y in runs)}
    analysed = [x for x in runs if x.analysed]
    crashed = sum(x.crashed for x in runs)
    versions = ", ".join(f"{name} {version}" for name, version in installed.items())
    lines = [
        "## Models of other packages",
        "",
        f"{len(runs)} models of {len(installed)} packages, each by one command, in a process of "
        f"its own: {len(analysed)} are analysed, {sum(x.complete for x in runs)} of them "
        f"completely; on {crashed} rflint itself failed. This part is written by",
        "",
        "```console",
        asked,
        "```",
        "",
        f"with Python {platform.python_version()}, torch {_version('torch')}, {versions}.",
        "",
        "Shell quotes around brackets are left out.",
        "",
        "| command | complete | unproductive | findings | why not |",
        "| --- | --- | --- | --- | --- |",
        *(_row(x) for x in runs),
    ]
    return "\n".join(lines)


def _row(run: Run) -> str:
    if run.codes is None:
        cells = ["failed", "", ""]
    else:
        found = ", ".join(f"{code} x {count}" for code, count in run.codes.items())
        share = f"{run.unproductive} of {run.convs}"
        cells = ["yes" if run.complete else "no", share, found]
    return "| " + " | ".join([f"`{run.command}`", *cells, run.why.replace("|", "\\|")]) + " |"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def main() -> None:
    """Run the commands, tell how each went, and write what was asked for."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--match", default="*", help="only commands like this: '*monai*'")
    parser.add_argument("--timeout", type=float, default=180, help="seconds a command (180)")
    parser.add_argument("--markdown", type=Path, help="write the table into this page")
    parser.add_argument("--json", type=Path, help="write everything about every command here")
    parser.add_argument("--resume", action="store_true", help="keep the reports that --json has")
    options = parser.parse_args()
    known = analysed_before(options.json) if options.resume and options.json else {}
    chosen = [
        (package, command)
        for package, commands in COMMANDS.items()
        for command in commands
        if fnmatch.fnmatchcase(f"{package} {command}", options.match)
    ]
    runs = []
    for package, command in chosen:
        found = known.get(command) or run(package, command, options.timeout)
        runs.append(found)
        state = "complete" if found.complete else "incomplete" if found.analysed else "FAILED"
        print(f"{len(runs):>3}/{len(chosen)} {found.seconds:5.1f} s {state:10} {command}")
        if found.why:
            print(f"      {found.why}", flush=True)
        known[command] = found
        if options.json:
            entries = [asdict(x) for x in known.values()]
            options.json.write_text(json.dumps(entries, indent=1) + "\n")
    if options.markdown:
        asked = f"python -m benchmarks.packages --markdown {options.markdown}"
        page = options.markdown.read_text()
        options.markdown.write_text(with_section(page, SECTION, document(runs, asked)))


if __name__ == "__main__":
    main()
