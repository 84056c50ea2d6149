"""Fingerprints of files and folders: short texts that are equal if nothing has changed.

None of these functions ever fails.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable

MISSING = ""
"""The fingerprint of what does not exist."""

_LARGE = 1 << 23
"""Files above this size (checkpoints) are not read: that would take too long in every run."""


def digest(text: str) -> str:
    """A fixed-length digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def content_fingerprint(path: str) -> str:
    """Of a file's content, and of where it lies if the path leads through a link.

    Of a large file, its size, times and inode count: a program can set back the time of a change,
    but not the time at which the inode changed.
    """
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if found.st_size > _LARGE:
                times = f"{found.st_mtime_ns} {found.st_ctime_ns}"
                content = f"{found.st_size} {times} {found.st_ino}"
            else:
                content = hashlib.sha256(file.read()).hexdigest()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return MISSING
    except OSError as error:  # a folder, or not readable: programs tell these from a missing file
        return f"error {error.errno}"
    real = os.path.realpath(path)  # reports name source files by it
    return content if real == path else f"{content} {real}"


def is_readable(content: str) -> bool:
    """Whether a content fingerprint is that of a file that could be read."""
    return content != MISSING and not content.startswith("error")


def kind_fingerprint(path: str) -> str:
    """Of what a path is (a file, a folder), and of where a link leads."""
    return _through_links(path, lambda found: str(stat.S_IFMT(found.st_mode)))


def stat_fingerprint(path: str) -> str:
    """Of a file's kind, permissions, size and time of change; of a folder, only that it is one."""
    return _through_links(path, _stat_text)


def _stat_text(found: os.stat_result) -> str:
    if stat.S_ISDIR(found.st_mode):
        return "folder"
    return f"{found.st_mode} {found.st_size} {found.st_mtime_ns}"


def _through_links(path: str, text_of: Callable[[os.stat_result], str]) -> str:
    try:
        found = os.lstat(path)
        if not stat.S_ISLNK(found.st_mode):
            return text_of(found)
        link = f"-> {os.readlink(path)}"
        try:
            return f"{link} {text_of(os.stat(path))}"
        except OSError:
            return link
    except (OSError, ValueError):
        return MISSING


def names_in(folder: str) -> tuple[str, ...]:
    """The sorted names in a folder; those of folders end with a slash."""
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted(f"{x.name}/" if x.is_dir() else x.name for x in entries))
    except (OSError, ValueError):
        return ()


def folder_fingerprint(path: str, *, with_stats: bool) -> str:
    """Of the names in a folder, and of what `stat_fingerprint` says of each, if wanted."""
    names = names_in(path)
    entries = (
        [f"{name} {stat_fingerprint(os.path.join(path, name))}" for name in names]
        if with_stats
        else names
    )
    exists = os.path.isdir(path)
    return digest("\0".join((str(exists), *entries)))
