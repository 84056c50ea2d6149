"""All requests of a run: answered from the cache, or by building and linting the model.

torch is imported for the first model that the cache has no answer for.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rflint.cache.cache import Cache
from rflint.configuration.requests import Request
from rflint.errors import RflintError, as_rflint_error
from rflint.report.report import ModelReport
from rflint.usecases.collector import collector_paused
from rflint.usercode.contained import is_interrupt
from rflint.usercode.importable import Importable
from rflint.usercode.stdout import stdout_to_stderr
from rflint.usercode.target import check, load

if TYPE_CHECKING:
    from rflint.tracing.model.build import Built


class Run:
    """What is shared by the requests of one run."""

    def __init__(
        self,
        cache: Cache | None,
        failed: Callable[[str, RflintError], None],
        starts: Callable[[int, Request], None] = lambda index, request: None,
    ) -> None:
        self.cache = cache
        self.failed = failed
        """Told of everything that goes wrong, and of what it concerns."""
        self.starts = starts
        """Told of every model before it is looked at."""
        self.notes: list[str] = []
        """For --verbose."""
        self._built: dict[str, Built | RflintError] = {}
        self._fresh = Importable()

    def reports(self, requests: Sequence[Request]) -> list[tuple[ModelReport, Request]]:
        """The report of every request that can be answered, before its policy is applied."""
        keys = [self.cache.key(x) if self.cache else "" for x in requests]
        found = []
        for index, (request, key) in enumerate(zip(requests, keys, strict=True)):
            self.starts(index, request)
            report = self.cache.answer(key) if self.cache else None
            if report is None:
                if self.cache and (why := self.cache.why_not(key)):
                    self.notes.append(f"{request.title} was linted anew: {why}")
                report = self._lint(request, key)
            else:
                self.notes.append(f"{request.title} was answered by the cache")
            if report is not None:
                found.append((replace(report, name=request.name), request))
        return found

    def _lint(self, request: Request, key: str) -> ModelReport | None:
        try:
            check(request.target, request.root, request.hint)
            with warnings_kept(self.notes):
                _import_torch()
            from rflint.usecases.linter import lint_model

            watched = self.cache.watch(request) if self.cache else nullcontext()
            with in_this_folder(), watched, warnings_kept(self.notes):
                built = self._model(request)
                with stdout_to_stderr(), without_our_arguments():
                    report, broken = lint_model(
                        built,
                        request.target,
                        request.policy.rules,
                        request.resolution,
                        list(request.shapes) or None,
                        request.options,
                    )
        except BaseException as error:
            if is_interrupt(error):
                raise
            self.failed(request.title, as_rflint_error(error))
            return None
        for problem in broken:
            self.failed(request.title, problem)
        if self.cache and not broken:
            reasons = self.cache.keep(key, request, report)
            self.notes += [f"{request.title} is not cached: it {x}" for x in reasons[:1]]
        return report

    def _model(self, request: Request) -> Built:
        """Built once for all resolutions; so is the reason why it could not be built."""
        arguments = repr(sorted(request.arguments.items()))
        key = f"{request.root}\0{request.target}\0{arguments}"
        if key not in self._built:
            self._fresh.restore(request.target, request.root)
            try:
                self._built[key] = built(request.target, request.root, request.arguments)
            except Exception as error:
                self._built[key] = as_rflint_error(error)
        found = self._built[key]
        if isinstance(found, RflintError):
            raise found
        return found


def built(target: str, root: Path, arguments: Mapping[str, Any]) -> Built:
    """Import a target and build its model; the first moment at which torch is needed."""
    check(target, root)
    _import_torch()
    from rflint.tracing.model.build import build
    from rflint.tracing.model.construction import construction_recorded

    with stdout_to_stderr(), without_our_arguments():
        with collector_paused(), construction_recorded():
            attribute = load(target, root)
        gc.freeze()  # what was imported stays: later rounds need not look at it
        return build(attribute, arguments, target)


@contextmanager
def without_our_arguments() -> Iterator[None]:
    """A script that reads the command line reads none: it is not the program that was called.

    Whether that was `rflint` or `python -m rflint` is none of its business either.
    """
    saved = sys.argv
    sys.argv = ["rflint"]
    try:
        yield
    finally:
        sys.argv = saved


@contextmanager
def warnings_kept(notes: list[str]) -> Iterator[None]:
    """Warnings of the user's code and of packages are for --verbose: they are not what was asked.

    Nor does any become an error, as Python can be told.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        # torch without numpy warns at import; nothing here needs numpy
        warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
        try:
            yield
        finally:
            for x in caught:
                notes.append(f"{x.filename}:{x.lineno}: {x.category.__name__}: {x.message}")


@contextmanager
def in_this_folder() -> Iterator[None]:
    """What changes the current directory does so for itself: reports name files from here."""
    folder = os.getcwd()
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(folder)


def _import_torch() -> None:
    """Import what lints, before anything of the user's is watched.

    What torch looks at while it is imported depends on its version, and is none of the user's.
    """
    with stdout_to_stderr(), collector_paused():
        import rflint.usecases.linter  # noqa: F401
