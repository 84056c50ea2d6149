"""The program as it is run from a shell: what it prints where, and with which exit status.

Exit status 0: nothing found. 1: findings. 2: rflint could not do its job, and says what failed,
where in the user's code, and what to do. The report goes to stdout and everything else to stderr.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rflint as package
from tests.helpers.nets import NET
from tests.helpers.program import RFLINT, Ran, into_a_closed_pipe, plain_environment, rflint, write
from tests.helpers.schema import checked
from tests.helpers.terminal import on_a_terminal

# -- what can


def test_what_the_users_code_prints_stays_out_of_the_report(tmp_path: Path) -> None:
    """At import, in the builder, and in forward; from Python, below Python, and from a process."""
    write(
        tmp_path,
        {
            "model.py": """
import os
from torch import nn
print("from import")
class build(nn.Module):
    def __init__(self):
        super().__init__()
        print("from the builder")
        os.write(1, b"from below\\n")
        os.system("echo from a process")
        self.conv = nn.Conv2d(3, 8, 3)
    def forward(self, x):
        print("from forward")
        return self.conv(x)
"""
        },
    )

    ran = rflint("model.py:build", "--res", "32", "--format", "json", cwd=tmp_path)

    assert ran.status == 0, ran.err
    assert ran.report["errors"] == []
    assert ran.report["models"][0]["totals"]["convs"] == 1
    for place in ("import", "the builder", "below", "a process", "forward"):
        assert f"from {place}\n" in ran.err


def test_what_is_printed_at_exit_stays_out_of_the_report(tmp_path: Path) -> None:
    """Tracking and profiling tools have a last word when Python ends."""
    write(
        tmp_path,
        {
            "model.py": "import atexit\nfrom torch import nn\n"
            "atexit.register(print, 'from exit')\ndef build(): return nn.Conv2d(3, 8, 3)\n"
        },
    )

    ran = rflint("model.py:build", "--res", "32", "--format", "json", cwd=tmp_path)

    assert ran.status == 0
    assert ran.err == "from exit\n"
    assert ran.report["errors"] == []


def test_models_without_convolutions_have_nothing_to_find(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "model.py": "from torch import nn\nempty = nn.Sequential()\n"
            "def linear(): return nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))\n"
        },
    )

    ran = rflint(
        "model.py:empty", "model.py:linear", "--res", "32", "--format", "json", cwd=tmp_path
    )

    assert (ran.status, ran.err) == (0, "")
    empty, linear = ran.report["models"]
    assert (empty["totals"]["params"], empty["totals"]["convs"]) == (0, 0)
    assert (linear["totals"]["params"], linear["totals"]["convs"]) == (30730, 0)
    assert empty["findings"] == linear["findings"] == []


def test_every_kind_of_target(here: Path) -> None:
    """A function, a class, an instance, a partial, a dotted attribute, by file and by module."""
    write(here, {"models/__init__.py": "", "models/nets.py": NET})
    targets = [
        "net:build",
        "net:Net",
        "net:instance",
        "net:partial",
        "net:Zoo.small",
        "net.py:build",
        "models.nets:build",
        f"{here / 'models' / 'nets.py'}:Net",
    ]

    ran = rflint(*targets, "--res", "32", "--format", "json", cwd=here)

    assert (ran.status, ran.err) == (0, "")
    assert [model["target"] for model in ran.report["models"]] == targets
    params = [model["totals"]["params"] for model in ran.report["models"]]
    assert params == [314, 314, 314, 112, 314, 314, 314, 314]
    sources = [model["layers"][0]["source"] for model in ran.report["models"]]
    assert sources[:3] == [{"path": "net.py", "line": 7}] * 3
    assert sources[-1] == {"path": "models/nets.py", "line": 7}


def test_a_file_next_to_its_own_modules_from_anywhere(tmp_path: Path) -> None:
    """The folder of a file target is importable, wherever rflint is run."""
    write(
        tmp_path,
        {"project/model.py": "from parts import build\n", "project/parts.py": NET, "x": ""},
    )
    (tmp_path / "elsewhere").mkdir()

    ran = rflint(
        "../project/model.py:build", "--res", "32", "--format", "json", cwd=tmp_path / "elsewhere"
    )

    assert (ran.status, ran.err) == (0, "")
    (model,) = ran.report["models"]
    assert model["layers"][0]["source"]["path"].endswith("/project/parts.py")


def test_arguments_are_literals_or_else_strings(here: Path) -> None:
    options = ("--res", "32", "--format", "json")
    pairs = ["width=12", "kind=wide", "shape=(3, 5)", "flag=True"]

    ran = rflint("net:wanting", *(x for p in pairs for x in ("--arg", p)), *options, cwd=here)

    assert (ran.status, ran.err) == (0, "")
    assert ran.report["models"][0]["layers"][0]["out_shape"] == [1, 12, 30, 28]


def test_what_is_no_literal_is_a_string(here: Path) -> None:
    """The builder gets it as it was typed, and says what it makes of it."""
    values = ["{[]: 1}", "3 x 5", "1_", "(", "'", "nan", ""]
    write(here, {"model.py": "def build(**given): raise ValueError(list(given.values()))\n"})
    pairs = [f"key{number}={value}" for number, value in enumerate(values)]

    ran = rflint(
        "model.py:build", "--res", "32", *(x for p in pairs for x in ("--arg", p)), cwd=here
    )

    assert ran.status == 2
    assert "Traceback" not in ran.err
    assert repr(values) in ran.err


def test_input_shapes_and_resolutions(here: Path) -> None:
    """--input for what cannot be inferred, one axis or several, and several resolutions."""
    ran = rflint("net:one_dimensional", "--input", "1x2x128", "--format", "json", cwd=here)

    assert (ran.status, ran.err) == (0, "")
    (model,) = ran.report["models"]
    assert model["inputs"] == [[1, 2, 128]]
    assert model["resolution"] == [128]
    assert [layer["r_out_min"] for layer in model["layers"]] == [[3], [3], [5]]

    ran = rflint("net:too_deep", "--res", "16,32,48x64", "--format", "json", cwd=here)

    assert ran.status == 1
    assert [m["resolution"] for m in ran.report["models"]] == [[16, 16], [32, 32], [48, 64]]
    assert [len(m["findings"]) for m in ran.report["models"]] == [1, 0, 0]
    assert {m["target"] for m in ran.report["models"]} == {"net:too_deep"}


MULTIMODAL = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Conv2d(3, 4, 3)
        self.words = nn.Embedding(100, 4)
    def forward(self, batch, t, *, scale):
        image, ids = batch["image"], batch["ids"]
        return self.image(image) + self.words(ids).mean() + scale * t
"""


