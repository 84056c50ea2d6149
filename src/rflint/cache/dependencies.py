"""What a report depends on, and whether that has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rflint.cache.fingerprints import (
    MISSING,
    content_fingerprint,
    digest,
    folder_fingerprint,
    kind_fingerprint,
    names_in,
    stat_fingerprint,
)
from rflint.usercode.paths import short_path


@dataclass(frozen=True, slots=True)
class ImportSearch:
    """A folder that imports look for modules in, and what they would find of these names."""

    folder: str
    names: frozenset[str]
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Files, folders and environment variables, each with a fingerprint."""

    files: tuple[tuple[str, str], ...] = ()
    """By their contents."""
    stats: tuple[tuple[str, str], ...] = ()
    """By size and time of change."""
    kinds: tuple[tuple[str, str], ...] = ()
    """By whether they exist, and as what."""
    folders: tuple[tuple[str, bool, str], ...] = ()
    """By the names in them, without or with the stats of each."""
    variables: tuple[tuple[str, str], ...] = ()
    environment: str = ""
    """A digest of all variables, if all were read."""
    searches: tuple[ImportSearch, ...] = ()

    def hold(self, state: CurrentState) -> bool:
        """Whether nothing has changed."""
        return next(self.changes(state), None) is None

    def changes(self, state: CurrentState) -> Iterator[str]:
        """What has changed, in words."""
        for path, fingerprint in self.files:
            if state.content(path) != fingerprint:
                yield f"{short_path(Path(path))} has changed"
        for path, fingerprint in self.stats:
            if state.stats(path) != fingerprint:
                yield f"{short_path(Path(path))} has changed"
        for path, fingerprint in self.kinds:
            if state.kind(path) != fingerprint:
                yield f"{short_path(Path(path))} has come, or gone"
        for path, with_stats, fingerprint in self.folders:
            if state.folder(path, with_stats=with_stats) != fingerprint:
                yield f"the folder {short_path(Path(path))} has changed"
        for name, fingerprint in self.variables:
            if state.variable(name) != fingerprint:
                yield f"the environment variable {name} has changed"
        if self.environment not in ("", state.whole_environment):
            yield "the environment has changed"
        for search in self.searches:
            if state.importable(search.folder, search.names) != search.entries:
                yield f"imports would find something else in {search.folder}"


@dataclass(slots=True)
class CurrentState:
    """Files and environment variables as they are in this run, each looked at once."""

    environment: dict[str, str]
    _contents: dict[str, str] = field(default_factory=dict)
    _listings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _stats: dict[str, str] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)
    _folders: dict[tuple[str, bool], str] = field(default_factory=dict)

    def content(self, path: str) -> str:
        """The fingerprint of a file's content."""
        if path not in self._contents:
            self._contents[path] = content_fingerprint(path)
        return self._contents[path]

    def stats(self, path: str) -> str:
        """The fingerprint of a file's size and time of change."""
        if path not in self._stats:
            self._stats[path] = stat_fingerprint(path)
        return self._stats[path]

    def kind(self, path: str) -> str:
        """The fingerprint of what a path is."""
        if path not in self._kinds:
            self._kinds[path] = kind_fingerprint(path)
        return self._kinds[path]

    def folder(self, path: str, *, with_stats: bool) -> str:
        """The fingerprint of the names in a folder, without or with the stats of each."""
        key = path, with_stats
        if key not in self._folders:
            self._folders[key] = folder_fingerprint(path, with_stats=with_stats)
        return self._folders[key]

    def importable(self, folder: str, names: frozenset[str]) -> tuple[str, ...]:
        """The entries of a folder that importing these names can find."""
        return tuple(
            self._with_init(folder, entry) if entry.endswith("/") else entry
            for entry in self._names(folder)
            if entry.rstrip("/").partition(".")[0] in names
        )

    def variable(self, name: str) -> str:
        """A digest of an environment variable, since its value can be a secret."""
        value = self.environment.get(name)
        return MISSING if value is None else digest(value)

    @property
    def whole_environment(self) -> str:
        """A digest of all environment variables."""
        return digest(repr(sorted(self.environment.items())))

    def _with_init(self, folder: str, name: str) -> str:
        """Whether a folder has an __init__ decides if it comes before a module of its name."""
        inside = self._names(os.path.join(folder, name))
        return f"{name}__init__" if any(x.startswith("__init__.") for x in inside) else name

    def _names(self, path: str) -> tuple[str, ...]:
        if path not in self._listings:
            self._listings[path] = names_in(path)
        return self._listings[path]
