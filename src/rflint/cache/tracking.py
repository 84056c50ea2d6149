"""What the user's code looks at while a model is built and traced, beside its arguments.

Python tells of files, folders, programs and the network through audit events; the environment, the
clock and the state of the file system are watched by standing in for what reads them. What cannot
be named as a dependency is a reason not to keep the answer.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from types import FrameType
from typing import Any

from rflint.cache.states import folder_of
from rflint.places import is_installed, is_rflint, is_standard

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
_CLOCK = ("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PSEUDO = ("/proc/", "/sys/", "/dev/")

_PATHS = ("genericpath", "posixpath", "ntpath", "pathlib", "_local", "_abc", "glob")
"""The modules of the standard library that ask for the state of files on somebody's behalf."""
_ABOUT_KINDS = frozenset(
    {"exists", "lexists", "isfile", "isdir", "islink", "ismount", "realpath", "resolve", "is_file"}
    | {"is_dir", "is_symlink", "is_mount", "glob", "iglob", "_iglob", "rglob", "walk", "iterdir"}
)
"""Their functions that tell no more than whether there is a file, a folder or a link."""
_SHOWING = ("logging", "linecache")
"""Modules of the standard library that look at clocks and files for what people read only."""


class Tracker:
    """What was looked at, over all models of a run: what one imports, the next one finds there."""

    def __init__(self, own: tuple[str, ...] = ()) -> None:
        self.own = own
        """Folders of rflint's, which no model depends on beyond what the key says."""
        self.started = time.time()
        self.files: set[str] = set()
        """Opened for reading, sources of modules among them; they need not exist."""
        self.written: set[str] = set()
        """By packages; which is no matter unless it is read, too."""
        self.states: set[str] = set()
        """Asked for their size, or when they changed."""
        self.kinds: set[str] = set()
        """Asked for whether they exist, and as what."""
        self.asked_by_packages: set[str] = set()
        """Either of that, by packages; folders and files."""
        self.folders: dict[tuple[str, bool], str] = {}
        """Listed, without or with the state of what is in them; and what was there."""
        self.variables: set[str] = set()
        """Of the environment."""
        self.whole_environment = False
        self.imports: set[str] = set()
        """Names of modules that were looked for, found or not."""
        self.path: dict[str, None] = {}
        """Where they were looked for, beside sys.path as it is now."""
        self.reasons: dict[str, None] = {}
        """Why the answer depends on something that cannot be named; in order."""
        self.environment = dict(os.environ)
        """As it was, whatever the user's code makes of it."""
        self.program = os.path.abspath(sys.argv[0])
        """Packages read it to show where they were called from."""
        self.watching = False
        self._chance = _Chance()
        self._events: dict[str, Callable[..., None]] = {
            "open": self._opened,
            "import": self._imported,
            "os.listdir": self._listed,
            "os.scandir": functools.partial(self._listed, tells_states=True),
            "ctypes.dlopen": self._linked,
            "sqlite3.connect": self._connected,
            **{event: functools.partial(self._because, did) for event, did in _REASONS.items()},
            **dict.fromkeys(_WRITES, self._changed),
        }
        sys.addaudithook(self._event)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch what happens meanwhile."""
        if self.watching:
            yield
            return
        with _standing_in(self):
            self._chance = _Chance()
            self.watching = True
            try:
                yield
            finally:
                self.watching = False
                if self._chance.was_used():
                    self._because("drew random numbers")

    def _because(self, did: str, *_: object) -> None:
        self.reasons.setdefault(did)

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
        asker = _asker()
        writes = set(mode) & set("wax+") if isinstance(mode, str) else (flags or 0) & _WRITING
        if asker is _Asker.RFLINT:
            return
        if asker is _Asker.IMPORT:
            if not writes:
                self._loaded(full)
        elif full.startswith(_PSEUDO):
            if full != os.devnull and asker is _Asker.USER:
                self._because(f"read {full}")
        elif not writes:
            self.files.add(full)
        elif asker is _Asker.USER:
            self._because(f"wrote to {full}")
        else:  # packages try where they can write, and keep caches of their own
            self.written.add(full)

    def _loaded(self, path: str) -> None:
        """A module, which need not stay in sys.modules, nor ever have been there."""
        if path.endswith(".pyc"):
            with suppress(ValueError):  # it is not what Python made of a source
                path = importlib.util.source_from_cache(path)
        if not self._is_no_matter(path):
            self.files.add(path)

    def _imported(self, name: str, _file: Any, path: Any, *_: object) -> None:
        self.imports.add(name)
        if isinstance(path, list):
            self.path.update((os.path.abspath(x), None) for x in path if x not in self.path)

    def _listed(self, path: Any, *, tells_states: bool = False) -> None:
        asker = _asker()
        if asker in (_Asker.RFLINT, _Asker.IMPORT):
            return
        if isinstance(path, int):
            self._because("listed a folder by its descriptor")
            return
        full = _absolute(path if path is not None else ".")
        if is_installed(full):
            return
        if f"{full}/".startswith(_PSEUDO):
            if asker is _Asker.USER:
                self._because(f"read {full}")
            return
        # the standard library looks at names and kinds
        in_full = tells_states and not is_standard(_caller().f_code.co_filename)
        if (full, in_full) not in self.folders:
            self.folders[full, in_full] = ""  # what is listed here is heard of here, too
            self.folders[full, in_full] = folder_of(full, in_full=in_full)

    def _linked(self, name: Any) -> None:
        """A library; one without a folder is looked for among those of the system."""
        if isinstance(name, str | bytes) and os.path.dirname(name):
            full = _absolute(name)
            if not is_installed(full):
                self.files.add(full)

    def _connected(self, name: Any) -> None:
        if name != ":memory:":
            self._because("opened a data base")

    def _changed(self, path: Any, *_: object) -> None:
        if not is_installed(_absolute(path)) and _asker() is _Asker.USER:
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
        asker = _asker()
        if asker is _Asker.USER:
            if options.get("dir_fd") is not None:
                self._because("asked for files by the descriptor of a folder")
            elif not _is_called_by(_SHOWING):
                (self.kinds if _is_about_kinds() else self.states).add(full)
        elif asker is _Asker.PACKAGE:
            # it may go on to read the file where nobody sees it, as torch.jit.load does
            self.asked_by_packages.add(full)

    def asked(self, what: str) -> None:
        """Something that is never twice the same."""
        if _asker() is _Asker.USER and not _is_called_by(_SHOWING):
            self._because(what)

    def looked_for(self, name: Any = None, package: Any = None) -> None:
        """Whether there is a module."""
        if isinstance(name, str):
            self.imports.add(importlib.util.resolve_name(name, package))

    def read(self, path: Any = None, *_: object, **options: Any) -> None:
        """A file was read in compiled code."""
        path = options.get("filename", path)
        if isinstance(path, str | bytes | os.PathLike) and not is_installed(_absolute(path)):
            self.files.add(_absolute(path))

    def seeded(self, generator: str, *values: Any) -> None:
        """One of the generators that all code shares."""
        if self._chance.seeded(generator, *values):
            self._because("drew random numbers")


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
    caller = _caller()
    if caller.f_code.co_filename.startswith(("<frozen importlib", "<frozen zipimport")):
        return _Asker.IMPORT
    frame: FrameType | None = caller
    while frame:
        filename = frame.f_code.co_filename
        if is_rflint(filename):
            return _Asker.RFLINT
        if not filename.startswith("<") and not is_standard(filename):
            return _Asker.PACKAGE if is_installed(filename) else _Asker.USER
        frame = frame.f_back
    return _Asker.USER  # a thread that runs nothing but the standard library


def _caller() -> FrameType:
    """The innermost frame that is not of this file."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__ and frame.f_back:
        frame = frame.f_back
    return frame