def test_inputs_by_name_on_the_command_line_and_in_a_table(tmp_path: Path) -> None:
    """An argument that is a dictionary, a scalar, and one by keyword only."""
    table = """
[[models]]
target = "net.py:Net"
[models.input]
scale = 0.5
t = "500:int64"
batch = { image = "1x3x16x16", ids = "1x20:int64" }
"""
    write(tmp_path, {"net.py": MULTIMODAL, "rflint.toml": table})
    options = ["scale=0.5", "t=500:int64", "batch.image=1x3x16x16", "batch.ids=1x20:int64"]
    said = [word for option in options for word in ("--input", option)]

    typed = rflint("net.py:Net", *said, "--isolated", "--format", "json", cwd=tmp_path)
    configured = rflint("--format", "json", cwd=tmp_path)

    for ran in (typed, configured):
        assert (ran.status, ran.err) == (0, "")
        (model,) = ran.report["models"]
        assert model["inputs"] == [[1, 3, 16, 16], [1, 20], []]
        assert model["resolution"] == [16, 16]

    without = rflint("net.py:Net", "--isolated", "--res", "16", cwd=tmp_path)

    assert without.status == 2
    assert "Net.forward() needs 't' and 'scale' too" in without.err
    command = without.err.strip().splitlines()[-1].split()
    assert command[:5] == ["rflint", "net.py:Net", "--isolated", "--res", "16"]
    copied = rflint(*command[1:], "--format", "json", cwd=tmp_path)
    assert (copied.status, copied.err) == (0, "")


