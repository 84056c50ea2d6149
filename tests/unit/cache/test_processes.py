"""Several caches over one folder, in processes that have torch and in such that have not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.aged_files import aged
from tests.helpers.forked import Forked
from tests.helpers.program import Ran, plain_environment

MODEL = """
    import os
    from torch import nn
    import fakelib

    def build():
        depth = len([name for name in os.environ if name.startswith("DEPTH_")])
        return nn.Sequential(nn.Conv2d(3, fakelib.WIDTH, 3), *(nn.ReLU() for _ in range(depth)))
"""
PLAIN = """
    from torch import nn
    import fakelib

    def build():
        return nn.Conv2d(3, fakelib.WIDTH, 3)
"""
FAKELIB = """
    import os
    from pathlib import Path

    os.environ["SET_BY_FAKELIB"] = "yes"
    WIDTH = int(os.environ.get("WIDTH", "4"))
    if Path("fakelib.cfg").exists():
        WIDTH += len(Path("fakelib.cfg").read_text())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two models that import an installed package, which workers import for both."""
    aged(
        tmp_path,
        {
            "one.py": MODEL,
            "two.py": PLAIN,
            "site-packages/fakelib.py": FAKELIB,
            "site-packages/fakelib-1.dist-info/METADATA": "Name: fakelib\nVersion: 1\n",
        },
    )
    return tmp_path


def run(forked: Forked, project: Path, *options: str, **variables: str) -> Ran:
    environment = {"PYTHONPATH": f"{project / 'site-packages'}:{project}"} | variables
    lint = ("one:build", "two:build", "--res", "8", "-v", "--format", "json")
    return forked.rflint(*lint, *options, cwd=project, **environment)


def answered(ran: Ran) -> int:
    return ran.err.count("answered by the cache")


@pytest.mark.parametrize("options", [(), ("--jobs", "2")], ids=["in one process", "in workers"])
def test_what_was_saved_in_workers_holds_in_any_process(
    forked: Forked, project: Path, options: tuple[str, ...]
) -> None:
    first = run(forked, project, "--jobs", "2")
    assert answered(first) == 0, first.err
    assert "is not cached" not in first.err
    again = run(forked, project, *options)
    assert (answered(again), again.out) == (2, first.out), again.err


CHANGES = {
    "a variable that a package reads when it is imported": ({"WIDTH": "5"}, 0),
    "a new variable, where one model looks at all": ({"DEPTH_1": ""}, 1),
    "a file that a package reads when it is imported": ({}, 0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_workers_import_for_all_models_counts_for_each(
    forked: Forked, project: Path, change: str
) -> None:
    """No process of a model's own has seen the package look at it."""
    run(forked, project, "--jobs", "2")
    variables, still_answered = CHANGES[change]
    if not variables:
        aged(project, {"fakelib.cfg": "wide"})
    changed = run(forked, project, **variables)
    assert answered(changed) == still_answered, changed.err
    assert changed.out == run(forked, project, "--no-cache", **variables).out


KEY = """
import os, sys
if sys.argv[1:]:
    import torch, rflint.usecases.model
from pathlib import Path
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.read import load_configuration
from rflint.usecases.lint_task import LintTask

def key():
    task = LintTask(("one:build",), ModelOptions(), load_configuration(None, isolated=False))
    cache = task.cache()
    _, (request,) = task.requests(cache, print)
    return cache.key(request)

print(key())
sys.stdout.flush()
if sys.argv[1:] and not os.fork():
    print(key())
    sys.stdout.flush()
    os._exit(0)
"""


def test_a_process_that_has_torch_and_its_child_ask_for_the_same_answer(project: Path) -> None:
    keys = [
        subprocess.run(
            [sys.executable, "-c", KEY, *arguments],
            cwd=project,
            env=plain_environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.split()
        for arguments in ((), ("with torch",))
    ]
    (without,), (parent, child) = keys
    assert without == parent == child
