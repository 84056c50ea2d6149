"""The lines of a sweep: each is one JSON object, and only the last one of a file may be broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import rflint
from rflint.errors import UsageError
from rflint.report.sweep import json_schema
from rflint.report.sweep.lines import (
    error_line,
    is_error,
    key_of,
    model_line,
    read_lines,
    written_line,
)
from tests.helpers.sweep_lines import CUT, failed, reported, wrote
from zoo.paper.resnet import resnet18

_STRICT = Draft202012Validator(json_schema.strict())
WHOLE = (reported("a:b"), failed("a:c", "32x64"), reported("a:d", None))


def test_a_line_of_a_model_is_its_entry_of_the_report(tmp_path: Path) -> None:
    entry = rflint.lint(resnet18, res=32, name="nets:build").models[0].to_dict()
    line = model_line(entry, "32", "abc")
    (found,) = read_lines(wrote(tmp_path / "lines", line))
    assert found == json.loads(json.dumps(entry)) | {"res": "32", "sweep": "abc"}
    assert key_of(found) == ("nets:build", "32")
    assert not is_error(found)
    _STRICT.validate(found)


def test_a_line_of_an_error_says_where_it_was() -> None:
    line = error_line({"target": "a:b", "kind": "build", "message": "no"}, (32, 64), "32x64", "abc")
    assert line["resolution"] == [32, 64]
    assert key_of(line) == ("a:b", "32x64")
    assert is_error(line)
    _STRICT.validate(line)


def test_the_schema_allows_nothing_else() -> None:
    Draft202012Validator.check_schema(json_schema.published())
    line = failed("a:b")
    _STRICT.validate(line)
    for other in ({**line, "other": 1}, {**line, "sweep": ""}, {**line, "res": 32}):
        assert not _STRICT.is_valid(other)


@pytest.mark.parametrize("name", ["a\nb", "a\u2028b", "\ud800", "\x00\x1b[31m", "é"])
def test_whatever_a_name_holds_a_line_is_one(tmp_path: Path, name: str) -> None:
    text = written_line(failed(f"nets:space[{name}]"))
    assert text.isascii()
    assert text.splitlines() == [text[:-1]]
    assert text[:-1].isprintable()
    (found,) = read_lines(wrote(tmp_path / "lines", failed(name)))
    assert found["target"] == name


def test_no_number_is_none() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        written_line(reported("a:b", macs=float("nan")))


@pytest.mark.parametrize("last", CUT.values(), ids=CUT)
def test_a_last_line_that_is_not_whole_is_left_out_and_told(tmp_path: Path, last: bytes) -> None:
    path = wrote(tmp_path / "lines", *WHOLE)
    with path.open("ab") as file:
        file.write(last)
    told: list[str] = []
    assert list(read_lines(path, told.append)) == list(WHOLE)
    assert told == [f"the last line of {path}, 4, is not whole: it is left out"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    path = wrote(tmp_path / "lines")
    assert list(read_lines(path)) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "it is no JSON"),
        (b"", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"3", "not about a model"),
        (b'{"target": "a:b", "res": null}', "not about a model"),
        (json.dumps(failed("a:b") | {"res": 32}).encode(), "not about a model"),
        (json.dumps(reported("a:b") | {"totals": {}}).encode(), "not about a model"),
        (json.dumps(reported("a:b") | {"findings": [3]}).encode(), "not about a model"),
    ],
)
def test_any_other_broken_line_is_an_error_with_its_number(
    tmp_path: Path, line: bytes, says: str
) -> None:
    path = wrote(tmp_path / "lines", WHOLE[0])
    path.write_bytes(path.read_bytes() + line + b"\n" + written_line(WHOLE[1]).encode())
    found = read_lines(path)
    assert next(found) == WHOLE[0]
    with pytest.raises(UsageError, match=says) as caught:
        next(found)
    assert caught.value.source is not None
    assert caught.value.source.line == 2


def test_a_file_of_something_else_is_refused_though_its_last_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema_version": 1}) + "\n")
    with pytest.raises(UsageError, match="not about a model"):
        list(read_lines(path))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*: No such file"):
        list(read_lines(tmp_path / "none"))


def test_files_are_not_held_in_memory(tmp_path: Path) -> None:
    """The first lines are there before a broken one behind them is read."""
    path = tmp_path / "lines"
    many: list[dict[str, Any]] = [failed(f"a:b{n}") for n in range(1000)]
    wrote(path, *many)
    path.write_bytes(path.read_bytes() + b"broken\n" + b"broken\n")
    found = read_lines(path)
    assert [next(found)["target"] for _ in many] == [x["target"] for x in many]
