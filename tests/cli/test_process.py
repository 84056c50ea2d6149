"""rflint as a process: its exit status and its stdout, whatever it meets on its way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.forked import Forked
from tests.helpers.program import RFLINT, into, into_a_closed_pipe, plain_environment, rflint, write

NETS = """
from torch import nn

def good():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())

def too_deep():
    return nn.Sequential(*(nn.Conv2d(3, 3, 9, padding=4, bias=False) for _ in range(4)))
"""


# -- who reads may stop to


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("nets:too_deep", "--res", "16"), 1),
        (("nets:too_deep", "--res", "16", "--format", "json"), 1),
        (("nets:good", "--res", "16"), 0),
        (("nets:good", "nets:missing", "--res", "16", "--format", "json"), 2),
        (("nets:good", "--show-files"), 0),
        (("rule",), 0),
        (("rule", "RF101"), 0),
        (("schema",), 0),
        (("rule", "ACME001", "--test"), 1),
        (("--help",), 0),
        (("rule", "--help"), 0),
        (("--version",), 0),
    ],
)
def test_a_reader_that_goes_away_changes_no_status(
    tmp_path: Path, arguments: tuple[str, ...], status: int
) -> None:
    write(tmp_path, {"nets.py": NETS, "acme001_x.py": FAILING_RULE})
    write(tmp_path, {"rflint.toml": 'rules = ["acme001_x.py"]'})
    ran = into_a_closed_pipe(*arguments, cwd=tmp_path)
    assert ran.status == status
    assert ("no attribute 'missing'" in ran.err) if status == 2 else (ran.err == "")


FAILING_RULE = '''
"""It finds nothing.

It says that it would.
"""
from torch import nn

from rflint.linting.finding import Severity
from rflint.linting.rule import Example, Rule

def build():
    return nn.Conv2d(3, 3, 3)

def check(analysis, settings):
    return []

RULE = Rule(
    "ACME001",
    "finds-nothing",
    Severity.WARNING,
    check=check,
    fails=[Example(build, 8)],
    passes=[],
    on_by_default=False
)
'''


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    "arguments", [("--help",), ("rule",), ("rule", "RF101"), ("schema",), ("--show-files",)]
)
def test_a_full_disk_is_one_message(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write(tmp_path, {"nets.py": NETS, "rflint.toml": '[[models]]\ntarget = "nets:good"\n'})
    with open("/dev/full", "w") as full:
        done = into(full, *arguments, cwd=tmp_path)
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "No space left on device" in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(("target", "status"), [("nets:missing", 2), ("nets:too_deep", 1)])
def test_what_cannot_be_said_on_stderr_changes_no_status(
    tmp_path: Path, target: str, status: int
) -> None:
    write(tmp_path, {"nets.py": NETS})
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [RFLINT, target, "--res", "16", "-v"],
            cwd=tmp_path,
            env=plain_environment(),
            stdout=subprocess.DEVNULL,
            stderr=full,
            check=False,
        )
    assert done.returncode == status


# -- whatever goes wrong is 2 and one message


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"rflint.toml": "a = " + "[" * 100_000}, "rflint.toml: it is nested too deeply"),
        ({"rflint.toml": "a = " + "{a = " * 100_000}, "rflint.toml: it is nested too deeply"),
        ({"rflint-baseline.json": "[" * 100_000}, "is no baseline"),
    ],
)
def test_files_that_are_nested_too_deeply(
    forked: Forked, tmp_path: Path, files: dict[str, str], says: str
) -> None:
    write(tmp_path, {"nets.py": NETS, "rflint.toml": "", **files})
    ran = forked.rflint("nets:good", "--res", "8", cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    program = (
        sys.executable,
        "-c",
        "import os; os.rmdir(os.getcwd()); from rflint.cli import main; main()",
    )
    ran = rflint("nets:good", "--res", "8", cwd=folder, program=program)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "rflint: error: No such file or directory\n"


def test_a_bug_is_one_message_and_its_traceback_is_for_debug(tmp_path: Path) -> None:
    """It asks to be reported. Here one is planted where nobody expects any."""
    write(tmp_path, {"nets.py": NETS})
    program = (
        sys.executable,
        "-c",
        "import rflint.cli, rflint.configuration.requests\n"
        "def requests(*_, **__): raise ValueError('no such thing')\n"
        "rflint.configuration.requests.requests_for = requests\n"
        "rflint.cli.main()",
    )
    ran = rflint("nets:good", cwd=tmp_path, program=program)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("rflint: error: rflint itself failed: ValueError: no such thing\n")
    assert "Traceback" not in ran.err
    debugged = rflint("nets:good", "--debug", cwd=tmp_path, program=program)
    assert debugged.status == 2
    assert "Traceback" in debugged.err


# -- Python without docstrings


def test_without_docstrings_everything_is_as_with_them(tmp_path: Path) -> None:
    """`python -OO` leaves them out of modules, and rules are documented by theirs."""
    write(tmp_path, {"nets.py": NETS, "acme001_x.py": FAILING_RULE})
    write(tmp_path, {"rflint.toml": 'rules = ["acme001_x.py"]'})
    for arguments in (("nets:too_deep", "--res", "16", "--no-cache"), ("rule",), ("rule", "RF1")):
        assert rflint(*arguments, cwd=tmp_path, PYTHONOPTIMIZE="2") == rflint(
            *arguments, cwd=tmp_path
        )
    write(tmp_path, {"acme001_x.py": FAILING_RULE.partition('"""\nfrom')[2].join(("from", ""))})
    refused = rflint("rule", cwd=tmp_path, PYTHONOPTIMIZE="2")
    assert refused.status == 2
    assert "acme001_x.py lacks a docstring" in refused.err


