"""`rflint merge`: the shards of a sweep in one file."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pytest
from pyarrow import parquet

from rflint.report.sweep import json_schema
from rflint.report.sweep.lines import written_line
from tests.helpers.program import installed_rflint, rflint
from tests.helpers.sweep_lines import failed, lines_in, reported, wrote

LINES = [
    *(reported(f"nets:space[w{n}]", res) for n, res in itertools.product(range(12), ("32", "128"))),
    failed("nets:broken"),
    reported("timm:resnet18", None),
]


def test_every_line_of_every_shard_is_there_once_and_in_order(tmp_path: Path) -> None:
    for number in range(3):
        wrote(tmp_path / f"{number}.jsonl", *LINES[number::3])
    ran = rflint("merge", "2.jsonl", "0.jsonl", "1.jsonl", "--output", "all.jsonl", cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    found = lines_in(tmp_path / "all.jsonl")
    keys = [(x["target"], x["res"]) for x in found]
    assert keys[:5] == [
        ("nets:broken", "32"),
        ("nets:space[w0]", "32"),
        ("nets:space[w0]", "128"),
        ("nets:space[w1]", "32"),
        ("nets:space[w1]", "128"),
    ]
    assert keys[-3] == ("nets:space[w11]", "32")
    assert sorted(map(written_line, found)) == sorted(map(written_line, LINES))
    said = [" ".join(x.split()) for x in ran.out.splitlines()]
    assert said[:4] == ["file reports errors", "2.jsonl 8 0", "0.jsonl 8 1", "1.jsonl 9 0"]
    assert "25 reports, 1 error" in said


def test_the_order_of_files_and_lines_does_not_matter(tmp_path: Path) -> None:
    results = set()
    for seed in range(3):
        shuffled = random.Random(seed).sample(LINES, len(LINES))
        wrote(tmp_path / "a", *shuffled[:9])
        wrote(tmp_path / "b", *shuffled[9:])
        assert rflint("merge", "b", "a", "--output", "all", "-q", cwd=tmp_path).out == ""
        results.add((tmp_path / "all").read_bytes())
    assert len(results) == 1


def test_what_is_there_twice_is_kept_once(tmp_path: Path) -> None:
    wrote(tmp_path / "a", *LINES)
    ran = rflint("merge", "a", "a", "--output", "all", cwd=tmp_path)
    assert len(lines_in(tmp_path / "all")) == len(LINES)
    assert f"{len(LINES)} lines about the same as another" in ran.out


@pytest.mark.parametrize("files", [("old", "new"), ("new", "old")])
def test_a_report_goes_before_an_error(tmp_path: Path, files: tuple[str, ...]) -> None:
    """Whichever comes first: what failed was linted again."""
    wrote(tmp_path / "old", failed("a:b"), failed("a:c", said="once"))
    wrote(tmp_path / "new", reported("a:b"), failed("a:c", said="twice"))
    assert rflint("merge", *files, "--output", "all", cwd=tmp_path).status == 0
    report, error = lines_in(tmp_path / "all")
    assert "totals" in report
    assert error["message"] == ("once" if files[0] == "old" else "twice")


def test_two_different_reports_of_a_model_are_refused(tmp_path: Path) -> None:
    wrote(tmp_path / "a", LINES[0], LINES[1])
    wrote(tmp_path / "b", LINES[2], reported(LINES[1]["target"], "128", unproductive=3))
    ran = rflint("merge", "a", "b", "--output", "all", cwd=tmp_path)
    assert ran.status == 2
    assert "b:2: nets:space[w0] at 128 was found to be something else in a:2" in ran.err
    assert not (tmp_path / "all").exists()


def test_files_of_other_options_are_refused(tmp_path: Path) -> None:
    wrote(tmp_path / "a", LINES[0])
    wrote(tmp_path / "b", reported("a:z", sweep="other"))
    ran = rflint("merge", "a", "b", "--output", "all", cwd=tmp_path)
    assert ran.status == 2
    assert "b was written with other options than a" in ran.err


def test_a_line_that_was_cut_off_is_left_out_and_told(tmp_path: Path) -> None:
    path = wrote(tmp_path / "a", *LINES)
    path.write_bytes(path.read_bytes()[:-7])
    ran = rflint("merge", "a", "--output", "all", cwd=tmp_path)
    assert ran.status == 0
    assert f"rflint: the last line of a, {len(LINES)}, is not whole: it is left out" in ran.err
    assert len(lines_in(tmp_path / "all")) == len(LINES) - 1


def test_the_output_may_be_one_of_the_files(tmp_path: Path) -> None:
    wrote(tmp_path / "a", *LINES[3:])
    wrote(tmp_path / "b", *LINES[:5])
    assert rflint("merge", "a", "b", "--output", "a", cwd=tmp_path).status == 0
    assert len(lines_in(tmp_path / "a")) == len(LINES)


def test_tables_are_written_as_well(tmp_path: Path) -> None:
    wrote(tmp_path / "a", *LINES)
    ran = rflint(
        *("merge", "a", "--output", "all.jsonl", "--format", "csv"),
        *("--format", "parquet:other.parquet"),
        cwd=tmp_path,
    )
    assert ran.status == 0
    assert len((tmp_path / "all.csv").read_text().splitlines()) == len(LINES) + 1
    targets = parquet.read_table(tmp_path / "other.parquet")["target"].to_pylist()
    assert targets == [x["target"] for x in lines_in(tmp_path / "all.jsonl")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("none",), "cannot read none"),
        ((".",), "is no file"),
        (("a", "--format", "csv"), "--format csv needs a file"),
        (("a", "--format", "csv:a"), "a would be overwritten by a table"),
        (("a", "--output", "x", "--format", "csv:x"), "two outputs cannot be the same file"),
        (("a", "--format", "xlsx"), "'xlsx' is not one of csv, parquet"),
        (("a", "--output", "none/all"), "cannot write none/all"),
        ((), "Missing argument 'FILE...'"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    path = wrote(tmp_path / "a", *LINES)
    before = path.read_bytes()
    ran = rflint("merge", *arguments, cwd=tmp_path)
    assert ran.status == 2
    assert says in ran.err
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_merging_needs_no_torch(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('torch was imported')")
    wrote(tmp_path / "a", *LINES)
    ran = installed_rflint("merge", "a", "--format", "csv:all.csv", cwd=tmp_path, PYTHONPATH=".")
    assert (ran.status, ran.err) == (0, "")


def test_the_schema_of_a_line_is_printed(tmp_path: Path) -> None:
    ran = rflint("schema", "sweep", "--strict", cwd=tmp_path)
    assert json.loads(ran.out) == json_schema.strict()
