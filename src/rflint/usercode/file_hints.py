"""Hints for a file that does not exist."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.paths import relative_path


def missing_file(path: str, root: Path) -> str:
    """For a file that does not exist: files with a similar name, or that its folder is missing."""
    folder = (root / path).parent
    if not folder.is_dir():
        return f"There is no folder {relative_path(folder)}."
    files: list[str] = []
    with suppress(OSError):
        files = [x.name for x in folder.iterdir() if x.suffix == Path(path).suffix]
    found = similar(Path(path).name, files, 3, ignore_case=True)
    return did_you_mean([str(Path(path).with_name(x)) for x in found])