def test_findings_are_exit_status_1(here: Path) -> None:
    """And plain text in a pipe, whatever the terminal could do."""
    ran = rflint("net:too_deep", "--res", "16", cwd=here, TERM="xterm-256color")

    assert (ran.status, ran.err) == (1, "")
    assert "net:too_deep  on 1×3×16×16" in ran.out
    assert "RF101 unproductive-layer" in ran.out
    assert "net.py:19" in ran.out
    assert ran.out.endswith("Found 1 warning.\n")
    assert "\x1b" not in ran.out


@pytest.mark.parametrize(
    ("options", "status", "codes"),
    [
        ("--fail-on never", 0, ["RF101"]),
        ("--fail-on error", 0, ["RF101"]),
        ("--select rf101", 1, ["RF101"]),
        ("--select RF1,RF9 --ignore RF102,RF9", 1, ["RF101"]),
        ("--select RF901", 0, []),
        ("--ignore unproductive-layer", 0, []),
    ],
)
def test_the_gate_and_the_choice_of_rules(
    here: Path, options: str, status: int, codes: list[str]
) -> None:
    ran = rflint("net:too_deep", "--res", "16", "--format", "json", *options.split(), cwd=here)

    assert (ran.status, ran.err) == (status, "")
    assert [finding["code"] for finding in ran.report["models"][0]["findings"]] == codes


def test_output_writes_the_report_to_a_file(here: Path) -> None:
    """In place of what the file held; nothing on stdout, and nothing else is left behind."""
    options = ["net:too_deep", "--res", "16"]
    before = {path.name for path in here.iterdir()}
    (here / "report.txt").write_text("an older and much longer report" * 1000)

    text = rflint(*options, "--output", "report.txt", cwd=here)
    as_json = rflint(*options, "--format", "json", "--output", "report.json", cwd=here)

    assert text == as_json == Ran(1, "", "")
    written = (here / "report.txt").read_text(encoding="utf-8")
    assert written.startswith("net:too_deep  on 1×3×16×16\n")
    assert written.endswith("Found 1 warning.\n")
    written = json.loads((here / "report.json").read_text(encoding="utf-8"))
    (model,) = checked(written)["models"]
    assert model["border"]["min"] == "5"
    after = {path.name for path in here.iterdir()} - {"__pycache__", ".rflint_cache"}
    assert after == before | {"report.txt", "report.json"}


def test_output_goes_into_what_is_no_regular_file(here: Path) -> None:
    """A named pipe (as a shell's `>(...)`) or a device is written to and not replaced."""
    fifo = here / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ran = rflint("net:build", "--res", "32", "--output", "fifo", cwd=here)
        received = os.read(reader, 1 << 16).decode()
    finally:
        os.close(reader)

    assert ran == Ran(0, "", "")
    assert fifo.is_fifo()
    assert "net:build" in received


# -- streams


def colours(text: str) -> set[int]:
    """The numbers in a text's escape codes that set a colour."""
    numbers = re.findall(r"\x1b\[([\d;]*)m", text)
    each = {int(n) for sequence in numbers for n in sequence.split(";") if n}
    return each & {*range(30, 50), *range(90, 108)}


def test_colour_on_a_terminal_but_not_with_no_color(here: Path) -> None:
    arguments = ("net:too_deep", "--res", "16")

    coloured = on_a_terminal(*arguments, cwd=here)
    plain = on_a_terminal(*arguments, cwd=here, NO_COLOR="1")

    assert "RF101" in coloured
    assert colours(coloured)
    assert "RF101" in plain
    assert not colours(plain)


def test_errors_in_a_pipe_are_plain(here: Path) -> None:
    ran = rflint("net:nosuch", "--bogus", cwd=here, TERM="xterm-256color", NO_COLOR="1")
    assert "\x1b" not in ran.out + ran.err


