"""What an answer depends on, and whether that is still as it was."""

from __future__ import annotations

import importlib.util
import marshal
import os
import re
import stat
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from typing import Any

from rflint.cache.states import GONE, content_of, digest_of, folder_of, kind_of, names_in, state_of
from rflint.cache.tracking import Tracker
from rflint.usercode.finder import extra_folders
from rflint.usercode.ownership import is_installed

_CALENDAR = re.compile(rb"""\.\s*(?:now|utcnow|today)\b|["'](?:now|today)["']""")
"""datetime cannot be watched: what looks like asking it for the date is taken for it."""


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
    kinds: tuple[tuple[str, str], ...] = ()
    folders: tuple[tuple[str, bool, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    environment: str = ""
    """Of all variables, where all were read."""
    searches: tuple[Search, ...] = ()

    def hold(self, present: Present) -> bool:
        """Whether everything is still as it was."""
        return next(self.changes(present), None) is None

    def changes(self, present: Present) -> Iterator[str]:
        """What is not as it was, in words."""
        for path, digest in self.files:
            if present.file(path) != digest:
                yield f"{path} has changed"
        for path, state in self.states:
            if state_of(path) != state:
                yield f"{path} has changed"
        for path, kind in self.kinds:
            if kind_of(path) != kind:
                yield f"{path} has come, or gone"
        for path, in_full, digest in self.folders:
            if folder_of(path, in_full=in_full) != digest:
                yield f"the folder {path} has changed"
        for name, digest in self.variables:
            if present.variable(name) != digest:
                yield f"the environment variable {name} has changed"
        if self.environment not in ("", present.whole_environment):
            yield "the environment has changed"
        for search in self.searches:
            if present.found(search.folder, search.names) != search.entries:
                yield f"imports would find something else in {search.folder}"


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

    def found(self, folder: str, names: frozenset[str]) -> tuple[str, ...]:
        """What importing these names can find in a folder."""
        return tuple(
            self._as_package(folder, entry) if entry.endswith("/") else entry
            for entry in self._names(folder)
            if entry.rstrip("/").partition(".")[0] in names
        )

    def variable(self, name: str) -> str:
        """A digest, since values can be secrets."""
        value = self.environment.get(name)
        return GONE if value is None else digest_of(value)

    @property
    def whole_environment(self) -> str:
        """A digest of all variables."""
        return digest_of(repr(sorted(self.environment.items())))

    def _as_package(self, folder: str, name: str) -> str:
        """A folder comes before a module of its name if it has an __init__, and else after it."""
        inside = self._names(os.path.join(folder, name))
        return f"{name}__init__" if any(x.startswith("__init__.") for x in inside) else name

    def _names(self, path: str) -> tuple[str, ...]:
        if path not in self._listings:
            self._listings[path] = names_in(path)
        return self._listings[path]


def dependencies(tracker: Tracker) -> tuple[Dependencies, tuple[str, ...]]:
    """What a run depended on, and why its answer cannot be kept; no reasons: it can."""
    present = Present(tracker.environment)
    seen = tracker.all_seen()
    reasons = list(seen.reasons)
    reasons += [f"read and wrote {path}" for path in sorted(seen.files & tracker.written)]
    loaded = set(user_files()) - tracker.of_others()
    files = sorted({*loaded, *seen.files, *filter(_may_be_read, tracker.asked_by_packages)})
    for path in files:
        reasons += _doubts(path, started=tracker.started)
    found = Dependencies(
        files=tuple((path, present.file(path)) for path in files),
        states=tuple((path, state_of(path)) for path in sorted(seen.states)),
        kinds=tuple((path, kind_of(path)) for path in sorted(seen.kinds)),
        folders=tuple((*asked, digest) for asked, digest in sorted(seen.folders.items())),
        variables=tuple((name, present.variable(name)) for name in sorted(tracker.variables)),
        environment=present.whole_environment if tracker.whole_environment else "",
        searches=tuple(_searches(tracker, present)),
    )
    return found, tuple(dict.fromkeys(reasons))


_NOT_THE_USERS = ("rflint", "__main__", "__mp_main__")
"""The program, and what multiprocessing makes of it."""


def user_files() -> Iterable[str]:
    """Of every module that is loaded and not installed."""
    for name, module in list(sys.modules.items()):
        file = _attribute(module, "__file__")
        if not isinstance(file, str) or any(x in file for x in _INSTALLED):
            continue
        if str(name).partition(".")[0] not in _NOT_THE_USERS:
            path = os.path.abspath(file)
            if not is_installed(path):
                yield path


_INSTALLED = tuple(f"{os.sep}{x}{os.sep}" for x in ("site-packages", "dist-packages"))
"""What is_installed looks for, too; but of thousands of modules, most have it."""


def _attribute(module: Any, name: str) -> Any:
    """Anything may stand in sys.modules, and do anything when it is asked."""
    try:
        return getattr(module, name, None)
    except Exception:
        return None


def _may_be_read(path: str) -> bool:
    """Whether it is a file, or may become one."""
    return kind_of(path) in (GONE, str(stat.S_IFREG)) or os.path.isfile(path)


def _doubts(path: str, *, started: float) -> Iterable[str]:
    """Why a file's content does not say what was read of it."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(found.st_mode):
        # who opens a folder cannot read it, and is told so
        if not stat.S_ISDIR(found.st_mode):
            yield f"read {path}, which is no regular file"
    elif int(found.st_mtime) >= int(started) or found.st_ctime > started:
        # it may have changed since it was read; and Python takes a source for what it compiled
        # before where both changed within a second
        yield f"read {path}, which has only just changed"
    elif path.endswith(".py"):
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError:
            return
        if _CALENDAR.search(source):
            yield f"may ask for the date ({path})"
        if _is_compiled_otherwise(path, source, found):
            yield f"runs what Python has compiled of another {path}"


def _is_compiled_otherwise(path: str, source: bytes, found: os.stat_result) -> bool:
    """Whether Python may run what it once compiled of another source.

    It goes by size and time, which a restored file can have in common with the one before.
    """
    try:
        compiled = importlib.util.cache_from_source(path)
        if os.stat(compiled).st_mtime > found.st_ctime:
            return False
        with open(compiled, "rb") as file:
            content = file.read()
        return bool(marshal.loads(content[16:]) != compile(source, path, "exec", dont_inherit=True))
    except (OSError, NotImplementedError):
        return False  # there is none
    except Exception:  # neither can be run: nor has it been
        return False


def _searches(tracker: Tracker, present: Present) -> Iterable[Search]:
    """The user's folders that imports search, for files that would come before those found."""
    names = {*tracker.imports, *filter(lambda name: isinstance(name, str), sys.modules)}
    below: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        package, _, last = name.rpartition(".")
        below[package].add(last)
    top = frozenset(below[""])
    path = (os.path.abspath(x or ".") for x in sys.path if isinstance(x, str | os.PathLike))
    for folder in dict.fromkeys((*path, *tracker.path, *map(os.path.abspath, extra_folders()))):
        if not is_installed(folder):
            yield Search(folder, top, present.found(folder, top))
    for package, module in list(sys.modules.items()):
        spec = _attribute(module, "__spec__")
        folders = spec.submodule_search_locations if isinstance(spec, ModuleSpec) else None
        # what __path__ says counts, which a package can change
        places = [*(folders or ()), *(_attribute(module, "__path__") or ())] if folders else ()
        if str(package).partition(".")[0] == "rflint":
            continue
        for folder in dict.fromkeys(os.path.abspath(x) for x in places if isinstance(x, str)):
            if not any(x in folder for x in _INSTALLED) and not is_installed(folder):
                inside = frozenset(below[package]) | {"__init__"}
                yield Search(folder, inside, present.found(folder, inside))
