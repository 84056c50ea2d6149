"""The cache of a run: reports of earlier runs, looked up and saved.

The key of a report is made of what is known before the user's code runs: target, options, rules,
the versions of all installed packages. The records under that key also hold what the report was
found to depend on while the code ran: one for each state of the code that was linted.
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
from rflint.cache.dependencies import CurrentState, Dependencies
from rflint.cache.environment import common_dependencies
from rflint.cache.fingerprints import digest, is_readable
from rflint.cache.store import Store
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
        self._tracker = Tracker()
        self._state = CurrentState(self._tracker.run.environment)
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
        """The report of an earlier run, if nothing has changed that it depends on.

        Or if everything is again as it was then.
        """
        for record in self._store.load(key):
            if record.dependencies.hold(self._state):
                report = record.report()
                if report is not None:
                    record.used()
                    return report
        return None

    def first_change(self, key: str) -> str:
        """What has changed since a report under this key was saved; empty if there is none.

        Of several reports, the one counts from which least has changed.
        """
        found = [list(x.dependencies.changes(self._state)) for x in self._store.load(key)]
        fewest = min(found, key=len, default=[])
        return fewest[0] if fewest else ""

    def known_files(self, question: Question) -> tuple[str, ...] | None:
        """The files that an earlier run depended on, as they are now, or else in the latest run.

        None if there was no such run.
        """
        records = list(self._store.load(_files_key(question)))
        if not records:
            return None
        held = (x for x in records if x.dependencies.hold(self._state))
        record = next(held, records[0])
        return tuple(path for path, content in record.dependencies.files if is_readable(content))

    def save(self, key: str, question: Question, report: ModelReport) -> tuple[str, ...]:
        """Save a report, unless there are reasons why it cannot be cached: these are returned."""
        try:
            found, reasons = collect_dependencies(self._tracker.run)
            if not reasons:
                self._store.save(key, found, report)
            self._store.save(_files_key(question), Dependencies(files=found.files), None)
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
