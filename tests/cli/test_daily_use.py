"""A team's life with rflint, by the installed program: adopting it, changing, moving on."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from rflint.report.reporters import FORMATS
from tests.helpers.aged_files import aged
from tests.helpers.forked import Forked
from tests.helpers.program import Ran, plain_environment, rflint, write
from tests.helpers.small_project import CONFIGURATION, SOUND, TOO_DEEP, WIDE, model

TOLD_BY_FORWARD = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        deep = (nn.Conv2d(8, 8, 3, padding=1) for _ in range(6))
        super().__init__(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2), *deep)
        self.append(nn.AdaptiveAvgPool2d(1)).append(nn.Flatten()).append(nn.Linear(8, 10))

    def forward(self, x):
        print("forward")
        return super().forward(x)
"""


def test_a_team_adopts_rflint(forked: Forked, tmp_path: Path) -> None:
    """Baseline, a bad layer, a reason, a repair: each step ends as it should."""

    def run(*options: str) -> Ran:
        return forked.rflint("--format", "concise", *options, cwd=tmp_path)

    write(tmp_path, {"pyproject.toml": CONFIGURATION, "model.py": model(WIDE, WIDE, SOUND)})
    missing = run()
    assert missing.status == 2
    assert "no baseline" in missing.err
    assert "--write-baseline" in missing.err

    adopted = run("--write-baseline")
    assert (adopted.status, adopted.out) == (0, "")
    assert adopted.err == "rflint: wrote 1 finding to rflint-baseline.json\n"
    assert run() == Ran(0, "", "")

    # lines above do not matter, nor do layers in front of it
    text = model(SOUND, WIDE, WIDE, SOUND)
    write(tmp_path, {"model.py": '"""Our model."""\n\nimport os\n' + text})
    assert run().status == 0

    write(tmp_path, {"model.py": model(WIDE, WIDE, SOUND, TOO_DEEP)})
    worse = run()
    assert worse.status == 1
    assert [line.split(": ")[:2] for line in worse.out.splitlines()] == [
        ["model.py:10", "RF101 4"],
    ]

    answered = TOO_DEEP.replace("#", "# rflint: ignore[RF101] wanted for its capacity;")
    write(tmp_path, {"model.py": model(WIDE, WIDE, SOUND, answered)})
    assert run() == Ran(0, "", "")
    whole = forked.rflint("--format", "json", cwd=tmp_path).report
    (suppressed,) = whole["models"][0]["suppressed"]
    assert suppressed["reason"] == "wanted for its capacity; the second of its kind"
    assert whole["baseline"]["accepted"] == 1

    write(tmp_path, {"model.py": model(SOUND, answered)})
    repaired = run()
    assert repaired.status == 1
    assert "model.py:8: RF900" in repaired.out
    assert "no longer found, though rflint-baseline.json holds it: RF101 3" in repaired.err

    write(tmp_path, {"model.py": model(SOUND, SOUND)})
    assert run("--write-baseline").status == 0
    assert run() == Ran(0, "", "")


def test_limits_are_kept_whatever_the_findings(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"model.py": model(WIDE, WIDE, SOUND)})
    lint = ("model:build", "--res", "16", "--fail-on", "never")
    assert forked.rflint(*lint, cwd=tmp_path).status == 0
    assert forked.rflint(*lint, "--max-unproductive", "1", cwd=tmp_path).status == 0
    for limit in ("--max-unproductive=0", "--max-macs=100k", "--max-params=1k"):
        ran = forked.rflint(*lint, limit, "--ignore", "ALL", "-q", cwd=tmp_path)
        assert ran.status == 1, limit
        assert limit[2:].split("=")[0] in ran.out
    text = forked.rflint(*lint, "--max-macs", "1k", cwd=tmp_path).out
    assert "max-macs exceeded" in text
    assert "Found 1 warning, 1 limit exceeded." in text


def test_several_formats_in_one_run(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"model.py": model(WIDE, WIDE, SOUND)})
    lint = ("model:build", "--res", "16")
    ran = forked.rflint(*lint, "--format", "github", "--format", "sarif:a.sarif", cwd=tmp_path)
    assert ran.status == 1
    assert ran.out.startswith("::warning file=model.py,line=9,")
    assert json.loads((tmp_path / "a.sarif").read_text())["version"] == "2.1.0"

    with_text = forked.rflint(*lint, "--format", "junit:a.xml", cwd=tmp_path)
    assert "Found 1 warning." in with_text.out, "files are for programs"
    assert (tmp_path / "a.xml").exists()
    assert forked.rflint(*lint, "--format", "json:b.json", "-q", cwd=tmp_path).out == ""

    both = forked.rflint(*lint, "--format", "github", "--format", "json", cwd=tmp_path)
    assert both.status == 2
    assert "github and json cannot both be printed" in both.err
    wrong = forked.rflint(*lint, "--format", "sarf:a", cwd=tmp_path)
    assert wrong.status == 2
    assert "Did you mean sarif?" in wrong.err


