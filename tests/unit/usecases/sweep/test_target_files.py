"""Files that name the targets of a sweep."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from rflint.errors import UsageError
from rflint.usecases.sweep.target_files import is_target_file, read_target_file


def written(folder: Path, content: bytes) -> str:
    (folder / "models.txt").write_bytes(content)
    return "models.txt"


def test_targets_stand_one_a_line(tmp_path: Path) -> None:
    name = written(
        tmp_path,
        b"\xef\xbb\xbf# what we train\r\n\r\ntimm:resnet18  # the small one\n"
        b"\thydra:conf/a.yaml#model\nnets.py:*",
    )
    found = ["timm:resnet18", "hydra:conf/a.yaml#model", "nets.py:*"]
    assert list(read_target_file(name, tmp_path)) == found
    assert list(read_target_file(f"@{name}", tmp_path)) == found


def test_targets_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a:b\nc:d\n")))
    assert list(read_target_file("-")) == ["a:b", "c:d"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"a:b --res 32", "'a:b --res 32' is more than one target"),
        (b"a:\xff", "no text in UTF-8"),
        (b"@other.txt", "names no other"),
        (b"-", "names no other"),
    ],
)
def test_a_line_that_is_no_target_is_named(tmp_path: Path, line: bytes, says: str) -> None:
    name = written(tmp_path, b"a:b\n" + line + b"\n")
    found = read_target_file(name, tmp_path)
    assert next(found) == "a:b"
    with pytest.raises(UsageError, match=says) as caught:
        next(found)
    assert caught.value.source is not None
    assert (Path(caught.value.source.path).name, caught.value.source.line) == ("models.txt", 2)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read none\.txt: No such file"):
        list(read_target_file("@none.txt", tmp_path))


def test_what_a_file_of_targets_is_shows_in_its_name(tmp_path: Path) -> None:
    name = written(tmp_path, b"")
    (tmp_path / "nets.py").touch()
    assert [is_target_file(x, tmp_path) for x in (name, "@any", "-")] == [True] * 3
    others = ("nets.py", "nets.py:Net", "other.txt", "timm:resnet18", ".")
    assert not any(is_target_file(x, tmp_path) for x in others)
