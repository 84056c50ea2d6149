"""Put the lines of several files of a sweep, its shards, into one: each once, in one order."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.report.schema import JsonObject
from rflint.report.sweep.lines import (
    PlacedLine,
    is_error,
    key_of,
    read_placed_lines,
    same_sweep,
)
from rflint.text.natural_order import natural_order
from rflint.usercode.paths import source_at


@dataclass(slots=True)
class FileCounts:
    """What one of the files has."""

    path: Path
    models: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where the line about a model at a size stands; contents are not kept."""

    file: int
    number: int
    begin: int
    length: int
    is_error: bool


@dataclass(slots=True)
class MergedLines:
    """The lines of all files, each once."""

    files: list[FileCounts]
    twice: int = 0
    """Lines that say what another one says already, or an error that is one no more."""
    _kept: dict[tuple[str, str | None], _Kept] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._kept)

    def texts(self) -> Iterator[bytes]:
        """The lines as they stand in their files, ordered by target and size.

        So it does not matter in which order the files are named, or their models were linted.
        """
        with contextlib.ExitStack() as opened:
            streams: dict[int, BinaryIO] = {}
            for key in sorted(self._kept, key=_order):
                kept = self._kept[key]
                if kept.file not in streams:
                    path = self.files[kept.file].path
                    streams[kept.file] = opened.enter_context(path.open("rb"))
                streams[kept.file].seek(kept.begin)
                yield streams[kept.file].read(kept.length)

    def lines(self) -> Iterator[JsonObject]:
        """The same lines, read."""
        return map(json.loads, self.texts())

    def add(self, number: int, line: PlacedLine) -> None:
        """Count a line of a file; keep it, unless another one about the same is kept.

        Raises UsageError where two differ in what they found.
        """
        file, content = self.files[number], line.content
        failed = is_error(content)
        file.errors += failed
        file.models += not failed
        key = key_of(content)
        one = _Kept(number, line.number, line.begin, line.length, failed)
        other = self._kept.setdefault(key, one)
        if other is one:
            return
        self.twice += 1
        if other.is_error and not failed:
            self._kept[key] = one
        elif not other.is_error and not failed and self._read(other) != content:
            raise self._contradiction(one, other, content)

    def _read(self, kept: _Kept) -> JsonObject:
        with self.files[kept.file].path.open("rb") as file:
            file.seek(kept.begin)
            found: JsonObject = json.loads(file.read(kept.length))
        return found

    def _contradiction(self, one: _Kept, other: _Kept, content: JsonObject) -> UsageError:
        target, res = key_of(content)
        about = f"{target} at {res}" if res else target
        before = source_at(str(self.files[other.file].path), other.number)
        return UsageError(
            f"{about} was found to be something else in {before}",
            hint="The model has changed between the two: lint it anew.",
            source=source_at(str(self.files[one.file].path), one.number),
        )


def merged(paths: Sequence[Path], told: Callable[[str], None]) -> MergedLines:
    """Read files of a sweep, and keep where each line stands.

    Raises UsageError for what cannot be read, for files of other options, and for two different
    reports of the same model at the same size.
    """
    found = MergedLines([FileCounts(path) for path in paths])
    first: tuple[str, Path] | None = None
    for number, path in enumerate(paths):
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no file: lines are read from it several times")
        for line in read_placed_lines(path, told):
            sweep = line.content["sweep"]
            first = first or (sweep, path)
            same_sweep(sweep, first[0], path, str(first[1]))
            found.add(number, line)
    return found


def write_merged(lines: MergedLines, path: Path) -> None:
    """Write the lines to a file, which is replaced at the end: it may be one of those read."""
    try:
        with atomic_write(path) as partial, partial.open("wb") as stream:
            stream.writelines(lines.texts())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _order(key: tuple[str, str | None]) -> tuple[object, ...]:
    target, res = key
    return natural_order(target), natural_order(res or "")
