"""Files are replaced as a whole, or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from rflint.files import atomic_write


def test_what_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")

    def broken() -> None:
        with atomic_write(file) as partial:
            partial.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    with atomic_write(file) as partial:
        partial.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with atomic_write(pipe) as partial:
        partial.write_text("report")
    reader.join()
    assert read == ["report"]
    assert pipe.is_fifo()
