"""The file that the lines of a sweep go to: whole lines, each model once, also after a kill."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.report.sweep.lines import key_of, read_placed_lines


class Lines:
    """Lines that are appended to files, which get them whole."""

    def __init__(self, *files: IO[bytes]) -> None:
        self._files = files
        self._known: set[int] = set()

    def is_new(self, target: str, res: str | None) -> bool:
        """Whether no line is there yet, and none was asked about: each model is linted once."""
        key = _short(target, res)
        if key in self._known:
            return False
        self._known.add(key)
        return True

    def write(self, line: str) -> None:
        """Append a line, in one piece."""
        for file in self._files:
            file.write(line.encode())
            file.flush()


@contextmanager
def opened_lines(
    path: Path,
    digest: str,
    earlier: Callable[[dict[str, Any]], None],
    *,
    resume: bool,
    retry_errors: bool = False,
) -> Iterator[Lines]:
    """The lines of a sweep in a file, after those that an earlier run wrote where it is resumed.

    `earlier` is told of each of those. A last line that was not written whole is removed, and with
    `retry_errors` those of models that could not be linted.

    Raises UsageError for a file that has lines and is not to be resumed, that another process
    writes to, or whose lines were made with other options.
    """
    try:
        file = _locked(path)
        if retry_errors:
            with file:
                _without_errors(path)
                file = _locked(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    with file:
        lines = Lines(file)
        if file.tell():
            if not resume:
                raise UsageError(
                    f"{path} exists", hint="--resume goes on with it; or name another file."
                )
            end = 0
            for placed in read_placed_lines(path):
                line = placed.content
                if line["sweep"] != digest:
                    raise UsageError(
                        f"{path} was made with other options",
                        hint="Resume it with the same ones, or name another file.",
                    )
                if lines.is_new(*key_of(line)):
                    earlier(line)
                end = placed.begin + placed.length
            file.truncate(end)  # what wrote a line that is not whole was killed meanwhile
        yield lines
        os.fsync(file.fileno())


def _locked(path: Path) -> BinaryIO:
    """A file to append to, which no other process writes to until it is closed."""
    file = path.open("a+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_taken = not os.path.samestat(os.fstat(file.fileno()), path.stat())  # written anew
    except BlockingIOError:
        is_taken = True
    except OSError:  # some network file systems have no locks
        is_taken = False
    if is_taken:
        file.close()
        raise UsageError(f"another sweep is writing to {path}")
    return file


def _without_errors(path: Path) -> None:
    """Write a file anew without the lines of models that could not be linted."""
    with atomic_write(path) as partial, partial.open("wb") as kept, path.open("rb") as file:
        for text in file:
            with contextlib.suppress(ValueError):
                if "kind" not in json.loads(text):
                    kept.write(text)


def _short(target: str, res: str | None) -> int:
    """A number in the place of a key: of millions, the keys themselves would fill the memory."""
    key = f"{target}\0{res}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")
