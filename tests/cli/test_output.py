"""Reports take the place of files: what becomes of permissions and links."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from rflint.cli.output import opened_output


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    for mode in (0o600, 0o640, 0o664, 0o755):
        file.write_text("old")
        file.chmod(mode)
        with opened_output(file) as stream:
            stream.write("new")
        assert stat.S_IMODE(file.stat().st_mode) == mode
        assert file.read_text() == "new"


def test_a_new_file_is_as_open_as_others(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with opened_output(tmp_path / "report.json") as stream:
            stream.write("new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "real.json", tmp_path / "link.json"
    file.write_text("old")
    file.chmod(0o604)
    link.symlink_to(file)
    with opened_output(link) as stream:
        stream.write("new")
    assert link.is_symlink()
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o604)
    assert [x.name for x in tmp_path.iterdir() if x.name not in ("real.json", "link.json")] == []