def test_a_narrow_terminal(here: Path) -> None:
    """Lines are kept to its width, and the findings' facts are still there to read."""
    ran = rflint("net:too_deep", "--res", "16", cwd=here, COLUMNS="60")

    assert ran.status == 1
    assert max(map(len, ran.out.splitlines())) <= 60
    for fact in ("RF101", "net.py:19", "1 unproductive", "Found 1 warning."):
        assert fact in ran.out


def test_ascii_output_is_readable(here: Path) -> None:
    """Where the terminal has no other characters, none are lost: other signs stand for them."""
    arguments = ("net:too_deep", "--res", "16")

    ran = rflint(*arguments, cwd=here, PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert ran.status == 1
    assert ran.out.isascii()
    assert "?" not in ran.out
    assert "1x3x16x16" in ran.out
    assert "RF101" in ran.out


def test_a_reader_that_has_seen_enough(here: Path) -> None:
    """`rflint ... | head -1`: no complaint."""
    ran = into_a_closed_pipe("net:too_deep", "--res", "16", cwd=here)
    assert ran.err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_an_error_and_not_a_finding(here: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [RFLINT, "net:build", "--res", "32"],
            cwd=here,
            env=plain_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_print_the_same(here: Path) -> None:
    """Also as `python -m rflint`, which is the same program."""
    arguments = ("net:too_deep", "--res", "16", "--format", "json")
    module = (sys.executable, "-m", "rflint")

    first = rflint(*arguments, cwd=here, PYTHONHASHSEED="1")
    second = rflint(*arguments, cwd=here, PYTHONHASHSEED="2", program=module)

    assert first.report["models"]
    assert first == second


# -- what needs no model


def imports_torch(*command: str, cwd: Path) -> bool:
    """Whether Python's own account of what a command imports names torch."""
    ran = rflint(*command, cwd=cwd, program=(sys.executable, "-X", "importtime"))
    assert ran.status == 0, ran.err
    modules = {line.rpartition("|")[2].strip() for line in ran.err.splitlines()}
    assert "rflint" in modules
    return any(module.split(".")[0] == "torch" for module in modules)


def test_torch_is_imported_for_a_model_and_for_nothing_else(here: Path) -> None:
    program = ("-m", "rflint")

    assert imports_torch(*program, "net:build", "--res", "32", cwd=here)
    assert not imports_torch("-c", "import rflint", cwd=here)
    assert not imports_torch(*program, "--help", cwd=here)
    assert not imports_torch(*program, "--version", cwd=here)
    assert not imports_torch(*program, "rule", cwd=here)
    assert not imports_torch(*program, "rule", "RF101", cwd=here)
    assert not imports_torch(*program, "schema", cwd=here)


def test_help_and_version(tmp_path: Path) -> None:
    version = rflint("--version", cwd=tmp_path)
    assert (version.status, version.err) == (0, "")
    assert version.out.strip().endswith(package.__version__)

    for flag in ("--help", "-h"):
        shown = rflint(flag, cwd=tmp_path)
        assert (shown.status, shown.err) == (0, "")
        assert shown.out.startswith("Usage: rflint ")
        assert "TARGET" in shown.out
        for option in ("--res", "--input", "--arg", "--select", "--ignore", "--format", "--output"):
            assert option in shown.out
        assert re.search(r"^  rule +Explain a rule", shown.out, re.MULTILINE)
        # the examples stand on lines of their own
        assert re.search(r"^ +rflint mymodel:build --res 32$", shown.out, re.MULTILINE)
        assert "\\b" not in shown.out


def test_rules_are_listed_and_explained(tmp_path: Path) -> None:
    listed = rflint("rule", cwd=tmp_path)
    assert (listed.status, listed.err) == (0, "")
    codes = [line.split()[0] for line in listed.out.splitlines()]
    assert codes == sorted(codes)
    assert {"RF101", "RF901"} <= set(codes)

    explained = rflint("rule", "RF101", cwd=tmp_path)
    assert (explained.status, explained.err) == (0, "")
    assert explained.out.startswith("# RF101 unproductive-layer\n")
    for heading in ("What it is", "Why it matters", "How to fix it", "When to ignore it"):
        assert heading in explained.out
