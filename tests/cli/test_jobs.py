"""`--jobs`: the same report, whoever makes it and in whatever order it is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.program import into_a_closed_pipe, rflint, write

NETS = """
    from torch import nn

    def narrow():
        print("building narrow")
        return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3))

    def wide():
        return nn.Sequential(*(nn.Conv2d(3, 3, 9, stride=2, padding=4) for _ in range(4)))

    def broken():
        raise ValueError("no such variant")
"""
CONFIGURATION = """
    res = [48, 96]
    [[models]]
    target = "nets.py:narrow"
    [[models]]
    target = "nets.py:wide"
    name = "the wide one"
    [[models]]
    target = "nets.py:broken"
    [[models]]
    target = "nets.py:nothing"
    [[models]]
    target = "other/nets.py:narrow"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    other = NETS.replace("8", "16")
    write(tmp_path, {"nets.py": NETS, "other/nets.py": other, "rflint.toml": CONFIGURATION})
    return tmp_path


@pytest.mark.parametrize("format", ["json", "text"])
def test_any_number_of_jobs_prints_the_same_bytes(project: Path, format: str) -> None:
    options = ("--no-cache", "--format", format)
    one, two, default = (
        rflint(*options, *jobs, cwd=project) for jobs in (("--jobs", "1"), ("--jobs", "2"), ())
    )
    assert one.status == two.status == default.status == 2
    assert one.out == two.out == default.out
    assert one.err == two.err == default.err
    assert "building narrow" in one.err
    assert one.err.index("no such variant") < one.err.index("no attribute 'nothing'")


def test_few_models_are_linted_in_this_process_and_give_the_same(project: Path) -> None:
    targets = ("nets.py:narrow", "nets.py:wide", "--isolated", "--res", "48", "--no-cache")
    here = rflint(*targets, "--format", "json", cwd=project)
    there = rflint(*targets, "--format", "json", "--jobs", "2", cwd=project)
    assert (here.status, here.out, here.err) == (there.status, there.out, there.err)
    assert [x["target"] for x in here.report["models"]] == ["nets.py:narrow", "nets.py:wide"]


def test_workers_fill_the_cache_and_its_answers_need_none(project: Path) -> None:
    first = rflint("--jobs", "2", "--verbose", cwd=project)
    again = rflint("--jobs", "2", "--verbose", cwd=project)
    assert "nets.py:narrow at 48 was answered by the cache" in again.err, first.err
    assert "building narrow" not in again.err
    assert first.status == again.status == 2


def test_debug_shows_where_an_error_arose_in_another_process(project: Path) -> None:
    done = rflint("nets.py:broken", "--jobs", "2", "--debug", "--no-cache", cwd=project)
    assert "Traceback" in done.err
    assert 'raise ValueError("no such variant")' in done.err


def test_a_reader_that_has_gone_changes_no_verdict(project: Path) -> None:
    whole = rflint("nets.py:wide", "--res", "32", "--jobs", "2", "--no-cache", cwd=project)
    gone = into_a_closed_pipe(
        "nets.py:wide", "--res", "32", "--jobs", "2", "--no-cache", cwd=project
    )
    assert whole.status == gone.status == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--jobs", "0"), "0 is not in the range x>=1"),
        (("--timeout", "0"), "0.0 is not in the range x>0"),
        (("--memory", "much"), "'much' is no amount of memory: 512M, 4G"),
    ],
)
def test_what_is_no_number_is_refused(project: Path, options: tuple[str, str], said: str) -> None:
    done = rflint("nets.py:wide", *options, cwd=project)
    assert said in done.err
    assert done.status == 2
