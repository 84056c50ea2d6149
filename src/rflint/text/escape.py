"""Text that may hold anything, names and messages of the user's code, as text and nothing else.

On a terminal, control characters move the cursor and set colours. In the log of a CI job, lines
can be commands: `::error::` at their beginning (GitHub), `##[error]` and `##vso[...]` anywhere
(GitHub, Azure, TeamCity).
"""

from __future__ import annotations

import re

LINE_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
"""The colon that would make a line a command; what stands in front of it as a group."""
HASH_COMMAND = re.compile(r"#(?=#\w*\[)")
"""The hash that would make what follows it a command."""


def one_line(text: str) -> str:
    """Line breaks, control characters and broken Unicode as escapes, all else as it is."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def paragraphs(text: str) -> str:
    """A text of several lines; a name in it can neither move the cursor nor set colours."""
    return "\n".join(map(one_line, text.split("\n")))


def inert(text: str) -> str:
    """Lines that the log of a CI run does not take for commands."""
    return HASH_COMMAND.sub("# ", LINE_COMMAND.sub(r"\1: ", text))


def logged(text: str, most: int = 4000) -> str:
    """A message for a terminal or a log, where an exception's may hold anything, at any length."""
    lines = text.replace("\r\n", "\n").split("\n")
    tame = inert("\n  ".join(map(one_line, lines)))
    if len(tame) <= most:
        return tame
    return f"{tame[:most]}... ({len(tame) - most:,} characters more)"
