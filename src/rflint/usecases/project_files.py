"""Which files the models of a project depend on: to be shown, watched, or held against a commit."""

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
    """The files that models are made from, and those that everything depends on.

    What an earlier run has seen goes beyond what imports say as they are written.
    """

    def __init__(self, configuration: Configuration, cache: Cache | None) -> None:
        self.configuration = configuration
        self.cache = cache

    @classmethod
    def of_project(cls, configuration: Configuration, *, use_cache: bool) -> ProjectFiles:
        """With what earlier runs have seen, unless the cache is not to be used."""
        cached = use_cache and configuration.cache is not False
        return cls(configuration, Cache(configuration.root) if cached else None)

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

    def affect(self, request: Request, changed: Sequence[str]) -> bool:
        """Whether a model depends on one of these files."""
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


def planned_requests(
    targets: Sequence[str], options: ModelOptions, configuration: Configuration
) -> tuple[Request, ...]:
    """What would be linted, as far as that is known without running the project's own rules."""
    rules, all_read = outlined_rules(configuration)
    return requests_for(targets, options, configuration, rules, lenient=not all_read)


def watched_files(
    targets: Sequence[str], options: ModelOptions, config: Path | None, *, isolated: bool
) -> set[str]:
    """All files that linting depends on. The configuration is read anew: it changes too."""
    configuration = load_configuration(config, isolated=isolated)
    files = ProjectFiles(configuration, Cache(configuration.root))
    return files.of_all(planned_requests(targets, options, configuration))