def _module_of(frame: FrameType) -> str:
    """The name of a file of the standard library, which may be frozen; packages by their own."""
    name = frame.f_code.co_filename.strip("<>").removeprefix("frozen ")
    if name.endswith("__init__.py"):
        name = os.path.dirname(name)
    return os.path.basename(name).removesuffix(".py")


def _is_called_by(modules: tuple[str, ...]) -> bool:
    """Whether the standard library asks for its own purposes."""
    frame: FrameType | None = _caller()
    while frame and is_standard(frame.f_code.co_filename):
        if _module_of(frame) in modules:
            return True
        frame = frame.f_back
    return False


def _is_about_kinds() -> bool:
    """Whether the function that was called tells no more than whether there is something."""
    frame: FrameType | None = _caller()
    called = ""
    while frame and _module_of(frame) in _PATHS:
        code = frame.f_code
        if is_standard(code.co_filename) or code.co_filename.startswith("<frozen"):
            called = code.co_name
        frame = frame.f_back
    return called in _ABOUT_KINDS


# -- standing in


class _StandIn:
    """For a function or a class of compiled code: an object, since they bind to no instance."""

    def __init__(self, tracker: Tracker, original: Any, note: Callable[..., None]) -> None:
        functools.update_wrapper(self, original, updated=())
        self.tracker, self.original, self.note = tracker, original, note

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.tracker.watching:
            try:
                self.note(*args, **kwargs)
            except Exception:  # arguments that nobody takes; the call itself will say so
                self.tracker.reasons.setdefault("did what cannot be followed")
        return self.original(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "original":  # before there is one, as when it is copied
            raise AttributeError(name)
        return getattr(self.original, name)

    def __reduce__(self) -> tuple[Any, ...]:
        """To other processes goes what it stands for."""
        return _named, (self.original.__module__, self.original.__name__)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self.original)

    def __mro_entries__(self, bases: Any) -> tuple[Any, ...]:
        return (self.original,)

    # sets of functions are asked for these: os.stat in os.supports_fd
    def __eq__(self, other: object) -> bool:
        return other is self or bool(self.original == other)

    def __hash__(self) -> int:
        return hash(self.original)


def _named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


