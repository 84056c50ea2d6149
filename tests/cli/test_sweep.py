"""`rflint sweep`: a line for each model at each size, once, whatever happens meanwhile."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.hostile import GOOD, HOSTILE
from tests.helpers.program import into_a_closed_pipe, rflint, started, wait_until, write

SPACE = """
    from torch import nn

    def net(depth, width=4):
        layers = []
        for number in range(depth):
            layers += [nn.Conv2d(width if number else 3, width, 3, padding=1), nn.ReLU()]
        return nn.Sequential(*layers)

    def candidates():
        for depth in range(1, 11):
            yield f"plain, {depth}", net, {"depth": depth}
            yield f"wide, {depth}", net, (depth, 8)
            yield f"small, {depth}", lambda depth=depth: net(depth, 2)

    def small():
        return net(3)

    def large():
        return net(9)

    def broken():
        raise ValueError("no such variant")
"""
NUMBER = 30


@pytest.fixture
def space(tmp_path: Path) -> Path:
    # tests run beside each other: a second process to import torch would only wait
    write(tmp_path, {"space.py": SPACE, "rflint.toml": "jobs = 1"})
    return tmp_path


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def keys(lines: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((line["target"], line["res"]) for line in lines)


def expected(*sizes: str) -> Counter[tuple[str, str]]:
    names = (f"{kind}, {depth}" for depth in range(1, 11) for kind in ("plain", "wide", "small"))
    return Counter((f"space.py:candidates[{x}]", size) for x in names for size in sizes)


def test_each_candidate_has_a_line_at_each_size(space: Path) -> None:
    options = ("--res", "8,16", "--output", "found.jsonl")
    done = rflint("sweep", "space.py:candidates", *options, cwd=space)
    found = lines_of(space / "found.jsonl")
    assert keys(found) == expected("8", "16")
    by_key = {(x["target"], x["res"]): x for x in found}
    deep = by_key["space.py:candidates[wide, 10]", "8"]
    assert deep["resolution"] == [8, 8]
    assert deep["totals"]["convs"] == 10
    assert deep["totals"]["unproductive"] == 6  # r of the input of the nth is 2n - 1
    assert {x["code"] for x in deep["findings"]} == {"RF101"}
    assert done.status == 1
    assert "60 reports" in done.out


def test_a_line_is_what_a_report_has(space: Path) -> None:
    """With the repairs and all else, and the size as it was asked for."""
    done = rflint("sweep", "space.py:large", "--res", "8", "--quiet", cwd=space)
    report = rflint("space.py:large", "--res", "8", "--format", "json", cwd=space)
    (line,) = map(json.loads, done.out.splitlines())
    (model,) = report.report["models"]
    assert model["larger_input"]
    assert {x: y for x, y in line.items() if x not in ("res", "sweep")} == model
    assert line["res"] == "8"
    assert done.status == report.status == 1


def test_what_makes_lines_long_can_be_left_out(space: Path) -> None:
    options = ("--res", "8", "--omit", "layers", "--omit", "repairs", "--quiet")
    done = rflint("sweep", "space.py:large", *options, cwd=space)
    (line,) = map(json.loads, done.out.splitlines())
    assert not {"layers", "repairs", "larger_input"} & set(line)
    assert line["totals"]["unproductive"] == 5


def test_whatever_moment_it_is_killed_at_nothing_is_lost_or_there_twice(space: Path) -> None:
    file = space / "found.jsonl"
    command = ["sweep", "space.py:candidates", "--res", "8", "--output", str(file), "--jobs", "2"]
    drawn = random.Random(20)
    kills = 0
    while kills < 20:
        size = file.stat().st_size if file.exists() else 0
        running = started(*command, *(["--resume"] if size else []), cwd=space)
        wanted = size + drawn.randrange(9000)
        wait_until(
            lambda running=running, wanted=wanted: (
                running.poll() is not None or (file.exists() and file.stat().st_size > wanted)
            )
        )
        if running.poll() is not None:
            break  # it was through
        running.kill()
        running.communicate()
        kills += 1
    done = rflint(*command, "--resume", cwd=space)
    assert done.status == 1, done.err
    assert keys(lines_of(file)) == expected("8")
    assert kills >= 5


def test_half_a_line_is_cut_off_before_it_goes_on(space: Path) -> None:
    file = space / "found.jsonl"
    command = ("sweep", "space.py:small", "space.py:large", "--res", "8", "--output", file.name)
    rflint(*command, cwd=space)
    first, second = file.read_text().splitlines()
    file.write_text(f"{first}\n{second[:100]}")
    done = rflint(*command, "--resume", cwd=space)
    assert done.status == 1
    assert sorted(file.read_text().splitlines()) == sorted([first, second])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "found.jsonl exists"),
        (("--resume", "--ignore", "RF101"), "was made with other options"),
        (("--retry-errors",), "--retry-errors is for --resume"),
    ],
)
def test_lines_of_another_sweep_are_not_added_to(
    space: Path, options: tuple[str, ...], said: str
) -> None:
    command = ("sweep", "space.py:small", "--res", "8", "--output", "found.jsonl")
    rflint(*command, cwd=space)
    before = (space / "found.jsonl").read_text()
    done = rflint(*command, *options, cwd=space)
    assert said in done.err
    assert done.status == 2
    assert (space / "found.jsonl").read_text() == before


def test_what_failed_is_tried_again_where_that_is_asked_for(space: Path) -> None:
    command = ("sweep", "space.py:small", "space.py:broken", "--res", "8", "--output", "f.jsonl")
    first = rflint(*command, cwd=space)
    assert first.status == 2
    write(
        space, {"space.py": SPACE.replace('raise ValueError("no such variant")', "return net(2)")}
    )
    assert rflint(*command, "--resume", cwd=space).status == 2
    done = rflint(*command, "--resume", "--retry-errors", cwd=space)
    assert done.status == 0, done.err
    assert keys(lines_of(space / "f.jsonl")) == {
        ("space.py:small", "8"): 1,
        ("space.py:broken", "8"): 1,
    }


def test_shards_are_parts_of_the_whole(space: Path) -> None:
    parts = []
    for number in (1, 2, 3):
        options = ("--res", "8", "--shard", f"{number}/3", "--output", f"{number}.jsonl")
        assert rflint("sweep", "space.py:candidates", *options, cwd=space).status in (0, 1)
        parts.append(keys(lines_of(space / f"{number}.jsonl")))
    assert all(parts)
    assert sum(parts, Counter()) == expected("8")


def test_hostile_candidates_cost_their_own_line(tmp_path: Path) -> None:
    bodies = "".join(
        f"{hostile.code.replace('def build', f'def {name}')}\n"
        f"    functions.append(('{name}', {name}))\n    functions.append(('behind {name}', good))\n"
        for name, hostile in HOSTILE.items()
    )
    code = f"    functions = []\n{bodies}\n    def candidates():\n        yield from functions\n"
    write(tmp_path, {"good.py": GOOD, "space.py": code})
    limits = ("--timeout", "20", "--memory", "1G", "--jobs", "2", "--res", "32")
    done = rflint("sweep", "space.py:candidates", *limits, "--quiet", cwd=tmp_path)
    found = {
        x["target"][len("space.py:candidates[") : -1]: x
        for x in map(json.loads, done.out.splitlines())
    }
    assert {name: x.get("kind") for name, x in found.items()} == {
        **{name: x.kind for name, x in HOSTILE.items()},
        **{f"behind {name}": None for name in HOSTILE},
    }
    assert done.status == 2


def test_a_generator_that_fails_has_candidates_before(space: Path) -> None:
    fails = "for depth in (x if x < 3 else x / 0 for x in range(1, 11)):"
    text = SPACE.replace("for depth in range(1, 11):", fails)
    write(space, {"space.py": text})
    command = ("sweep", "space.py:candidates", "--res", "8", "--quiet", "--output", "f.jsonl")
    assert rflint(*command, cwd=space).status == 2
    found = lines_of(space / "f.jsonl")
    assert [x["kind"] for x in found if "kind" in x] == ["build"]
    assert len(found) == 7
    assert rflint(*command, "--resume", cwd=space).status == 2
    assert lines_of(space / "f.jsonl") == found


def test_tables_lie_beside_the_lines_or_take_their_place(space: Path) -> None:
    command = ("sweep", "space.py:small", "space.py:large", "--res", "8", "--quiet")
    rflint(*command, "--output", "found.jsonl", "--format", "csv", cwd=space)
    rflint(*command, "--output", "only.csv", "--format", "csv", cwd=space)
    printed = rflint(*command, "--format", "csv", cwd=space)
    tables = [(space / name).read_text() for name in ("found.csv", "only.csv")]
    for table in (*tables, printed.out):
        rows = list(csv.DictReader(table.splitlines()))
        assert {x["target"]: x["unproductive"] for x in rows} == {
            "space.py:small": "0",
            "space.py:large": "5",
        }
    assert len(lines_of(space / "found.jsonl")) == 2


def test_a_reader_that_has_gone_ends_it(space: Path) -> None:
    """As `head` does. What was seen until then decides the exit status."""
    done = into_a_closed_pipe("sweep", "space.py:large", "--res", "8", cwd=space)
    assert done.status == 1, done.err
