"""What an answer depends on, and whether that is still as it was."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec

from rflint.cache.tracking import Tracker
from rflint.places import is_installed

_LARGEST = 1 << 28
"""Of a larger file (a check point) nobody wants the content to be read in every run."""
_CALENDAR = re.compile(rb"\.\s*(?:now|utcnow|today)\s*\(")
"""datetime cannot be watched: what looks like asking it for the date is taken for it."""

GONE = ""
"""Stands for the content of what does not exist."""


@dataclass(frozen=True, slots=True)
class Search:
    """A folder in which imports look for modules, and what they would find of these names."""

    folder: str
    names: frozenset[str]
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Files, folders and variables, each with a digest of what it held."""

    files: tuple[tuple[str, str], ...] = ()
    states: tuple[tuple[str, str], ...] = ()
    folders: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    environment: str = ""
    """Of all variables, where all were read."""
    searches: tuple[Search, ...] = ()

    def hold(self, present: Present) -> bool:
        """Whether everything is still as it was."""
        return (
            all(present.file(path) == digest for path, digest in self.files)
            and all(state_of(path) == state for path, state in self.states)
            and all(present.folder(path) == digest for path, digest in self.folders)
            and all(present.variable(name) == digest for name, digest in self.variables)
            and self.environment in ("", present.whole_environment)
            and all(
                present.found(search.folder, search.names) == search.entries
                for search in self.searches
            )
        )


@dataclass(slots=True)
class Present:
    """The state of things during one run; what several answers depend on is looked at once."""

    environment: dict[str, str]
    _files: dict[str, str] = field(default_factory=dict)
    _listings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def file(self, path: str) -> str:
        """A digest of a file's content."""
        if path not in self._files:
            self._files[path] = content_of(path)
        return self._files[path]

    def folder(self, path: str) -> str:
        """A digest of the names in a folder."""
        return digest_of("\0".join(self._names(path)))

    def found(self, folder: str, names: frozenset[str]) -> tuple[str, ...]:
        """What importing these names can find in a folder."""
        return tuple(entry for entry in self._names(folder) if entry.partition(".")[0] in names)

    def variable(self, name: str) -> str:
        """A digest, since values can be secrets."""
        value = self.environment.get(name)
        return GONE if value is None else digest_of(value)

    @property
    def whole_environment(self) -> str:
        """A digest of all variables."""
        return digest_of(repr(sorted(self.environment.items())))

    def _names(self, path: str) -> tuple[str, ...]:
        if path not in self._listings:
            try:
                self._listings[path] = tuple(sorted(os.listdir(path)))
            except OSError:
                self._listings[path] = ()
        return self._listings[path]


def dependencies(tracker: Tracker) -> tuple[Dependencies, tuple[str, ...]]:
    """What a run depended on, and why its answer cannot be kept; no reasons: it can."""
    present = Present(tracker.environment)
    reasons = list(tracker.reasons)
    reasons += [f"read and wrote {path}" for path in sorted(tracker.files & tracker.written)]
    sources = set(user_files())
    asked = {path for path in tracker.asked_by_packages if not os.path.isdir(path)}
    files = sorted(sources | tracker.files | asked)
    for path in files:
        reasons += _doubts(path, is_source=path in sources, started=tracker.started)
    found = Dependencies(
        files=tuple((path, present.file(path)) for path in files),
        states=tuple((path, state_of(path)) for path in sorted(tracker.states)),
        folders=tuple((path, present.folder(path)) for path in sorted(tracker.folders)),
        variables=tuple((name, present.variable(name)) for name in sorted(tracker.variables)),
        environment=present.whole_environment if tracker.whole_environment else "",
        searches=tuple(_searches(tracker.imports, present)),
    )
    return found, tuple(dict.fromkeys(reasons))


_NOT_THE_USERS = ("rflint", "__main__", "__mp_main__")
"""The program, and what multiprocessing makes of it."""


def user_files() -> Iterable[str]:
    """Of every module that is loaded and not installed."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and name.partition(".")[0] not in _NOT_THE_USERS:
            path = os.path.abspath(file)
            if not is_installed(path):
                yield path


def _doubts(path: str, *, is_source: bool, started: float) -> Iterable[str]:
    """Why a file's content does not say what was read of it."""
    try:
        found = os.stat(path)
    except OSError:
        return
    if not stat.S_ISREG(found.st_mode):
        yield f"read {path}, which is no regular file"
    elif found.st_size > _LARGEST:
        yield f"read {path}, which is large"
    elif int(found.st_mtime) >= int(started):
        # it may have changed since it was read; and Python takes a source for what it compiled
        # before where both changed within a second
        yield f"read {path}, which has only just changed"
    elif is_source and path.endswith(".py"):
        with open(path, "rb") as source:
            if _CALENDAR.search(source.read()):
                yield f"may ask for the date ({path})"


def _searches(attempted: Iterable[str], present: Present) -> Iterable[Search]:
    """The user's folders that imports search, for files that would come before those found."""
    names = {*attempted, *sys.modules}
    top = frozenset(name for name in names if "." not in name)
    for folder in dict.fromkeys(os.path.abspath(entry or ".") for entry in sys.path):
        if not is_installed(folder):
            yield Search(folder, top, present.found(folder, top))
    for package, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        folders = spec.submodule_search_locations if isinstance(spec, ModuleSpec) else None
        if package.partition(".")[0] == "rflint":
            continue
        for folder in map(os.path.abspath, folders or ()):
            if not is_installed(folder):
                start = f"{package}."
                below = frozenset(
                    name[len(start) :] for name in names if name.startswith(start)
                ) | {"__init__"}
                yield Search(folder, below, present.found(folder, below))


def content_of(path: str) -> str:
    """A digest of a file's content, or GONE."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return GONE


def state_of(path: str) -> str:
    """Kind, size and time of change, or GONE; of a folder only that it is one."""
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            return f"-> {os.readlink(path)} {state_of(os.path.realpath(path))}"
    except OSError:
        return GONE
    if stat.S_ISDIR(found.st_mode):
        return "folder"
    return f"{stat.S_IFMT(found.st_mode)} {found.st_size} {found.st_mtime_ns}"


def digest_of(text: str) -> str:
    """Of any text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
