"""Which files the requests of a run depend on: to be shown, watched, or held against a commit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from rflint.cache.cache import Cache
from rflint.cli.messages import to_stdout
from rflint.configuration.configuration import Configuration
from rflint.configuration.requests import Request
from rflint.usercode.closure import ImportClosure, import_closure
from rflint.usercode.paths import short_path

_DATA = (".json", ".toml", ".yaml", ".yml")
"""What configures models, as a rule."""


class Files:
    """Of one run. What an earlier run has seen goes beyond what imports say as they are written."""

    def __init__(self, configuration: Configuration, cache: Cache | None) -> None:
        self.configuration = configuration
        self.cache = cache

    def of(self, request: Request) -> ImportClosure:
        """The files of one model, those of the configuration excepted.

        A run has seen the sources of all its models. They count where imports as they are written
        do not say everything, or where they are gone; what else it has read counts always.
        """
        written = import_closure(request.target, request.root)
        seen = self._seen(request)
        more = [
            file
            for file in seen
            if written.is_open or not file.endswith(".py") or not os.path.exists(file)
        ]
        files = {os.path.realpath(file) for file in (*written.files, *more)}
        return ImportClosure(frozenset(files), written.is_open and not seen)

    def common(self) -> set[str]:
        """The configuration, and what it names: rules and a baseline."""
        configuration = self.configuration
        found = {configuration.path} if configuration.path else set()
        for path in configuration.rule_files:
            found |= set(path.glob("*.py")) if path.is_dir() else {path}
        if configuration.baseline:
            found.add(configuration.within(configuration.baseline))
        return {os.path.realpath(path) for path in found}

    def of_all(self, requests: Iterable[Request]) -> set[str]:
        """Everything that a run depends on."""
        return self.common().union(*(self.of(request).files for request in requests))

    def concern(self, request: Request, changed: Sequence[str]) -> bool:
        """Whether one of these files has to do with a model."""
        paths = {os.path.realpath(path) for path in changed}
        if paths & self.common():
            return True
        own = self.of(request)
        # nobody knows yet what it reads: then it may be any of these
        unknown = [".py"] if own.is_open else []
        if not self._seen(request):
            unknown += _DATA
        return bool(paths & own.files) or any(path.endswith(tuple(unknown)) for path in paths)

    def _seen(self, request: Request) -> tuple[str, ...]:
        """What an earlier run has looked at."""
        return self.cache.known_files(request) if self.cache else ()

    def show(self, requests: Iterable[Request]) -> None:
        """Every model, and its files below it."""
        for request in requests:
            own = self.of(request)
            to_stdout(request.title)
            for file in sorted(own.files):
                to_stdout(f"  {short_path(Path(file))}")
            if own.is_open:
                to_stdout("  and what it imports while it runs")
