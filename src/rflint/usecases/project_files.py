"""The files that a project depends on: to show them, watch them, or compare with a commit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from rflint.cache.cache import Cache
from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.read import load_configuration
from rflint.configuration.requests import Request, requests_for
from rflint.usecases.project_rules import outlined_rules
from rflint.usercode.closure import ImportClosure, import_closure

_DATA = (".json", ".toml", ".yaml", ".yml")
"""What configures models, as a rule."""


class ProjectFiles:
    """The files of each model, and those that all models depend on.

    The import statements do not name all of them; an earlier run has recorded the others.
    """

    def __init__(self, configuration: Configuration, cache: Cache | None) -> None:
        self.configuration = configuration
        self.cache = cache

    @classmethod
    def of_project(cls, configuration: Configuration, *, use_cache: bool) -> ProjectFiles:
        """The files of a project, with those that earlier runs recorded if the cache is used."""
        cached = use_cache and configuration.cache is not False
        return cls(configuration, Cache(configuration.root) if cached else None)

    def of(self, request: Request) -> ImportClosure:
        """The files of one model, without those of the configuration.

        An earlier run has recorded the sources of all its models together. They are added only
        where the import statements leave something open, or where a file is gone; data files that
        were read are always added.
        """
        written = import_closure(request.target, request.root, request.pythonpath)
        seen = self._seen(request)
        more = [
            file
            for file in seen or ()
            if written.is_open or not file.endswith(".py") or not os.path.exists(file)
        ]
        files = {
            os.path.realpath(file) for file in (*written.files, *request.argument_files, *more)
        }
        return ImportClosure(frozenset(files), written.is_open and seen is None)

    def common(self) -> set[str]:
        """The files that all models depend on: the configuration, rules and the baseline."""
        configuration = self.configuration
        found = {configuration.path} if configuration.path else set()
        for path in configuration.rule_files:
            found |= set(path.glob("*.py")) if path.is_dir() else {path}
        if configuration.baseline:
            found.add(configuration.within(configuration.baseline))
        return {os.path.realpath(path) for path in found}

    def of_all(self, requests: Iterable[Request]) -> set[str]:
        """All files that a run depends on."""
        return self.common().union(*(self.of(request).files for request in requests))

    def affect(self, request: Request, changed: Sequence[str]) -> bool:
        """Whether a model depends on one of these files."""
        paths = {os.path.realpath(path) for path in changed}
        if paths & self.common():
            return True
        own = self.of(request)
        # nobody knows yet what it reads: then it may be any of these
        unknown = [".py"] if own.is_open else []
        if self._seen(request) is None:
            unknown += _DATA
        return bool(paths & own.files) or any(path.endswith(tuple(unknown)) for path in paths)

    def _seen(self, request: Request) -> tuple[str, ...] | None:
        """The files that an earlier run recorded; None if there was none."""
        return self.cache.known_files(request) if self.cache else None


def planned_requests(
    targets: Sequence[str], options: ModelOptions, configuration: Configuration
) -> tuple[Request, ...]:
    """The requests of a run, as far as they are known without running the project's own rules."""
    rules, all_read = outlined_rules(configuration)
    return requests_for(targets, options, configuration, rules, lenient=not all_read)


def watched_files(
    targets: Sequence[str], options: ModelOptions, config: Path | None, *, isolated: bool
) -> set[str]:
    """All files that a run depends on. The configuration is read anew, since it changes, too."""
    configuration = load_configuration(config, isolated=isolated)
    files = ProjectFiles(configuration, Cache(configuration.root))
    return files.of_all(planned_requests(targets, options, configuration))
