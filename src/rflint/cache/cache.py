"""Answers of earlier runs, for as long as nothing has changed that they depend on.

    tracking (what the user's code looks at) --> dependencies --> store

A request's key holds what is known before the user's code runs: target, options, rules, the
versions of everything that is installed. The record under that key holds what was found out while
it ran: the files it is made of, and what else it looked at.
"""

from __future__ import annotations

import locale
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from rflint._version import __version__
from rflint.cache.dependencies import Present, user_files
from rflint.cache.dependencies import dependencies as dependencies_of
from rflint.cache.states import GONE, content_of, digest_of
from rflint.cache.store import FOLDER, Record, Store, clean
from rflint.cache.tracking import Tracker
from rflint.errors import error_text
from rflint.report.report import ModelReport
from rflint.usercode.closure import import_closure

if TYPE_CHECKING:
    from rflint.configuration.requests import Request

__all__ = ["FOLDER", "Cache", "clean"]

_SETTINGS = ("TORCH", "PYTORCH", "PYTHON", "RFLINT", "CUDA", "OMP")
"""Variables that torch and Python read where nobody watches begin with these."""


class Cache:
    """The cache of one run."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self.tracker = Tracker(own=tuple(f"{x}{os.sep}" for x in _own_folders()))
        self.present = Present(dict(os.environ))
        self.path = tuple(sys.path)

    @contextmanager
    def watch(self, request: Request | None = None) -> Iterator[None]:
        """While the user's code runs, for a model or to load rules.

        The folder is made before, for it may be listed.
        """
        self.store.prepare()
        with self.tracker.watch(import_closure(request.target, request.root) if request else None):
            yield

    def key(self, request: Request) -> str:
        """The name of a record: all that is asked for, and where a link to the target leads."""
        real = os.path.realpath(request.root / request.target.rpartition(":")[0])
        return digest_of(repr((request.identity, real, self._surroundings)))

    def answer(self, key: str) -> ModelReport | None:
        """The report of an earlier run, if it would be the same now."""
        record = self.store.load(key)
        if record is None or record.report is None or not record.dependencies.hold(self.present):
            return None
        return record.report

    def why_not(self, key: str) -> str:
        """Of an earlier run's answer that does not hold any more: what has changed since."""
        record = self.store.load(key)
        if record is None or record.report is None:
            return ""
        return next(record.dependencies.changes(self.present), "")

    def known_files(self, request: Request) -> tuple[str, ...]:
        """The files that an earlier run depended on, whether or not they have changed since."""
        record = self.store.load(_trail(request))
        files = record.dependencies.files if record else ()
        return tuple(x for x, digest in files if digest != GONE and not digest.startswith("error"))

    def keep(self, key: str, request: Request, report: ModelReport) -> tuple[str, ...]:
        """Write a report; or, where reasons come back, only what it depended on."""
        try:
            found, reasons = dependencies_of(self.tracker)
            self.store.save(key, Record(found, None if reasons else report))
            self.store.save(_trail(request), Record(found, None))
        except Exception as error:  # the model could be linted: that it is not kept is no matter
            return (f"cannot be kept ({error_text(error)})",)
        return reasons or ((self.store.problem,) if self.store.problem else ())

    @cached_property
    def _surroundings(self) -> tuple[object, ...]:
        """What holds for all requests of a run. Rules are loaded when it is first asked for."""
        return (
            __version__,
            [_sources(folder) for folder in _own_folders()],
            sys.version,
            sys.flags,
            *_machine(),
            os.getcwd(),
            self.path,
            [_distributions(Path(folder)) for folder in self.path],
            sorted(x for x in self.tracker.environment.items() if x[0].startswith(_SETTINGS)),
            sorted((path, content_of(path)) for path in set(user_files())),
        )


def _trail(request: Request) -> str:
    """The name of the record of what a target depends on, whatever rules it is linted by.

    Who asks for it has not loaded those of the project.
    """
    arguments = sorted(request.arguments.items())
    return digest_of(repr(("files", request.target, str(request.root), arguments, __version__)))


def _own_folders() -> tuple[Path, Path]:
    """Of the program, and of its rules."""
    rules = Path(str(import_module("rflint.rules").__file__)).parent
    return Path(__file__).parents[1], rules


def _machine() -> tuple[object, ...]:
    """What programs ask it for without opening a file."""
    usable = getattr(os, "sched_getaffinity", lambda process: ())
    user = getattr(os, "geteuid", int)
    accelerators = [os.path.exists(path) for path in ("/dev/nvidiactl", "/dev/kfd")]
    kind = platform.system(), platform.machine()
    encodings = locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding()
    return kind, os.cpu_count(), len(usable(0)), user(), accelerators, encodings


def _sources(folder: Path) -> list[tuple[str, int, int]]:
    """Of rflint's own files, which change without its version where it is developed."""
    found = []
    for inside, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".py"):
                state = os.stat(os.path.join(inside, name))
                found.append((os.path.join(inside, name), state.st_size, state.st_mtime_ns))
    return sorted(found)


def _distributions(folder: Path) -> list[tuple[str, str, int]]:
    """What is installed in a folder of sys.path, by the names of folders, which hold the versions.

    A version that came from an index never changes. One that was installed from a folder or a
    repository is often installed anew under the same number, so there the time counts too; but
    for rflint itself, whose content counts.
    """
    try:
        entries = [x for x in os.scandir(folder) if ".dist-info" in x.name or ".egg" in x.name]
    except OSError:
        return []
    found = []
    for entry in entries:
        origin = content_of(os.path.join(entry.path, "direct_url.json"))
        changes = bool(origin) and not entry.name.startswith("rflint-")
        found.append((entry.name, origin, entry.stat().st_mtime_ns if changes else 0))
    return sorted(found)