@contextmanager
def _standing_in(tracker: Tracker) -> Iterator[None]:
    """For the environment, the clock, and what tells of files without opening them."""
    standing: list[tuple[Any, str, Any, Any]] = []

    def replace(owner: Any, name: str, note: Callable[..., None]) -> None:
        original = getattr(owner, name, None)
        if original is not None:
            stand_in = _StandIn(tracker, original, note)
            standing.append((owner, name, original, stand_in))
            setattr(owner, name, stand_in)

    def asks(what: str) -> Callable[..., None]:
        return lambda *_, **__: tracker.asked(what)

    for name in _CLOCK:
        replace(time, name, asks("read the clock"))
    replace(os, "urandom", asks("drew random numbers"))
    replace(random, "_urandom", asks("drew random numbers"))  # what secrets and numpy seed from
    replace(os, "getpid", asks("asked for the process"))
    replace(os, "uname", asks("asked for the machine"))
    replace(platform, "node", asks("asked for the machine"))
    for name in ("stat", "lstat", "access", "readlink"):
        replace(os, name, tracker.asked_for_state)
    replace(importlib.util, "find_spec", tracker.looked_for)
    for library, names in _readers():
        for name in names:
            replace(library, name, tracker.read)
    for module in _generators():
        replace(sys.modules[module], "seed", functools.partial(tracker.seeded, module))
    seed = random.Random.seed
    random.Random.seed = _noting_chance(seed, tracker)  # type: ignore[method-assign]
    environments = [os.environ, *([os.environb] if os.supports_bytes_environ else [])]
    classes = [type(x) for x in environments]
    for environment, usual in zip(environments, classes, strict=True):
        if usual.__module__ == "os":
            environment.__class__ = _watched(usual, tracker)
        else:
            tracker.reasons.setdefault("replaced the environment")
    try:
        yield
    finally:
        if os.environ is not environments[0]:
            tracker.reasons.setdefault("replaced the environment")
        for environment, usual in zip(environments, classes, strict=True):
            if environment.__class__ is not usual:
                environment.__class__ = usual
        random.Random.seed = seed  # type: ignore[method-assign]
        for owner, name, original, stand_in in standing:
            if owner.__dict__.get(name) is stand_in:  # else it is the user's by now
                setattr(owner, name, original)


def _readers() -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Functions in compiled code that are given the names of files.

    The package is imported, if it is there, before others take the functions out of it.
    """
    torch = sys.modules.get("torch._C")
    if torch:
        yield torch, ("PyTorchFileReader",)
    with suppress(ImportError):
        importlib.import_module("safetensors")
    for name in ("safetensors", "safetensors.torch", "safetensors.numpy"):
        if name in sys.modules:
            yield sys.modules[name], ("safe_open", "_safe_open_handle")


def _noting_chance(seed: Any, tracker: Tracker) -> Any:
    """A new generator that is given no seed."""

    @functools.wraps(seed)
    def noting(self: Any, a: Any = None, *args: Any, **kwargs: Any) -> Any:
        if a is None and tracker.watching:
            tracker.asked("drew random numbers")
        return seed(self, a, *args, **kwargs)

    return noting


def _watched(environment: Any, tracker: Tracker) -> Any:
    """A class for os.environ that tells what is read."""

    class Watched(environment):  # type: ignore[misc]
        def __getitem__(self, key: Any) -> Any:
            if isinstance(key, str | bytes):
                tracker.looked_up(os.fsdecode(key))
            return super().__getitem__(key)

        def __iter__(self) -> Iterator[Any]:
            tracker.looked_through()
            return super().__iter__()  # type: ignore[no-any-return]

        def __len__(self) -> int:
            tracker.looked_through()
            return super().__len__()  # type: ignore[no-any-return]

        def __repr__(self) -> str:
            tracker.looked_through()
            return str(super().__repr__())

    return Watched


def _generators() -> list[str]:
    return [name for name in ("random", "numpy.random") if name in sys.modules]


class _Chance:
    """Python's and numpy's generators, which are seeded by chance until somebody seeds them."""

    def __init__(self) -> None:
        self.before = {name: _state_of_generator(name) for name in _generators()}
        self.fixed: set[str] = set()
        """Those that draw the same numbers in every run."""

    def seeded(self, name: str, *values: Any) -> bool:
        """Note that; whether numbers were drawn by chance before, or will be."""
        if not values or values[0] is None:
            return name in self.fixed
        used = self._was_used(name)
        self.fixed.add(name)
        return used

    def was_used(self) -> bool:
        """Whether numbers were drawn by chance."""
        return any(map(self._was_used, _generators()))

    def _was_used(self, name: str) -> bool:
        if name in self.fixed:
            return False
        now = _state_of_generator(name)
        if name in self.before:
            return bool(now != self.before[name])
        # numpy's has been imported only now; as long as nobody uses it, it is at the end
        return bool(now[1] < 623) and not _is_seeded_by_hand(name)


def _is_seeded_by_hand(name: str) -> bool:
    """Of numpy's: whether what it was seeded from by chance is forgotten."""
    generator = getattr(sys.modules[name], "get_bit_generator", lambda: 0)()
    return getattr(generator, "seed_seq", generator) is None


def _state_of_generator(name: str) -> Any:
    if name == "random":
        return random.getstate()
    state = sys.modules[name].get_state(legacy=False)["state"]
    return state["key"].tobytes(), state["pos"]