@pytest.mark.parametrize("form", FORMATS)
def test_two_runs_write_the_same_bytes(forked: Forked, tmp_path: Path, form: str) -> None:
    """With and without the cache."""
    write(tmp_path, {"model.py": model(WIDE, WIDE, SOUND)})
    lint = ("model:build", "--res", "16,32", "--format", form, "--max-macs", "1")
    runs = [forked.rflint(*lint, *more, cwd=tmp_path) for more in (("--no-cache",), (), ())]
    assert runs[0].status == 1
    assert runs[0].out
    assert runs[0] == runs[1] == runs[2]


def test_statistics_and_quiet(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"model.py": model(WIDE, WIDE, SOUND, SOUND)})
    lint = ("model:build", "--res", "16")
    assert (
        forked.rflint(*lint, "--statistics", cwd=tmp_path).out == "2  RF101  unproductive-layer\n"
    )
    quiet = forked.rflint(*lint, "-q", cwd=tmp_path)
    assert [line.split(": ")[0] for line in quiet.out.splitlines()] == ["model.py:9", "model.py:10"]


def test_only_formats_that_tell_of_repairs_wait_for_them(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"net.py": TOLD_BY_FORWARD})

    def passes(*options: str) -> int:
        ran = forked.rflint("net.py:Net", "--res", "8", "--no-cache", *options, cwd=tmp_path)
        assert ran.status == 1
        return ran.err.count("forward")

    few = passes("--quiet")
    assert {passes("--format", x) for x in ("concise", "sarif", "github", "junit")} == {few}
    assert passes("--statistics") == few
    assert passes() == passes("--format", "json") == passes("--format", "markdown") > few


def test_the_cache_answers_with_repairs_whoever_shows_them(forked: Forked, tmp_path: Path) -> None:
    """What was saved without them serves no report that shows them, however that may be asked."""
    aged(tmp_path, {"net.py": TOLD_BY_FORWARD.replace("print", "str")})

    def run(form: str, *options: str) -> Ran:
        arguments = ("net.py:Net", "--res", "8", "--format", form, "--verbose", *options)
        return forked.rflint(*arguments, cwd=tmp_path)

    def is_answered(form: str) -> bool:
        ran, anew = run(form), run(form, "--no-cache")
        assert (ran.status, ran.out) == (anew.status, anew.out) == (1, anew.out)
        return "answered by the cache" in ran.err

    assert [is_answered(form) for form in ("sarif", "concise", "json", "text")] == [
        *(False, True),
        *(False, True),
    ]
    assert run("json").report["models"][0]["repairs"]
    assert forked.rflint("clean", cwd=tmp_path).status == 0
    assert [is_answered(form) for form in ("json", "sarif", "concise")] == [False, True, True]
    aged(tmp_path, {"net.py": TOLD_BY_FORWARD.replace("print", "repr")})
    assert "linted anew: net.py" in run("sarif").err


def test_from_a_folder_below_the_configuration(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": CONFIGURATION, "model.py": model(WIDE, WIDE, SOUND)})
    below = tmp_path / "scripts"
    below.mkdir()
    assert forked.rflint("--write-baseline", cwd=below).status == 0
    assert (tmp_path / "rflint-baseline.json").exists()
    assert forked.rflint(cwd=below).status == 0
    assert not (below / ".rflint_cache").exists()


def test_files_are_shown_without_torch(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pyproject.toml": CONFIGURATION.replace("16", "[16, 32]"),
            "model.py": "from blocks.wide import build\nimport os, torch\n",
            "blocks/__init__.py": "",
            "blocks/wide.py": "from . import parts\nfrom .parts import *\nimport json\n",
            "blocks/parts.py": model(WIDE),
            "unrelated.py": "",
        },
    )
    ran = rflint("--show-files", cwd=tmp_path)
    files = "".join(
        f"  {name}\n"
        for name in ("blocks/__init__.py", "blocks/parts.py", "blocks/wide.py", "model.py")
    )
    assert ran == Ran(0, f"model:build at 16\n{files}model:build at 32\n{files}", "")


def test_changed_files_decide_what_is_linted(forked: Forked, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "good.py": model(SOUND),
            "bad.py": "import importlib\nbuild = importlib.import_module('wide').build\n",
            "wide.py": model(WIDE, WIDE, SOUND),
            "other.py": "",
        },
    )
    lint = ("--when-changed", "bad:build", "good:build", "--res", "16", "-q")
    assert forked.rflint(*lint, "good.py", cwd=tmp_path).status == 1, "bad may import anything"
    assert forked.rflint(*lint, "README.md", cwd=tmp_path) == Ran(0, "", "")
    # now the cache knows what it imported
    assert forked.rflint(*lint, "good.py", "other.py", cwd=tmp_path).status == 0
    assert forked.rflint(*lint, "wide.py", cwd=tmp_path).status == 1
    assert "no model depends" in forked.rflint(*lint, "-v", "other.py", cwd=tmp_path).err


# -- on a terminal


