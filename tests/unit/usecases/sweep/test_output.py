"""The file of a sweep: whole lines, each model once, also after a kill."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from rflint.errors import UsageError
from rflint.report.sweep.lines import written_line
from rflint.usecases.sweep.output import Lines, opened_lines
from tests.helpers.sweep_lines import CUT, failed, lines_in, reported, wrote

_WHOLE = (reported("a:b"), failed("a:c", "32x64"))


@pytest.mark.parametrize("last", CUT.values(), ids=CUT)
def test_what_is_no_whole_line_gives_way_to_the_next_one(tmp_path: Path, last: bytes) -> None:
    path = wrote(tmp_path / "lines", *_WHOLE)
    with path.open("ab") as file:
        file.write(last)
    earlier: list[dict[str, Any]] = []
    with opened_lines(path, "abc", earlier.append, resume=True) as lines:
        assert not lines.is_new("a:b", "32")
        assert lines.is_new("a:e", None)
        lines.write(written_line(reported("a:e", None)))
    assert earlier == [*_WHOLE]
    assert lines_in(path) == [*_WHOLE, reported("a:e", None)]


def test_a_file_with_nothing_whole_in_it_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"{")
    with opened_lines(path, "abc", lambda line: None, resume=True) as lines:
        lines.write(written_line(failed("a:b")))
    assert lines_in(path) == [failed("a:b")]


def test_models_that_failed_are_tried_again_when_asked_for(tmp_path: Path) -> None:
    path = wrote(tmp_path / "lines", *_WHOLE)
    with opened_lines(path, "abc", lambda line: None, resume=True, retry_errors=True) as lines:
        assert not lines.is_new("a:b", "32")
        assert lines.is_new("a:c", "32x64")
    assert lines_in(path) == [_WHOLE[0]]


@pytest.mark.parametrize(
    ("digest", "resume", "says"),
    [("abc", False, "exists"), ("other", True, "was made with other options")],
)
def test_another_file_is_left_as_it_is(
    tmp_path: Path, digest: str, resume: bool, says: str
) -> None:
    path = wrote(tmp_path / "lines", *_WHOLE)
    with (
        pytest.raises(UsageError, match=says),
        opened_lines(path, digest, lambda line: None, resume=resume),
    ):
        pass
    assert lines_in(path) == [*_WHOLE]


@pytest.mark.parametrize("retry_errors", [False, True])
def test_two_sweeps_do_not_write_to_one_file(tmp_path: Path, retry_errors: bool) -> None:
    path = wrote(tmp_path / "lines", *_WHOLE)

    def opened() -> AbstractContextManager[Lines]:
        return opened_lines(path, "abc", lambda line: None, resume=True, retry_errors=retry_errors)

    with opened() as lines:
        with pytest.raises(UsageError, match="another sweep is writing"), opened():
            pass
        lines.write(written_line(reported("a:e")))
    assert lines_in(path)[-1] == reported("a:e")
