"""What the user's code looks at while a model is built and traced, beside its arguments.

Python tells of files, folders, programs and the network through audit events; the environment, the
clock and the state of the file system are watched by standing in for what reads them. What cannot
be named as a dependency is a reason not to keep the answer.
"""

from __future__ import annotations

import functools
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from types import FrameType
from typing import Any

from rflint.places import is_installed, is_rflint, is_standard

_NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostname", "urllib.Request"}
_PROGRAMS = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "pty.spawn"}
_WRITES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
_OTHER = {"builtins.input": "asked the user", "sqlite3.connect": "opened a data base"}
_CLOCK = ("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PSEUDO = ("/proc/", "/sys/", "/dev/")
_MODULES = (".py", ".pyc", ".so", ".pyd", ".zip")


class Tracker:
    """What was looked at, over all models of a run: what one imports, the next one finds there."""

    def __init__(self) -> None:
        self.started = time.time()
        self.files: set[str] = set()
        """Opened for reading; they need not exist."""
        self.written: set[str] = set()
        """By packages; which is no matter unless it is read, too."""
        self.states: set[str] = set()
        """Asked for whether they exist, or when they changed."""
        self.asked_by_packages: set[str] = set()
        """The same by packages; folders and files."""
        self.folders: set[str] = set()
        """Listed."""
        self.variables: set[str] = set()
        """Of the environment."""
        self.whole_environment = False
        self.imports: set[str] = set()
        """Names of modules that were looked for, found or not."""
        self.reasons: dict[str, None] = {}
        """Why the answer depends on something that cannot be named; in order."""
        self.environment = dict(os.environ)
        """As it was, whatever the user's code makes of it."""
        self.program = os.path.abspath(sys.argv[0])
        """Packages read it to show where they were called from."""
        self.watching = False
        sys.addaudithook(self._event)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch what happens meanwhile."""
        if self.watching:
            yield
            return
        with ExitStack() as stack:
            stack.enter_context(_standing_in(self))
            randomness = _randomness()
            self.watching = True
            try:
                yield
            finally:
                self.watching = False
                if _drawn(randomness, _randomness()):
                    self._because("drew random numbers")

    def _because(self, did: str) -> None:
        self.reasons.setdefault(did)

    # -- audit events

    def _event(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook. Hooks cannot be removed, and hear of everything: so be quick."""
        if not self.watching:
            return
        if event == "open":
            self._opened(*arguments)
        elif event == "import":
            self.imports.add(arguments[0])
        elif event in ("os.listdir", "os.scandir"):
            self._listed(arguments[0])
        elif event == "ctypes.dlopen":
            name = arguments[0]
            if isinstance(name, str) and os.path.isabs(name) and not is_installed(name):
                self.files.add(name)
        elif event in _NETWORK:
            self._because("used the network")
        elif event in _PROGRAMS:
            self._because("ran a program")
        elif event in _WRITES:
            if not is_installed(_absolute(arguments[0])) and _asker() is _Asker.USER:
                self._because("changed files")
        elif event in _OTHER:
            self._because(_OTHER[event])

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a file descriptor: it was opened before
        full = _absolute(path)
        if is_installed(full) or "__pycache__" in full or full == self.program:
            return
        asker = _asker()
        if asker is _Asker.RFLINT or (asker is _Asker.IMPORT and full.endswith(_MODULES)):
            return
        if full.startswith(_PSEUDO):
            if full != os.devnull and asker is _Asker.USER:
                self._because(f"read {full}")
            return
        writes = set(mode) & set("wax+") if isinstance(mode, str) else (flags or 0) & _WRITING
        if not writes:
            self.files.add(full)
        elif asker is _Asker.USER:
            self._because(f"wrote to {full}")
        else:  # packages try where they can write, and keep caches of their own
            self.written.add(full)

    def _listed(self, path: Any) -> None:
        if _asker() in (_Asker.RFLINT, _Asker.IMPORT):
            return
        if isinstance(path, int):
            self._because("listed a folder by its descriptor")
            return
        full = _absolute(path if path is not None else ".")
        if not is_installed(full):
            self.folders.add(full)

    # -- what tells of nothing by itself

    def looked_up(self, name: str) -> None:
        """A variable of the environment was read."""
        if self.watching:
            self.variables.add(name)

    def looked_through(self) -> None:
        """All variables of the environment were read."""
        if self.watching:
            self.whole_environment = True

    def asked_for_state(self, path: Any) -> None:
        """Whether a file exists, how large it is, or when it changed."""
        if self.watching and isinstance(path, str | bytes | os.PathLike):
            full = _absolute(path)
            if is_installed(full) or full.startswith(_PSEUDO) or full == self.program:
                return
            asker = _asker()
            if asker is _Asker.USER:
                self.states.add(full)
            elif asker is _Asker.PACKAGE:
                # it may go on to read the file where nobody sees it, as torch.jit.load does
                self.asked_by_packages.add(full)

    def asked(self, what: str) -> None:
        """Something that is never twice the same."""
        if self.watching and _asker() is _Asker.USER:
            self._because(what)


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))


