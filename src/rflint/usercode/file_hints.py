"""Hints for a file that does not exist."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.paths import relative_path

_FOLDERS_ABOVE = 4
"""In so many folders around a script its data is looked for."""


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


def data_elsewhere(error: BaseException, beside: Path | None) -> str:
    """For a file that code opened by a relative path, and that lies near the code; else empty.

    `beside` is the file whose code it is: scripts are written to be run in their folder, or in one
    above it.
    """
    name = getattr(error, "filename", None)
    if not isinstance(error, FileNotFoundError) or not isinstance(name, str) or beside is None:
        return ""
    if Path(name).is_absolute():
        return ""
    for folder in beside.resolve().parents[:_FOLDERS_ABOVE]:
        if folder != Path.cwd() and (folder / name).exists():
            return (
                f"The path {name} is relative to the current folder, and it lies in "
                f"{relative_path(folder)}: run rflint there, or open it by "
                "Path(__file__).parent in the code."
            )
    return ""
