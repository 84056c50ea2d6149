"""What is not used for long is forgotten, so that the cache does not grow without end.

When a record was used last is the time of change of its file. Several runs may do this at the same
time: a file that another one has removed meanwhile is no error.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rflint._version import __version__

LARGEST = 200_000_000
"""Bytes that all records may take together."""
MOST_OF_A_KEY = 32
"""Records of one key: states of the code that somebody may come back to."""
_DAY = 24 * 3600 * 10**9
"""So long records of another version of rflint stay after they were used: it may be in use, too."""
_PAUSE = 60.0
"""Seconds between two looks at the whole folder, by whichever run."""
_LOOKED = "looked-over"
"""A file in the folder that was changed at the last look."""


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    used: int
    """In nanoseconds."""
    size: int


def latest_first(folder: Path, key: str) -> list[Path]:
    """The files of the records of a key, the one that was used last first."""
    return [Path(x.path) for x in _sorted(_files(folder, key))]


def forget_unused(root: Path, folder: Path, key: str) -> None:
    """Remove what is too much, of the records of a key and of all.

    `folder` holds those of the key, and `root` everything.
    """
    _remove(_sorted(_files(folder, key))[MOST_OF_A_KEY:])
    mark = root / _LOOKED
    with contextlib.suppress(OSError):
        if abs(time.time() - mark.stat().st_mtime) < _PAUSE:
            return
    mark.touch()
    _look_over(root)


def _look_over(root: Path) -> None:
    now, room = time.time_ns(), LARGEST
    kept: list[_File] = []
    for version in _folders(root):
        # versions before 0.2 had no folders in their folder
        for folder in (version, *_folders(version)):
            for file in _files(folder, ""):
                # what is half written, and of a run that has ended long ago, is a hidden file
                is_foreign = version.name != __version__ or file.path.endswith(".partial")
                if is_foreign and now - file.used > _DAY:
                    _remove([file])
                else:
                    kept.append(file)
    for file in _sorted(kept):
        room -= file.size
        if room < 0:
            _remove([file])
    for version in _folders(root):
        if version.name != __version__:
            for folder in (*_folders(version), version):
                with contextlib.suppress(OSError):  # it is not empty
                    folder.rmdir()


def _sorted(files: Iterable[_File]) -> list[_File]:
    return sorted(files, key=lambda file: (-file.used, file.path))


def _files(folder: Path, key: str) -> Iterator[_File]:
    """The files whose names begin with a key."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(key) and not entry.is_dir(follow_symlinks=False):
            with contextlib.suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                yield _File(entry.path, found.st_mtime_ns, found.st_size)


def _folders(folder: Path) -> list[Path]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return []
    return [Path(x.path) for x in entries if x.is_dir(follow_symlinks=False)]


def _remove(files: Iterable[_File]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            os.unlink(file.path)
