"""Keep to oneself what a thread prints and logs, and nothing of what the others do."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast


class _SilentFor:
    """A stream that takes nothing from one thread, and is the stream behind it for all others."""

    def __init__(self, thread: int, stream: TextIO | None) -> None:
        self._thread = thread
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text of other threads."""
        if self._stream is None or threading.get_ident() == self._thread:
            return len(text)
        return self._stream.write(text)

    def flush(self) -> None:
        """Nothing waits here."""
        if self._stream is not None:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def silenced() -> Iterator[None]:
    """Drop what this thread prints and logs: the graphs that torch.export shows where it fails."""
    ours = threading.get_ident()
    handle = logging.Logger.handle

    def handle_of_others(logger: logging.Logger, record: logging.LogRecord) -> None:
        if threading.get_ident() != ours:
            handle(logger, record)

    out, err = (cast(TextIO, _SilentFor(ours, x)) for x in (sys.stdout, sys.stderr))
    logging.Logger.handle = handle_of_others  # type: ignore[method-assign, assignment]
    try:
        with redirect_stderr(err), redirect_stdout(out):
            yield
    finally:
        logging.Logger.handle = handle  # type: ignore[method-assign]