class _Asker(Enum):
    """Whose code looks at something, itself or through the standard library."""

    USER = "user"
    PACKAGE = "package"
    """Of an installed distribution."""
    RFLINT = "rflint"
    IMPORT = "import"
    """The import system; dependencies.py asks anew what it would find."""


def _asker() -> _Asker:
    frame: FrameType | None = sys._getframe()
    innermost = True
    while frame:
        filename = frame.f_code.co_filename
        if filename != __file__:
            if innermost and filename.startswith(("<frozen importlib", "<frozen zipimport")):
                return _Asker.IMPORT
            innermost = False
            if is_rflint(filename):
                return _Asker.RFLINT
            if not filename.startswith("<") and not is_standard(filename):
                return _Asker.PACKAGE if is_installed(filename) else _Asker.USER
        frame = frame.f_back
    return _Asker.RFLINT


# -- standing in


@contextmanager
def _standing_in(tracker: Tracker) -> Iterator[None]:
    """For the environment, the clock, and what tells of files without opening them."""
    replaced: list[tuple[Any, str, Any]] = []

    def replace(owner: Any, name: str, note: Callable[..., None]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def noting(*args: Any, **kwargs: Any) -> Any:
            note(*args[:1])
            return original(*args, **kwargs)

        replaced.append((owner, name, original))
        setattr(owner, name, noting)

    def asks(what: str) -> Callable[..., None]:
        return lambda *_: tracker.asked(what)

    environment = type(os.environ)
    watched = _watched(environment, tracker)
    os.environ.__class__ = watched
    for name in _CLOCK:
        replace(time, name, asks("read the clock"))
    replace(os, "urandom", asks("drew random numbers"))
    replace(random, "_urandom", asks("drew random numbers"))  # what secrets and numpy seed from
    replace(os, "getpid", asks("asked for the process"))
    for name in ("stat", "lstat", "access"):
        replace(os, name, tracker.asked_for_state)
    try:
        yield
    finally:
        os.environ.__class__ = environment
        for owner, name, original in replaced:
            setattr(owner, name, original)


def _watched(environment: Any, tracker: Tracker) -> Any:
    """A class for os.environ that tells what is read."""

    class Watched(environment):  # type: ignore[misc]
        def __getitem__(self, key: Any) -> Any:
            if isinstance(key, str):
                tracker.looked_up(key)
            return super().__getitem__(key)

        def __iter__(self) -> Iterator[Any]:
            tracker.looked_through()
            return super().__iter__()  # type: ignore[no-any-return]

        def __len__(self) -> int:
            tracker.looked_through()
            return super().__len__()  # type: ignore[no-any-return]

    return Watched


def _randomness() -> tuple[Any, Any]:
    """The states of Python's and numpy's generators, which are seeded by chance."""
    numpy = sys.modules.get("numpy.random")
    state = numpy.get_state(legacy=False) if numpy else None
    return random.getstate(), state and (state["state"]["key"].tobytes(), state["state"]["pos"])


def _drawn(before: tuple[Any, Any], after: tuple[Any, Any]) -> bool:
    """Whether numbers were drawn meanwhile.

    numpy's generator may have been imported only now; as long as nobody uses it, it is at the end.
    """
    if before[0] != after[0]:
        return True
    if before[1] is None:
        return after[1] is not None and after[1][1] < 623
    return bool(before[1] != after[1])
