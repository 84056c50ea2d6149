"""`rflint --watch`: what makes it lint again, and what ends it."""

from __future__ import annotations

import os
import pty
import signal
from pathlib import Path

import pytest

from tests.helpers.program import replace, started, write
from tests.helpers.small_project import SOUND, WIDE, model

WATCH = ("model:build", "--res", "16", "--watch", "-q")


def test_watching(tmp_path: Path) -> None:
    """Lints again when a file has changed that the model is made of; ends when interrupted."""
    write(tmp_path, {"model.py": "from parts import build\n", "parts.py": model(WIDE)})
    watching = started(*WATCH, cwd=tmp_path)
    assert watching.stdout

    def says(text: str) -> str:
        """All that it says until it says this."""
        said = ""
        while text not in said:
            line = watching.stdout.readline()
            assert line, f"{text!r} was never said, but {said}"
            said += line
        return said

    says("watching 2 files")
    write(tmp_path, {"unrelated.txt": ""})
    replace(tmp_path, {"parts.py": model(WIDE, WIDE, SOUND)})
    assert "parts.py:9: RF101 3" in says("watching 2 files")
    replace(tmp_path, {"parts.py": "def build("})
    assert "syntax error" in says("watching 2 files")
    replace(tmp_path, {"parts.py": model(WIDE)})
    assert "error" not in says("watching 2 files")
    watching.send_signal(signal.SIGINT)
    assert watching.communicate()[0] == ""
    assert watching.returncode == 130


@pytest.mark.parametrize(
    ("told", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_watching_ends_when_it_is_told_to_and_leaves_no_process_behind(
    tmp_path: Path, told: signal.Signals, status: int
) -> None:
    """Here in the middle of a run, which would never end by itself."""
    slow = "import signal\n\ndef build():\n    begun = open('begun', 'w')\n"
    slow += "    begun.write('!')\n    begun.flush()\n    signal.pause()\n"
    write(tmp_path, {"model.py": slow})
    os.mkfifo(tmp_path / "begun")
    watching = started(*WATCH, cwd=tmp_path)
    with (tmp_path / "begun").open() as begun:
        assert begun.read(1) == "!"
        watching.send_signal(told)
        assert begun.read() == "", "it ends once nobody has it open any more"
    assert watching.communicate()[0] == ""
    assert watching.returncode == status


def test_watching_ends_with_its_terminal(tmp_path: Path) -> None:
    """Also where no signal tells of that."""
    write(tmp_path, {"model.py": model(WIDE)})
    ours, its = pty.openpty()
    watching = started(*WATCH, cwd=tmp_path, stdin=its)
    os.close(its)
    assert watching.stdout
    while "watching 1 file;" not in watching.stdout.readline():
        assert watching.poll() is None
    os.close(ours)
    assert watching.communicate()[0] == ""
    assert watching.returncode == 129
