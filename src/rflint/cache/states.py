"""What files and folders hold, as short texts that can be compared. No look at them ever fails."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable

GONE = ""
"""Stands for what does not exist."""

_LARGE = 1 << 23
"""Of a larger file (a check point) nobody wants the content to be read in every run."""


def digest_of(text: str) -> str:
    """Of any text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def content_of(path: str) -> str:
    """A digest of a file's content, or GONE; and where it lies, if that is elsewhere.

    Of a large one: its size, its times and its number. A program can set the time of a change
    back, but not that of the change to the entry.
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
        return GONE
    except OSError as error:  # a folder, or nothing for us: programs tell that from nothing at all
        return f"error {error.errno}"
    real = os.path.realpath(path)  # reports tell of places by it
    return content if real == path else f"{content} {real}"


def kind_of(path: str) -> str:
    """File or folder, and where a link leads; or GONE."""
    return _through_links(path, lambda found: str(stat.S_IFMT(found.st_mode)))


def state_of(path: str) -> str:
    """Kind, permissions, size and time of change, or GONE; of a folder only that it is one."""
    return _through_links(path, _state)


def _state(found: os.stat_result) -> str:
    if stat.S_ISDIR(found.st_mode):
        return "folder"
    return f"{found.st_mode} {found.st_size} {found.st_mtime_ns}"


def _through_links(path: str, told: Callable[[os.stat_result], str]) -> str:
    try:
        found = os.lstat(path)
        if not stat.S_ISLNK(found.st_mode):
            return told(found)
        link = f"-> {os.readlink(path)}"
        try:
            return f"{link} {told(os.stat(path))}"
        except OSError:
            return link
    except (OSError, ValueError):
        return GONE


def names_in(folder: str) -> tuple[str, ...]:
    """Those of folders end with a slash, as they are told apart without being looked at."""
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted(f"{x.name}/" if x.is_dir() else x.name for x in entries))
    except (OSError, ValueError):
        return ()


def folder_of(path: str, *, in_full: bool) -> str:
    """A digest of the names in a folder; in full, with the state of each."""
    names = names_in(path)
    told = [f"{name} {state_of(os.path.join(path, name))}" for name in names] if in_full else names
    exists = os.path.isdir(path)
    return digest_of("\0".join((str(exists), *told)))
