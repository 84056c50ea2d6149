"""Standing in for the environment, the clock, and what tells of files without opening them.

Python has no audit events for these. Everything is put back afterwards, but for what the user's
code has replaced meanwhile.
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
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rflint.cache.askers import is_called_by
from rflint.cache.chance import generators
from rflint.cache.torchs import torch_watched

if TYPE_CHECKING:
    from rflint.cache.tracking import Tracker

_CLOCK = (
    *("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime"),
    *("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "clock_gettime"),
    *("clock_gettime_ns", "process_time", "process_time_ns", "thread_time", "thread_time_ns"),
)
_MACHINE = {
    os: ("uname", "getloadavg", "statvfs", "get_terminal_size", "getlogin"),
    platform: ("node", "uname", "platform", "release", "version", "processor"),
    uuid: ("uuid1", "getnode"),
}


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
                self.tracker.seen.reasons.setdefault("did what cannot be followed")
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
def standing_in(tracker: Tracker) -> Iterator[None]:
    """For the environment, the clock, and what tells of files without opening them."""
    standing: list[tuple[Any, str, Any, Any, bool]] = []

    def replace(owner: Any, name: str, note: Callable[..., None]) -> None:
        original = getattr(owner, name, None)
        if original is not None:
            stand_in = _StandIn(tracker, original, note)
            standing.append((owner, name, original, stand_in, name in vars(owner)))
            setattr(owner, name, stand_in)

    def asks(what: str) -> Callable[..., None]:
        return lambda *_, **__: tracker.asked(what)

    def machine(*_: Any, **__: Any) -> None:
        if not is_called_by(("platform",)):  # for its system(), which the key of a record has
            tracker.asked("asked for the machine")

    for name in _CLOCK:
        replace(time, name, asks("read the clock"))
    replace(os, "urandom", asks("drew random numbers"))
    replace(random, "_urandom", asks("drew random numbers"))  # what secrets and numpy seed from
    replace(os, "getrandom", asks("drew random numbers"))
    replace(os, "times", asks("read the clock"))
    for name in ("getpid", "getppid", "getpgrp", "getpgid", "getsid"):
        replace(os, name, asks("asked for the process"))
    for about, names in _MACHINE.items():
        for name in names:
            replace(about, name, machine)
    for name in ("stat", "lstat", "access", "readlink"):
        replace(os, name, tracker.asked_for_state)
    replace(importlib.util, "find_spec", tracker.looked_for)
    for library, names in _readers():
        for name in names:
            replace(library, name, tracker.read)
    for module in generators():
        replace(sys.modules[module], "seed", functools.partial(tracker.seeded, module))
    seed = random.Random.seed
    random.Random.seed = _noting_chance(seed, tracker)  # type: ignore[method-assign]
    environments = [os.environ, *([os.environb] if os.supports_bytes_environ else [])]
    classes = [type(x) for x in environments]
    for environment, usual in zip(environments, classes, strict=True):
        if usual.__module__ == "os":
            environment.__class__ = _watched(usual, tracker)
        else:
            tracker.seen.reasons.setdefault("replaced the environment")
    try:
        with torch_watched(tracker, replace):
            yield
    finally:
        if os.environ is not environments[0]:
            tracker.seen.reasons.setdefault("replaced the environment")
        for environment, usual in zip(environments, classes, strict=True):
            if environment.__class__ is not usual:
                environment.__class__ = usual
        random.Random.seed = seed  # type: ignore[method-assign]
        for owner, name, original, stand_in, was_its_own in standing:
            if owner.__dict__.get(name) is not stand_in:
                continue  # it is the user's by now
            if was_its_own:
                setattr(owner, name, original)
            else:  # of the class that it is derived from
                delattr(owner, name)


def _readers() -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Functions in compiled code that are given the names of files.

    The package is imported, if it is there, before others take the functions out of it.
    """
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
