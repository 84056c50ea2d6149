"""Python's audit events, handed to an observer."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

from rflint.cache.observer import CANNOT_BE_FOLLOWED, Observer

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
_CHANGES = (
    *("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.link", "os.symlink"),
)


_Handlers: TypeAlias = dict[str, Callable[..., None]]

_told: list[tuple[Observer, _Handlers]] = []
"""The observers that are told of events now."""


@contextmanager
def audit_events_observed(observer: Observer) -> Iterator[None]:
    """Hand audit events to an observer while it is active."""
    _add_hook()
    entry = observer, _handlers_of(observer)
    _told.append(entry)
    try:
        yield
    finally:
        _told.remove(entry)


@cache
def _add_hook() -> None:
    """Once in a process, and in those that it forks: an audit hook cannot be removed."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Called for every event: so it has to be fast."""
    for observer, handlers in _told:
        handler = handlers.get(event)
        if handler is not None and observer.active:
            try:
                handler(*arguments)
            except Exception:  # it would be raised in the user's code, which did nothing wrong
                observer.not_cacheable(CANNOT_BE_FOLLOWED)


def _handlers_of(observer: Observer) -> _Handlers:
    return {
        "open": observer.file_opened,
        "import": observer.module_imported,
        "os.listdir": observer.folder_listed,
        "os.scandir": functools.partial(observer.folder_listed, tells_stats=True),
        "ctypes.dlopen": observer.library_loaded,
        "sqlite3.connect": observer.database_opened,
        **{
            event: functools.partial(observer.not_cacheable_by_caller, reason)
            for event, reason in _REASONS.items()
        },
        **dict.fromkeys(_CHANGES, observer.files_changed),
    }