# -- what precedes a message


@pytest.mark.parametrize("place", ["import", "build", "forward"])
def test_warnings_of_others_are_for_those_who_want_to_know_more(
    forked: Forked, tmp_path: Path, place: str
) -> None:
    code = f"import warnings; warnings.warn('scripts are old', FutureWarning); {ENDS['own'][0]}"
    (tmp_path / "warns.py").write_text(PLACES[place].format(code))
    lint = ("warns:build", "--input", "1x3x16x16")
    refused = forked.rflint(*lint, cwd=tmp_path)
    assert refused.status == 2
    assert refused.err.startswith("rflint: error: warns.py:")
    assert "scripts are old" not in refused.err
    if place == "import":
        told = forked.rflint(*lint, "-v", cwd=tmp_path)
        assert "FutureWarning: scripts are old" in told.err


def test_no_warning_is_an_error_whatever_python_is_told_to_make_of_them(tmp_path: Path) -> None:
    code = "import warnings; warnings.warn('scripts are old', FutureWarning)"
    (tmp_path / "warns.py").write_text(PLACES["import"].format(code) + "build = nn.ReLU\n")
    lint = ("warns:build", "--input", "1x3x16x16")
    ran = rflint(*lint, cwd=tmp_path, PYTHONWARNINGS="error")
    assert (ran.status, ran.err) == (0, "")


# -- what a target does to the process