def test_progress_is_shown_to_a_person_who_waits(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "slow.py": "from torch import nn\n\ndef build(n):\n    return nn.Conv2d(3, n, 3)\n",
            "rflint.toml": "".join(
                f'[[models]]\nname = "m{n}"\ntarget = "slow:build"\nres = 8\nargs = {{ n = {n} }}\n'
                for n in (1, 2, 3)
            ),
        },
    )
    impatient = "from rflint.cli import main, messages; messages._PATIENCE = -1; main()"
    program = (sys.executable, "-c", impatient)
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    done = subprocess.run(
        [*program, "--no-cache"],
        cwd=tmp_path,
        env=plain_environment() | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=child,
        check=False,
    )
    os.close(child)
    shown = os.read(parent, 100_000).decode()
    os.close(parent)
    assert done.returncode == 0
    assert "3 of 3: m3" in shown
    assert rflint("--no-cache", cwd=tmp_path, program=program).err == "", "and not in a pipe"


def test_torch_is_not_imported_to_say_what_would_be_done(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": CONFIGURATION, "model.py": model(WIDE)})
    program = (
        "import sys; from rflint.cli import main\n"
        "try: main()\nfinally: print('torch' in sys.modules)"
    )
    for arguments in (("--show-files",), ("clean",), ("rule", "RF900"), ("--when-changed", "x.py")):
        ran = rflint(*arguments, cwd=tmp_path, program=(sys.executable, "-c", program))
        assert ran.out.splitlines()[-1] == "False", arguments


# -- what people do all the same


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("model:build", "--output", "model.py"), "model.py would be overwritten by a report"),
        (
            ("model:build", "--format", "json:a", "--format", "sarif:a"),
            "two reports cannot both be a",
        ),
        (
            ("model:build", "--format", "json", "--output", "a", "--format", "sarif:a"),
            "two reports cannot both be a",
        ),
        (("--isolated", "--config", "pyproject.toml"), "--isolated takes no configuration"),
        (("--watch", "--write-baseline"), "not with --write-baseline"),
        (("rules",), "Did you mean rflint rule?"),
        (("biuld",), "'biuld' names no model"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    forked: Forked, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    files = {"pyproject.toml": "[tool.rflint]\n", "model.py": model(WIDE)}
    write(tmp_path, files)
    ran = forked.rflint(*arguments, cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert all((tmp_path / name).read_text() == text for name, text in files.items())


def test_models_are_told_apart_by_their_names(forked: Forked, tmp_path: Path) -> None:
    """Given ones, which are targets too; or else by what tells them apart."""
    configuration = """
        res = 16
        [[models]]
        target = "nets:build"
        args = { n = 1 }
        [[models]]
        target = "nets:build"
        args = { n = 2 }
        [[models]]
        name = "large"
        target = "nets:build"
        input = "1x3x24x24"
        args = { n = 9 }
    """
    build = "from torch import nn\n\ndef build(n):\n    return nn.Conv2d(3, n, 3)\n"
    write(tmp_path, {"rflint.toml": configuration, "nets.py": build})
    models = forked.rflint("--format", "json", cwd=tmp_path).report["models"]
    assert [(x["name"], x["inputs"][0][2:]) for x in models] == [
        ("nets:build (n=1)", [16, 16]),
        ("nets:build (n=2)", [16, 16]),
        ("large", [24, 24]),
    ]
    (one,) = forked.rflint("large", "--format", "json", cwd=tmp_path).report["models"]
    assert one["target"] == "nets:build"
    sized = forked.rflint("large", "--res", "20", "--format", "json", cwd=tmp_path).report["models"]
    assert [x["inputs"][0][2:] for x in sized] == [[20, 20]]
    small = ("--input", "1x3x12x12", "--format", "json")
    again = forked.rflint(*small, cwd=tmp_path).report["models"]
    assert [x["inputs"][0][2:] for x in again] == [[12, 12]] * 3

    write(tmp_path, {"rflint.toml": configuration.replace("args = { n = 2 }", 'name = "large"')})
    twice = forked.rflint(cwd=tmp_path)
    assert twice.status == 2
    assert "another model is called 'large' already" in twice.err


def test_a_file_that_no_run_has_seen_may_be_what_a_model_reads(
    forked: Forked, tmp_path: Path
) -> None:
    """In a fresh clone nobody knows; after one run, it is known."""
    read = "import json\nfrom layers import build as layers\n\ndef build():\n"
    read += "    json.load(open('net.json'))\n    return layers()\n"
    files = {"net.py": read, "layers.py": model(WIDE, WIDE, SOUND), "net.json": "{}"}
    write(tmp_path, files | {"other.json": ""})
    lint = ("--when-changed", "net:build", "--res", "16", "-q")
    assert forked.rflint(*lint, "net.json", cwd=tmp_path).status == 1
    assert forked.rflint(*lint, "net.json", cwd=tmp_path).status == 1
    assert forked.rflint(*lint, "other.json", cwd=tmp_path).status == 0
