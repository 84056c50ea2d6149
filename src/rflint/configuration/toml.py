"""A TOML file with the lines of its keys, which TOML parsers do not report."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from rflint.errors import RflintError
from rflint.graph.source_location import SourceLocation
from rflint.usercode.paths import source_at

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # of the same making

Key: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys of tables, and indices into arrays."""


class ConfigurationError(RflintError):
    """A configuration that cannot be read, or has an unknown key or an invalid value."""

    kind = "configuration"


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file."""

    path: Path
    table: Mapping[str, Any]
    text: str

    def source(self, key: Key) -> SourceLocation:
        """The line of a key, or of the innermost table around it whose line is known."""
        lines = dict(_lines(self.text))
        while key and key not in lines:
            key = key[:-1]
        return source_at(str(self.path), lines.get(key, 1))


def load_document(path: Path) -> Document:
    """Read a file. Raises ConfigurationError if it cannot be read, or is no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"cannot read {path}: {why}") from error
    return parsed_document(path, text)


def parsed_document(path: Path, text: str) -> Document:
    """The text of a file, parsed. Raises ConfigurationError if it is no TOML."""
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigurationError(f"cannot read {path}: it is nested too deeply") from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        said = str(error).replace(place[0], "").strip() if place else str(error)
        raise ConfigurationError(
            f"this is no TOML: {said}",
            source=source_at(str(path), line),
            hint=_hint(text, str(error)),
        ) from error
    return Document(path, table, text)


def _hint(text: str, said: str) -> str:
    """A hint for a file in which `rules` is both a list of paths and a table, which is no TOML."""
    both = (
        said.startswith("Cannot ")
        and re.search(r"^\s*rules\s*=", text, re.M)
        and re.search(r"^\s*(\[\s*(tool\.rflint\.)?rules\s*[.\]]|rules\s*\.)", text, re.M)
    )
    return "Beside settings of rules, write their paths as rules.paths = [...]." if both else ""


_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_PATH = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_PATH})\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(rf"^\s*({_PATH})\s*=(.*)$")


def _lines(text: str) -> Iterator[tuple[Key, int]]:
    """The lines of tables and of keys.

    Keys inside of inline tables are not among them; their value starts on the line of its key.
    """
    table: Key = ()
    arrays: Counter[Key] = Counter()
    pending = ""  # a value that goes on over several lines
    for number, line in enumerate(text.split("\n"), start=1):  # no other character ends a line
        if pending:
            pending += "\n" + line
        elif header := _HEADER.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                arrays[table] += 1
            table = _indexed(table, arrays)
            yield table, number
            continue
        elif assignment := _ASSIGNMENT.match(line):
            yield (*table, *_parts(assignment[1])), number
            pending = assignment[2]
        if pending and _is_whole(pending):
            pending = ""


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, path))


def _indexed(table: Key, arrays: Mapping[Key, int]) -> Key:
    """A table's path with the index of the latest element of each array on it."""
    indexed: Key = ()
    for depth, part in enumerate(table, start=1):
        indexed = (*indexed, part)
        if table[:depth] in arrays:
            indexed = (*indexed, arrays[table[:depth]] - 1)
    return indexed


def _is_whole(value: str) -> bool:
    """Whether a value is complete; brackets in comments and texts do not count."""
    try:
        tomllib.loads(f"value = {value}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return True
