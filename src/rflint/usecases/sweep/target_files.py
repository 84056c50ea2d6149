"""Files of targets: one target or pattern a line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rflint.errors import UsageError
from rflint.usercode.paths import source_at

STDIN = "-"
_COMMENT = re.compile(r"(?:^|\s)#.*", re.DOTALL)
"""A hash within a word is part of a target: `hydra:conf/config.yaml#model`."""


def is_target_file(text: str, root: Path) -> bool:
    """Whether an argument names a file of targets: `@FILE`, `-`, or a file that is no Python."""
    if text == STDIN or text.startswith("@"):
        return True
    return ":" not in text and not text.endswith(".py") and (root / text).is_file()


def read_target_file(text: str, root: Path = Path()) -> Iterator[str]:
    """The targets and patterns of such a file, without blank lines and comments.

    Raises UsageError with the line for what is none.
    """
    if text == STDIN:
        yield from _targets(sys.stdin.buffer, "standard input")
        return
    named = text.removeprefix("@")
    try:
        with open(root / named, "rb") as file:
            yield from _targets(file, str(root / named))
    except OSError as error:
        raise UsageError(f"cannot read {named}: {error.strerror}") from error


def _targets(lines: Iterable[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        place = source_at(name, number)
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UsageError("this is no text in UTF-8", source=place) from error
        target = _COMMENT.sub("", text).strip()
        if not target:
            continue
        if len(target.split()) > 1:
            raise UsageError(
                f"{target!r} is more than one target",
                hint="A line has one target or pattern. Options are for the command line.",
                source=place,
            )
        if target == STDIN or target.startswith("@"):
            raise UsageError("a file of targets names no other", source=place)
        yield target
