"""A model that does harm costs its own entry in the report, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.hostile import GOOD, HOSTILE
from tests.helpers.program import rflint, write

LIMITS = ("--timeout", "20", "--memory", "1G", "--no-cache", "--res", "32")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_models_around_it_are_reported(tmp_path: Path, jobs: str) -> None:
    write(tmp_path, {"good.py": GOOD, "last.py": GOOD})
    write(tmp_path, {f"{name}.py": hostile.code for name, hostile in HOSTILE.items()})
    targets = [f"{name}.py:build" for name in HOSTILE]
    options = (*LIMITS, "--jobs", jobs, "--format", "json")
    done = rflint("good.py:build", *targets, "last.py:build", *options, cwd=tmp_path)
    report = done.report
    assert {x["target"]: x["kind"] for x in report["errors"]} == {
        f"{name}.py:build": x.kind for name, x in HOSTILE.items() if x.kind
    }
    assert [x["target"] for x in report["models"]] == [
        "good.py:build",
        *(f"{name}.py:build" for name, x in HOSTILE.items() if not x.kind),
        "last.py:build",
    ]
    assert done.status == 2


def test_a_single_builder_obeys_the_time_limit(tmp_path: Path) -> None:
    write(tmp_path, {"good.py": GOOD, "net.py": HOSTILE["hangs"].code})
    done = rflint("net.py:build", "--timeout", "3", "--no-cache", "--format", "json", cwd=tmp_path)
    (error,) = done.report["errors"]
    assert (error["kind"], done.status) == ("timeout", 2)
    assert error["message"].startswith("it took longer than 3 seconds (--timeout)")


def test_the_limits_of_the_configuration_hold_and_options_go_before_them(tmp_path: Path) -> None:
    limits = "timeout = 5\nmemory = '64M'\njobs = 1\ncache = false\n"
    hungry = HOSTILE["takes_memory"].code
    files = {"good.py": GOOD, "hangs.py": HOSTILE["hangs"].code, "hungry.py": hungry}
    write(tmp_path, {**files, "rflint.toml": limits})
    targets = ("hangs.py:build", "hungry.py:build", "--format", "json")
    done = rflint(*targets, cwd=tmp_path)
    assert [(x["kind"], x["message"].partition(" (--")[0]) for x in done.report["errors"]] == [
        ("timeout", "it took longer than 5 seconds"),
        ("memory", "it needs more memory than 64M"),
    ]
    done = rflint(*targets, "--memory", "1G", "--timeout", "6", cwd=tmp_path)
    assert "needs more memory than 1G" in done.report["errors"][1]["message"]
    assert "longer than 6 seconds" in done.report["errors"][0]["message"]
    (line,) = rflint("sweep", "hangs.py:build", "--res", "32", cwd=tmp_path).out.splitlines()
    assert "longer than 5 seconds" in line
