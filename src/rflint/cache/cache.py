"""The cache of a run: reports of earlier runs, looked up and saved.

The key of a report is made of what is known before the user's code runs: target, options, rules,
the versions of all installed packages. The record under that key also holds what the report was
found to depend on while the code ran.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from rflint._version import __version__
from rflint.cache.collect import collect_dependencies
from rflint.cache.dependencies import CurrentState
from rflint.cache.environment import common_dependencies, own_folders
from rflint.cache.fingerprints import digest, is_readable
from rflint.cache.store import Record, Store
from rflint.cache.tracker import Tracker
from rflint.errors import error_text
from rflint.report.model_report import ModelReport
from rflint.usercode.closure import import_closure
from rflint.usercode.module_place import module_place


class Question(Protocol):
    """What a report answers: a model, and how it is to be linted."""

    @property
    def target(self) -> str:
        """`package.module:attribute` or `file.py:attribute`."""

    @property
    def root(self) -> Path:
        """The folder that the target is looked for in."""

    @property
    def pythonpath(self) -> tuple[Path, ...]:
        """Folders that its modules are looked for in, before all others."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments of the builder."""

    @property
    def identity(self) -> str:
        """A text that is equal for questions with the same answer, if no code changes."""


class Cache:
    """The cache in the folder `root`, during one run."""

    def __init__(self, root: Path) -> None:
        self._store = Store(root)
        self._tracker = Tracker(tuple(f"{x}{os.sep}" for x in own_folders()))
        self._state = CurrentState(dict(os.environ))
        self._path = tuple(sys.path)

    @contextmanager
    def watch(self, question: Question | None = None) -> Iterator[None]:
        """Track what a model depends on while it is linted; without one, what rules depend on."""
        self._store.prepare()  # before anything lists the folder that it is made in
        closure = (
            import_closure(question.target, question.root, question.pythonpath)
            if question
            else None
        )
        with self._tracker.watch(closure):
            yield

    def key(self, question: Question) -> str:
        """The name of the record of a question."""
        # a link to the target may lead to another file by now
        module = question.target.rpartition(":")[0]
        real = os.path.realpath(question.root / module)
        place = module_place(module, question.root, question.pythonpath)
        return digest(repr((question.identity, real, place, self._common_dependencies)))

    def lookup(self, key: str) -> ModelReport | None:
        """The report of an earlier run, if nothing has changed that it depends on."""
        record = self._store.load(key)
        if record is None or record.report is None or not record.dependencies.hold(self._state):
            return None
        return record.report

    def first_change(self, key: str) -> str:
        """What has changed since the report under this key was saved; empty if there is none."""
        record = self._store.load(key)
        if record is None or record.report is None:
            return ""
        return next(record.dependencies.changes(self._state), "")

    def known_files(self, question: Question) -> tuple[str, ...] | None:
        """The files that an earlier run depended on, whether or not they have changed since.

        None if there was no such run.
        """
        record = self._store.load(_files_key(question))
        if record is None:
            return None
        files = record.dependencies.files
        return tuple(path for path, content in files if is_readable(content))

    def save(self, key: str, question: Question, report: ModelReport) -> tuple[str, ...]:
        """Save a report, unless there are reasons why it cannot be cached: these are returned."""
        try:
            found, reasons = collect_dependencies(self._tracker.run)
            self._store.save(key, Record(found, None if reasons else report))
            self._store.save(_files_key(question), Record(found, None))
        except Exception as error:  # the model was linted all the same
            return (f"cannot be kept ({error_text(error)})",)
        return reasons or ((self._store.problem,) if self._store.problem else ())

    @cached_property
    def _common_dependencies(self) -> tuple[object, ...]:
        """First asked for when the rules are loaded, and no model is."""
        return common_dependencies(self._path, self._tracker.run.environment)


def _files_key(question: Question) -> str:
    """The name of the record of the files that a target depends on.

    It leaves out the rules: who asks for the files may not have loaded those of the project.
    """
    arguments = sorted(question.arguments.items())
    target = question.target, str(question.root), arguments
    return digest(repr(("files", *target, __version__)))
