"""What the process is about to fetch from other machines, told by Python's audit events."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket  # a run that the cache answers has no use for it

_watching: list[Callable[[str], None]] = []
_hooked = False


@contextmanager
def network_watched(noticed: Callable[[str], None]) -> Iterator[None]:
    """Call `noticed` before anything is asked of another machine, with the address or the host.

    What `noticed` raises is raised by the function that wanted to connect. Files, sockets within
    this machine and the names of its own interfaces are no network.
    """
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_hook)  # it cannot be removed: without a watcher it does nothing
    _watching.append(noticed)
    try:
        yield
    finally:
        _watching.remove(noticed)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    reader = _READERS.get(event)
    if reader is not None:
        wanted = reader(*arguments)
        if wanted:
            _watching[-1](wanted)


def _of_request(address: str, *_: Any) -> str:
    """The address that urllib is about to open; empty for files, data and this machine."""
    from urllib.parse import urlsplit

    parts = urlsplit(address)
    return "" if parts.scheme in ("file", "data") or _is_here(parts.hostname) else address


def _of_name(host: Any, *_: Any) -> str:
    """The host whose address is looked up."""
    import socket

    name = os.fsdecode(host) if isinstance(host, bytes) else host
    return "" if _is_here(name) or name == socket.gethostname() else str(name)


def _of_connection(connecting: socket.socket, address: Any) -> str:
    """The host that a socket is about to connect to.

    A datagram socket sends nothing when it connects: programs find out their own address so.
    """
    import socket

    internet = connecting.family in (socket.AF_INET, socket.AF_INET6)
    if not internet or connecting.type & socket.SOCK_DGRAM or not isinstance(address, tuple):
        return ""
    host, port = str(address[0]), address[1]
    return "" if _is_here(host) and not _is_proxy(port) else host


def _is_here(host: str | None) -> bool:
    return host in (None, "", "localhost", "::", "::1", "0.0.0.0") or str(host).startswith("127.")


def _is_proxy(port: Any) -> bool:
    """Whether the way to other machines leads through this port of this one."""
    proxies = (os.environ[name] for name in list(os.environ) if name.lower().endswith("_proxy"))
    return any(proxy.rstrip("/").endswith(f":{port}") for proxy in proxies)


_READERS: dict[str, Callable[..., str]] = {
    "urllib.Request": _of_request,
    "socket.getaddrinfo": _of_name,
    "socket.connect": _of_connection,
}