ENDS = {
    "os_exit": ("os._exit(0)", "called os._exit(0)"),
    "posix_exit": ("import posix; posix._exit(0)", "called os._exit(0)"),
    "replaced": ("os.execv('/bin/true', ['true'])", "called os.execv('/bin/true')"),
    "replaced_by_name": ("os.execlp('true', 'true')", "called os.execv"),
    "aborted": ("os.abort()", "called os.abort()"),
    "sys_exit": ("raise SystemExit(0)", "called sys.exit(0)"),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "generator_exit": ("raise GeneratorExit", "GeneratorExit"),
    "own": ("raise type('Mine', (BaseException,), {})('all over')", "Mine: all over"),
}
PLACES = {
    "import": "import os\nfrom torch import nn\n{}\n",
    "build": "import os\nfrom torch import nn\n\ndef build():\n    {}\n    return nn.Identity()\n",
    "forward": (
        "import os\nfrom torch import nn\n\nclass build(nn.Module):\n"
        "    def forward(self, x):\n        {}\n        return x\n"
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", ENDS)
def test_a_target_that_ends_the_process_is_an_error_beside_the_others(
    forked: Forked, tmp_path: Path, way: str, place: str
) -> None:
    code, says = ENDS[way]
    write(tmp_path, {"nets.py": NETS})
    (tmp_path / "ends.py").write_text(PLACES[place].format(code))
    targets = ("nets:good", "ends:build", "nets:too_deep")
    ran = forked.rflint(*targets, "--input", "1x3x16x16", "--format", "json", cwd=tmp_path)
    assert ran.status == 2
    assert [x["target"] for x in ran.report["models"]] == ["nets:good", "nets:too_deep"]
    (error,) = ran.report["errors"]
    assert error["target"] == "ends:build"
    assert says in error["message"]
    assert error["kind"] != "internal"


def test_a_rule_that_ends_the_process_is_an_error_beside_the_others(
    forked: Forked, tmp_path: Path
) -> None:
    rule = FAILING_RULE.replace("False\n", "True\n").replace(
        "    return []", "    __import__('os')._exit(0)"
    )
    write(tmp_path, {"nets.py": NETS, "acme001_x.py": rule})
    write(tmp_path, {"rflint.toml": 'rules = ["acme001_x.py"]'})
    ran = forked.rflint("nets:good", "--res", "16", cwd=tmp_path)
    assert ran.status == 2
    assert "rule ACME001 failed: check called os._exit(0)" in ran.err


def test_a_rule_that_fails_on_comments_is_an_error_beside_the_others(
    forked: Forked, tmp_path: Path
) -> None:
    rule = FAILING_RULE.replace("False\n", "True\n").replace(
        "check=check", "check_suppressions=check"
    )
    rule = rule.replace("check(analysis, settings)", "check(unused)").replace("return []", "1 / 0")
    nets = NETS.replace("nn.ReLU())", "nn.ReLU())  # rflint: ignore[RF101]")
    write(tmp_path, {"nets.py": nets, "acme001_x.py": rule})
    write(tmp_path, {"rflint.toml": 'rules = ["acme001_x.py"]'})
    ran = forked.rflint("nets:good", "--res", "16", "--format", "json", cwd=tmp_path)
    assert ran.status == 2
    assert "rule ACME001 failed: check_suppressions raised ZeroDivisionError" in ran.err
    assert [error["kind"] for error in ran.report["errors"]] == ["rule"]
    (model,) = ran.report["models"]
    assert [finding["code"] for finding in model["findings"]] == ["RF900"]


def test_what_a_target_does_at_exit_changes_no_status(forked: Forked, tmp_path: Path) -> None:
    late = "import atexit, os\natexit.register(os._exit, 0)\nfrom nets import too_deep\n"
    write(tmp_path, {"nets.py": NETS, "late.py": late})
    ran = forked.rflint("late:too_deep", "--res", "16", cwd=tmp_path)
    assert ran.status == 1
    assert "RF101" in ran.out


LEFT_BEHIND = {
    "fork": "os.fork()",
    "thread": "threading.Thread(target=threading.Event().wait).start()",
    "pool": "concurrent.futures.ThreadPoolExecutor().submit(threading.Event().wait)",
    "process": "multiprocessing.get_context('fork').Process(target=signal.pause).start()",
}


@pytest.mark.parametrize("kind", LEFT_BEHIND)
def test_what_a_target_leaves_running_neither_reports_nor_is_waited_for(
    tmp_path: Path, kind: str
) -> None:
    leaves = (
        "import concurrent.futures, multiprocessing, os, signal, threading\nimport nets\n\n"
        f"def build():\n    {LEFT_BEHIND[kind]}\n    return nets.too_deep()\n"
    )
    write(tmp_path, {"nets.py": NETS, "leaves.py": leaves})
    ran = rflint("leaves:build", "--res", "16", "--format", "json", cwd=tmp_path)
    assert ran.status == 1
    assert len(ran.report["models"]) == 1


def test_ctrl_c_is_130_and_no_report(tmp_path: Path) -> None:
    """A person's interrupt ends all of it, whatever the target makes of KeyboardInterrupt."""
    slow = (
        "import signal\nfrom nets import good\n\n"
        "def build():\n    open('begun', 'w').close()\n    signal.pause()\n"
    )
    write(tmp_path, {"nets.py": NETS, "slow.py": slow})
    os.mkfifo(tmp_path / "begun")
    running = subprocess.Popen(
        [RFLINT, "slow:build", "nets:good", "--res", "16", "--no-cache"],
        cwd=tmp_path,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # who runs the tests may be in the background, where nobody can be interrupted
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    (tmp_path / "begun").read_bytes()  # it is there, once the builder opens the other end
    running.send_signal(signal.SIGINT)
    assert running.communicate() == (b"", b"")
    assert running.returncode == 130
