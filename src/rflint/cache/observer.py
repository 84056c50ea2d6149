"""Decides what an event in the user's code means for the cache, and notes it down."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from rflint.cache.callers import (
    Caller,
    current_caller,
    is_called_by,
    is_import_of_package,
    observed_call_frame,
    only_asks_for_kind,
)
from rflint.cache.fingerprints import folder_fingerprint
from rflint.cache.observations import RunObservations
from rflint.cache.randomness import Randomness
from rflint.usercode.ownership import is_installed, is_standard

DREW_RANDOM_NUMBERS = "drew random numbers"
READ_THE_CLOCK = "read the clock"
CANNOT_BE_FOLLOWED = "did what cannot be followed"

_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PSEUDO_FILES = ("/proc/", "/sys/", "/dev/")
_DISPLAY_MODULES = ("logging", "linecache")
"""Modules of the standard library that read clocks and files only to show them to people."""


class Observer:
    """Its methods are called when the user's code, a package or rflint does something.

    The reasons are continued sentences: the report "is not cached: it read the clock".
    """

    def __init__(self, run: RunObservations) -> None:
        self.run = run
        self.active = False
        """Whether the user's code runs."""
        self.randomness = Randomness()

    def not_cacheable(self, reason: str) -> None:
        """The report of the current model cannot be cached."""
        self.run.current.not_cacheable.setdefault(reason)

    def not_cacheable_by_caller(self, reason: str, *_: object) -> None:
        """No report can be cached if a package did it: later models find the package imported."""
        by_user = current_caller() is Caller.USER
        observed = self.run.current if by_user else self.run.common
        observed.not_cacheable.setdefault(reason)

    def never_the_same(self, reason: str) -> None:
        """The user's code asked for something that differs from run to run."""
        if current_caller() is Caller.USER and not is_called_by(_DISPLAY_MODULES):
            self.not_cacheable(reason)

    # -- files and folders

    def file_opened(self, path: Any, mode: Any, flags: Any) -> None:
        """A file was opened, to read or to write."""
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a file descriptor: it was opened before
        full = _absolute(path)
        if self._is_known(full):
            return
        caller = current_caller()
        writes = set(mode) & set("wax+") if isinstance(mode, str) else (flags or 0) & _WRITE_FLAGS
        if caller is Caller.RFLINT:
            return
        if caller is Caller.IMPORT:
            if not writes:
                self._module_loaded(full)
        elif full.startswith(_PSEUDO_FILES):
            if full != os.devnull and caller is Caller.USER:
                self.not_cacheable(f"read {full}")
        elif not writes:
            (self.run.current if caller is Caller.USER else self.run.common).files.add(full)
        elif caller is Caller.USER:
            self.not_cacheable(f"wrote to {full}")
        else:  # packages try where they can write, and have caches of their own
            self.run.written_by_packages.add(full)

    def _module_loaded(self, path: str) -> None:
        """A module was read. It need not be in sys.modules, now or ever."""
        if path.endswith(".pyc"):
            with suppress(ValueError):  # no file in a __pycache__
                path = importlib.util.source_from_cache(path)
        if not self._is_known(path):
            self.run.current.files.add(path)

    def file_read(self, path: Any = None, *_: object, **options: Any) -> None:
        """Compiled code read a file."""
        path = options.get("filename", path)
        if isinstance(path, str | bytes | os.PathLike) and not is_installed(_absolute(path)):
            self.run.current.files.add(_absolute(path))

    def stat_read(self, path: Any = None, *_: object, **options: Any) -> None:
        """Somebody asked whether a file exists, how large it is, or when it changed."""
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a file descriptor
        full = _absolute(path)
        if self._is_known(full) or full.startswith(_PSEUDO_FILES):
            return
        caller = current_caller()
        if caller is Caller.USER:
            if options.get("dir_fd") is not None:
                self.not_cacheable("asked for files by the descriptor of a folder")
            elif not is_called_by(_DISPLAY_MODULES):
                observed = self.run.current
                (observed.kinds if only_asks_for_kind() else observed.stats).add(full)
        elif caller is Caller.PACKAGE:
            # it may read the file next in a way that is not observed, as torch.jit.load does
            self.run.asked_by_packages.add(full)

    def folder_listed(self, path: Any, *, tells_stats: bool = False) -> None:
        """The names in a folder were read, or with os.scandir also their stats."""
        caller = current_caller()
        if caller in (Caller.RFLINT, Caller.IMPORT):
            return
        if isinstance(path, int):
            self.not_cacheable("listed a folder by its descriptor")
            return
        full = _absolute(path if path is not None else ".")
        if is_installed(full):
            return
        if f"{full}/".startswith(_PSEUDO_FILES):
            if caller is Caller.USER:
                self.not_cacheable(f"read {full}")
            return
        # the standard library uses only the names and kinds that os.scandir returns
        with_stats = tells_stats and not is_standard(observed_call_frame().f_code.co_filename)
        folders = self.run.current.folders
        if (full, with_stats) not in folders:
            folders[full, with_stats] = ""  # the next line lists it, and is observed as well
            folders[full, with_stats] = folder_fingerprint(full, with_stats=with_stats)

    def files_changed(self, path: Any, *_: object) -> None:
        """A file or folder was removed, renamed, made."""
        if not is_installed(_absolute(path)) and current_caller() is Caller.USER:
            self.not_cacheable("changed files")

    def library_loaded(self, name: Any) -> None:
        """A shared library was loaded; without a folder in its name it is one of the system's."""
        if isinstance(name, str | bytes) and os.path.dirname(name):
            full = _absolute(name)
            if not is_installed(full):
                self.run.current.files.add(full)

    def database_opened(self, name: Any) -> None:
        """An sqlite data base was opened."""
        if name != ":memory:":
            self.not_cacheable("opened a data base")

    def _is_known(self, path: str) -> bool:
        """Whether a file is a dependency of every report already."""
        if is_installed(path) or path == self.run.program:
            return True
        return path.startswith(self.run.own_folders)

    # -- imports

    def module_imported(self, name: str, _file: Any, path: Any, *_: object) -> None:
        """A module was looked for, in the folders of `path`."""
        self.run.imports.add(name)
        if isinstance(path, list):
            known = self.run.import_folders
            known.update((os.path.abspath(x), None) for x in path if x not in known)

    def module_looked_for(self, name: Any = None, package: Any = None) -> None:
        """importlib.util.find_spec was called."""
        if isinstance(name, str):
            self.run.imports.add(importlib.util.resolve_name(name, package))

    # -- the environment, random numbers

    def variable_read(self, name: str) -> None:
        """An environment variable was read."""
        if self.active:
            self.run.variables.add(name)

    def environment_read(self) -> None:
        """All environment variables were read."""
        if self.active:
            self.run.whole_environment = True

    def generator_seeded(self, generator: str, *values: Any) -> None:
        """A shared generator of random numbers was seeded."""
        if self.randomness.seeded(generator, *values):
            self.not_cacheable(DREW_RANDOM_NUMBERS)

    def number_drawn(self, generator: str, *_: object, **__: object) -> Callable[[], None] | None:
        """A number is drawn from a shared generator: does not count in a package's import.

        Packages number their objects by chance (rich does), which no model of the user's depends
        on any more than on the clock that they read.
        """
        if not is_import_of_package() or self.randomness.counts(generator):
            return None
        return partial(self.randomness.passed_by, generator)


def _absolute(path: Any) -> str:
    return os.path.abspath(path if isinstance(path, str) else os.fsdecode(path))
