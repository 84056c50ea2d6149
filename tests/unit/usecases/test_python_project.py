"""`rflint.lint_project`: what the command line does, as a function of Python's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rflint
from tests.helpers.aged_files import aged
from tests.helpers.program import plain_environment, write
from tests.helpers.program import rflint as program
from tests.helpers.small_project import CONFIGURATION, TOO_DEEP, WIDE, model

RULE = '''
"""Convolutions with large kernels.

Why not."""

from rflint.linting.finding import Severity
from rflint.linting.rule import Example, Rule


def large():
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 8, 7))


def small():
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 8, 3))


def check(analysis, settings):
    """Everything that is 7x7."""
    for x in analysis.layers:
        if 7 in x.geometry.kernel:
            yield RULE.finding(x, "is large")


RULE = Rule(
    "ACME001",
    "large-kernel",
    Severity.INFO,
    check=check,
    fails=[Example(large, 8)],
    passes=[Example(small, 8)],
)
'''
PROJECT = {
    "model.py": model(WIDE, TOO_DEEP, TOO_DEEP),
    "acme001_large.py": RULE,
    "pyproject.toml": CONFIGURATION
    + """
name = "first"
max-params = 10

[[tool.rflint.models]]
target = "model:build"
name = "second"
res = [16, 32]
select = ["RF1", "ACME001"]

[[tool.rflint.models]]
target = "model:missing"

[tool.rflint.rules]
paths = ["acme001_large.py"]
""",
}

CALL = "import json, sys, rflint; report = rflint.lint_project({arguments}); {then}"
PRINT = "print(json.dumps(report.to_dict()))"


def called(cwd: Path, arguments: str = "", then: str = PRINT, before: str = "") -> str:
    """What a fresh Python prints that calls it."""
    done = subprocess.run(
        [sys.executable, "-c", before + CALL.format(arguments=arguments, then=then)],
        cwd=cwd,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, PROJECT)
    return tmp_path


def test_it_reports_what_the_command_line_prints(project: Path) -> None:
    written = program("--write-baseline", "first", "--no-cache", cwd=project)
    assert "wrote" in written.err
    ran = program("--format", "json", "--no-cache", cwd=project)
    assert ran.status == 2  # one target is missing
    assert ran.report["baseline"]["accepted"] > 0
    assert len(ran.report["models"]) == 3
    assert json.loads(called(project)) == ran.report


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (("first", "--no-baseline"), "'first', baseline=False"),
        (("model.py:build", "--res", "8,8x16"), "'model.py:build', res=[8, (8, 16)]"),
        (("second", "--isolated"), "['second'], isolated=True"),
        (
            ("first", "--select", "ACME001", "--max-params", "1M"),
            "'first', select='ACME001', max_params='1M'",
        ),
        (("first", "--baseline", "other.json"), "'first', baseline='other.json'"),
        (("first", "--config", "other.toml"), "'first', configuration='other.toml'"),
    ],
)
def test_every_argument_is_an_option(
    project: Path, options: tuple[str, ...], arguments: str
) -> None:
    write(project, {"other.toml": '[[models]]\ntarget = "model:build"\nname = "first"\nres = 24\n'})
    for name in ("rflint-baseline.json", "other.json"):
        program("--write-baseline", "first", "--baseline", name, "--no-cache", cwd=project)
    ran = program(*options, "--format", "json", "--no-cache", cwd=project)
    assert json.loads(called(project, arguments)) == ran.report


def test_answers_of_earlier_runs_count_when_asked_for(tmp_path: Path) -> None:
    aged(tmp_path, {"model.py": model(WIDE)})
    said = "print(*report.notes)"
    target = "'model:build', res=16"
    assert "answered" not in called(tmp_path, f"{target}, cache=True", said)
    assert "answered by the cache" in called(tmp_path, f"{target}, cache=True", said)
    assert "answered" not in called(tmp_path, target, said)


def test_what_is_imported_already_is_linted_as_it_is(tmp_path: Path) -> None:
    """And no answer for those who import what lies in the file."""
    aged(tmp_path, {"model.py": model(WIDE), "width.py": "WIDTH = 8\n"})
    changed = model(WIDE).replace("def build():", "import width\n\n\ndef build():")
    aged(tmp_path, {"model.py": changed.replace("(8, 10)", "(8, width.WIDTH)")})
    target, params = "'model:build', res=16, cache=True", "print(report.models[0].analysis.totals)"
    plain = called(tmp_path, target, params)
    other = called(tmp_path, target, params, before="import width; width.WIDTH = 100; ")
    assert plain != other
    assert called(tmp_path, target, params) == plain


def test_nothing_is_written(project: Path) -> None:
    before = sorted(os.listdir(project))
    called(project, "baseline=False")
    assert sorted(x for x in os.listdir(project) if x != "__pycache__") == before


def test_stdout_and_the_process_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, {"model.py": "import os\nprint('hello')\nos.chdir('/')\n" + model(WIDE)})
    then = "import os; print(os.getcwd(), sys.path == path, sys.argv)"
    out = called(tmp_path, "'model:build', res=16", then, before="import sys; path = [*sys.path]; ")
    assert out == f"{tmp_path} True ['-c']\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"widht": 3}, "there is no option 'widht'"),
        ({"train": "yes"}, "train: 'yes' should be true or false"),
        ({"tracer": "symbolik"}, "tracer: 'symbolik' should be one of"),
        ({"fail_on": "sometimes"}, "fail_on is 'sometimes'"),
        ({"res": 0}, "a resolution is one or more positive sizes"),
        ({"configuration": "none.toml"}, "cannot read"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(rflint.RflintError, match=said):
        rflint.lint_project("model:build", **arguments)


def test_errors_speak_of_keyword_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(rflint.RflintError) as raised:
        rflint.lint_project("model:build", isolated=True, configuration="rflint.toml")
    assert "--" not in str(raised.value)


def test_a_failure_is_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = rflint.lint_project("nowhere.py:build", res=16)
    (failure,) = report.failures
    assert failure.target == "nowhere.py:build"
    assert "--" not in str(failure.error)
