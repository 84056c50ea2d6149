"""A row for each line of a sweep, as CSV and as Parquet."""

from __future__ import annotations

import csv
import itertools
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from rflint.errors import UsageError
from rflint.report.sweep.rows import COLUMNS, row_of
from rflint.report.sweep.tables import check_table_format, write_table
from tests.helpers.sweep_lines import failed, reported

MODEL = reported(
    "nets:build",
    "32x64",
    codes=["RF203", "RF101", "RF101"],
    unproductive=2,
    unproductive_params=30,
    macs=10**12,
)
ERROR = failed("nets:broken", None, said='it raised\nValueError: no, "really"')


def test_a_row_says_what_was_found() -> None:
    row = row_of(MODEL)
    assert list(row) == list(COLUMNS)
    said = {
        "target": "nets:build",
        "res": "32x64",
        "resolution": "32x64",
        "error": None,
        "macs": 10**12,
        "unproductive": 2,
        "unproductive_params": 30,
        "feasible_min": 22,
        "feasible_max": None,
        "findings": 3,
        "errors": 0,
        "warnings": 3,
        "infos": 0,
        "codes": "RF101:2 RF203:1",
        "complete": True,
    }
    assert {name: row[name] for name in said} == said


def test_a_row_of_an_error_has_no_numbers() -> None:
    row = row_of(ERROR)
    assert {name for name, cell in row.items() if cell is not None} == {
        "target",
        "error",
        "message",
    }
    assert row["error"] == "build"


def test_csv_has_a_line_for_each_row(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    write_table(map(row_of, (MODEL, ERROR)), "csv", path)
    assert len(path.read_text().splitlines()) == 3
    with path.open(newline="") as file:
        model, error = csv.DictReader(file)
    assert list(model) == list(COLUMNS)
    assert (model["macs"], model["complete"], model["error"]) == ("1000000000000", "true", "")
    assert error["message"] == 'it raised\\nValueError: no, "really"'
    assert error["params"] == ""


@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)"])
def test_no_name_is_a_formula_in_a_spreadsheet(tmp_path: Path, name: str) -> None:
    path = tmp_path / "all.csv"
    write_table([row_of(failed(name))], "csv", path)
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["target"] == f"'{name}"


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_broken_unicode_and_control_characters_are_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "all"
    write_table([row_of(failed("a\ud800\0\x1b[31m"))], name, path)
    if name == "parquet":
        (found,) = parquet.read_table(path)["target"].to_pylist()
        assert found == "a\N{REPLACEMENT CHARACTER}\0\x1b[31m"
    else:
        assert path.read_text().splitlines()[1].startswith("a\N{REPLACEMENT CHARACTER}\\x00\\x1b")


def test_parquet_has_typed_columns(tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"
    write_table(map(row_of, (MODEL, ERROR)), "parquet", path)
    table = parquet.read_table(path)
    assert table.schema.field("macs").type == pa.int64()
    assert table.schema.field("complete").type == pa.bool_()
    assert table.to_pylist() == [row_of(MODEL), row_of(ERROR)]


def test_a_column_without_any_value_keeps_its_type(tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"
    write_table([row_of(ERROR)], "parquet", path)
    assert parquet.read_table(path).schema.field("macs").type == pa.int64()


def test_what_needs_more_than_64_bits_is_null(tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"
    write_table([row_of(reported("a:b", macs=2**63))], "parquet", path)
    assert parquet.read_table(path)["macs"].to_pylist() == [None]


def test_rows_are_written_in_groups(tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"
    write_table(itertools.repeat(row_of(MODEL), 25_000), "parquet", path)
    written = parquet.ParquetFile(path).metadata
    assert (written.num_rows, written.num_row_groups) == (25_000, 3)


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_a_table_is_whole_or_not_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / "all"
    path.write_text("old")
    rows = itertools.chain([row_of(MODEL)], (row_of(x) for x in [{"target": "broken"}]))
    with pytest.raises(KeyError):
        write_table(rows, name, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_without_pyarrow_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match="Parquet needs pyarrow") as caught:
        check_table_format("parquet")
    assert "rflint[sweep]" in caught.value.hint
    check_table_format("csv")


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="csv, parquet"):
        check_table_format("xlsx")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_table([], "csv", tmp_path / "none" / "all.csv")
