"""What the user's code looks at while a model is built and traced, beside its arguments.

Python tells of files, folders, programs and the network through audit events; the environment, the
clock and the state of the file system are watched by standing in for what reads them. What cannot
be named as a dependency is a reason not to keep the answer.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from rflint.cache.askers import Asker, asker, caller, is_about_kinds, is_called_by
from rflint.cache.chance import Chance
from rflint.cache.stand_ins import standing_in
from rflint.cache.states import folder_of
from rflint.usercode.closure import ImportClosure
from rflint.usercode.ownership import is_installed, is_standard

_REASONS = {
    **dict.fromkeys(
        ("socket.connect", "socket.getaddrinfo", "socket.gethostname", "urllib.Request"),
        "used the network",
    ),
    **dict.fromkeys(
        ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "pty.spawn"),
        "ran a program",
    ),
    "builtins.input": "asked the user",
}
_WRITES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.link", "os.symlink")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PSEUDO = ("/proc/", "/sys/", "/dev/")

_SHOWING = ("logging", "linecache")
"""Modules of the standard library that look at clocks and files for what people read only."""


@dataclass(slots=True)
class Seen:
    """What was looked at in one window."""

    files: set[str] = field(default_factory=set)
    """Opened for reading, sources of modules among them; they need not exist."""
    states: set[str] = field(default_factory=set)
    """Asked for their size, or when they changed."""
    kinds: set[str] = field(default_factory=set)
    """Asked for whether they exist, and as what."""
    folders: dict[tuple[str, bool], str] = field(default_factory=dict)
    """Listed, without or with the state of what is in them; and what was there."""
    reasons: dict[str, None] = field(default_factory=dict)
    """Why the answer depends on something that cannot be named; in order."""

    def add(self, other: Seen) -> None:
        """What another window has seen, too."""
        self.files |= other.files
        self.states |= other.states
        self.kinds |= other.kinds
        self.folders |= other.folders
        self.reasons |= other.reasons


class Tracker:
    """What was looked at in the windows of a run, one for each model.

    What one model imports, the next one finds there: so a model also depends on what was seen in
    the windows before it of models that share a file with it. What rules and packages look at
    counts for all.
    """

    def __init__(self, own: tuple[str, ...] = ()) -> None:
        self.own = own
        """Folders of rflint's, which no model depends on beyond what the key says."""
        self.started = time.time()
        self.common = Seen()
        """By rules and packages."""
        self.windows: list[tuple[ImportClosure, Seen]] = []
        """Of models so far, with the files that each is made of."""
        self.seen = self.common
        """In this window."""
        self.written: set[str] = set()
        """By packages; which is no matter unless it is read, too."""
        self.asked_by_packages: set[str] = set()
        """Folders and files, whose state they asked for."""
        self.variables: set[str] = set()
        """Of the environment."""
        self.whole_environment = False
        self.imports: set[str] = set()
        """Names of modules that were looked for, found or not."""
        self.path: dict[str, None] = {}
        """Where they were looked for, beside sys.path as it is now."""
        self.environment = dict(os.environ)
        """As it was, whatever the user's code makes of it."""
        self.program = os.path.abspath(sys.argv[0])
        """Packages read it to show where they were called from."""
        self.watching = False
        self._chance = Chance()
        self._events: dict[str, Callable[..., None]] = {
            "open": self._opened,
            "import": self._imported,
            "os.listdir": self._listed,
            "os.scandir": functools.partial(self._listed, tells_states=True),
            "ctypes.dlopen": self._linked,
            "sqlite3.connect": self._connected,
            **{
                event: functools.partial(self._because_somebody, did)
                for event, did in _REASONS.items()
            },
            **dict.fromkeys(_WRITES, self._changed),
        }
        sys.addaudithook(self._event)

    @contextmanager
    def watch(self, made_of: ImportClosure | None = None) -> Iterator[None]:
        """Watch what happens meanwhile: to a model that is made of these files, or to rules."""
        if self.watching:
            yield
            return
        self.seen = Seen() if made_of else self.common
        if made_of:
            self.windows.append((made_of, self.seen))
        with standing_in(self):
            self._chance = Chance()
            self.watching = True
            try:
                yield
            finally:
                self.watching = False
                if self._chance.was_used():
                    self._because("drew random numbers")

    def all_seen(self) -> Seen:
        """What the model of the latest window depends on."""
        found = Seen()
        found.add(self.common)
        for _, seen in self._related():
            found.add(seen)
        return found

    def of_others(self) -> set[str]:
        """Files of windows that the latest one has nothing to do with."""
        related = [id(seen) for _, seen in self._related()]
        return {x for _, seen in self.windows if id(seen) not in related for x in seen.files}

    def _related(self) -> Iterator[tuple[ImportClosure, Seen]]:
        for made_of, seen in self.windows:
            if made_of.may_share_with(self.windows[-1][0]):
                yield made_of, seen

    def _because(self, did: str, *_: object) -> None:
        self.seen.reasons.setdefault(did)

    def _because_somebody(self, did: str, *_: object) -> None:
        """The user's code, or a package, which others may find imported already."""
        seen = self.seen if asker() is Asker.USER else self.common
        seen.reasons.setdefault(did)

    # -- audit events

    def _event(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook. Hooks cannot be removed, and hear of everything: so be quick."""
        if not self.watching:
            return
        heard = self._events.get(event)
        if heard:
            try:
                heard(*arguments)
            except Exception:  # it would be raised where the user's code does what it may do
                self._because("did what cannot be followed")

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a file descriptor: it was opened before
        full = _absolute(path)
        if self._is_no_matter(full):
            return
        by = asker()
        writes = set(mode) & set("wax+") if isinstance(mode, str) else (flags or 0) & _WRITING
        if by is Asker.RFLINT:
            return
        if by is Asker.IMPORT:
            if not writes:
                self._loaded(full)
        elif full.startswith(_PSEUDO):
            if full != os.devnull and by is Asker.USER:
                self._because(f"read {full}")
        elif not writes:
            (self.seen if by is Asker.USER else self.common).files.add(full)
        elif by is Asker.USER:
            self._because(f"wrote to {full}")
        else:  # packages try where they can write, and keep caches of their own
            self.written.add(full)

    def _loaded(self, path: str) -> None:
        """A module, which need not stay in sys.modules, nor ever have been there."""
        if path.endswith(".pyc"):
            with suppress(ValueError):  # it is not what Python made of a source
                path = importlib.util.source_from_cache(path)
        if not self._is_no_matter(path):
            self.seen.files.add(path)

    def _imported(self, name: str, _file: Any, path: Any, *_: object) -> None:
        self.imports.add(name)
        if isinstance(path, list):
            self.path.update((os.path.abspath(x), None) for x in path if x not in self.path)

    def _listed(self, path: Any, *, tells_states: bool = False) -> None:
        by = asker()
        if by in (Asker.RFLINT, Asker.IMPORT):
            return
        if isinstance(path, int):
            self._because("listed a folder by its descriptor")
            return
        full = _absolute(path if path is not None else ".")
        if is_installed(full):
            return
        if f"{full}/".startswith(_PSEUDO):
            if by is Asker.USER:
                self._because(f"read {full}")
            return
        # the standard library looks at names and kinds
        in_full = tells_states and not is_standard(caller().f_code.co_filename)
        if (full, in_full) not in self.seen.folders:
            self.seen.folders[full, in_full] = ""  # what is listed here is heard of here, too
            self.seen.folders[full, in_full] = folder_of(full, in_full=in_full)

    def _linked(self, name: Any) -> None:
        """A library; one without a folder is looked for among those of the system."""
        if isinstance(name, str | bytes) and os.path.dirname(name):
            full = _absolute(name)
            if not is_installed(full):
                self.seen.files.add(full)

    def _connected(self, name: Any) -> None:
        if name != ":memory:":
            self._because("opened a data base")

    def _changed(self, path: Any, *_: object) -> None:
        if not is_installed(_absolute(path)) and asker() is Asker.USER:
            self._because("changed files")

    def _is_no_matter(self, path: str) -> bool:
        return is_installed(path) or path == self.program or path.startswith(self.own)

    # -- what tells of nothing by itself

    def looked_up(self, name: str) -> None:
        """A variable of the environment was read."""
        if self.watching:
            self.variables.add(name)

    def looked_through(self) -> None:
        """All variables of the environment were read."""
        if self.watching:
            self.whole_environment = True

    def asked_for_state(self, path: Any = None, *_: object, **options: Any) -> None:
        """Whether a file exists, how large it is, or when it changed."""
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a file descriptor
        full = _absolute(path)
        if self._is_no_matter(full) or full.startswith(_PSEUDO):
            return
        by = asker()
        if by is Asker.USER:
            if options.get("dir_fd") is not None:
                self._because("asked for files by the descriptor of a folder")
            elif not is_called_by(_SHOWING):
                (self.seen.kinds if is_about_kinds() else self.seen.states).add(full)
        elif by is Asker.PACKAGE:
            # it may go on to read the file where nobody sees it, as torch.jit.load does
            self.asked_by_packages.add(full)

    def asked(self, what: str) -> None:
        """Something that is never twice the same."""
        if asker() is Asker.USER and not is_called_by(_SHOWING):
            self._because(what)

    def looked_for(self, name: Any = None, package: Any = None) -> None:
        """Whether there is a module."""
        if isinstance(name, str):
            self.imports.add(importlib.util.resolve_name(name, package))

    def read(self, path: Any = None, *_: object, **options: Any) -> None:
        """A file was read in compiled code."""
        path = options.get("filename", path)
        if isinstance(path, str | bytes | os.PathLike) and not is_installed(_absolute(path)):
            self.seen.files.add(_absolute(path))

    def seeded(self, generator: str, *values: Any) -> None:
        """One of the generators that all code shares."""
        if self._chance.seeded(generator, *values):
            self._because("drew random numbers")


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))
