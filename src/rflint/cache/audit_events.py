"""Python's audit events, handed to an observer."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

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


def observe_audit_events(observer: Observer) -> None:
    """From now on, hand audit events to an observer while it is active.

    An audit hook cannot be removed, and is called for every event: so it has to be fast.
    """
    handlers: dict[str, Callable[..., None]] = {
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

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not observer.active:
            return
        handler = handlers.get(event)
        if handler:
            try:
                handler(*arguments)
            except Exception:  # it would be raised in the user's code, which did nothing wrong
                observer.not_cacheable(CANNOT_BE_FOLLOWED)

    sys.addaudithook(hook)
