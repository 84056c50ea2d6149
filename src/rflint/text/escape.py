"""Escapes for untrusted text, such as names and messages from the user's code.

On a terminal, control characters move the cursor and set colours. In the log of a CI job, a line
can be a command: if it begins with `::error::` (GitHub), or holds `##[error]` or `##vso[...]`
(GitHub, Azure, TeamCity).
"""

from __future__ import annotations

import re

LINE_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
"""The first colon of a command at the beginning of a line; the white space before it is a group."""
HASH_COMMAND = re.compile(r"#(?=#\w*\[)")
"""The first hash of a command anywhere in a line."""


def one_line(text: str) -> str:
    """The text with line breaks, control characters and broken Unicode escaped."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def escaped_lines(text: str) -> str:
    """The text with control characters and broken Unicode escaped, but line breaks kept."""
    return "\n".join(map(one_line, text.split("\n")))


def without_ci_commands(text: str) -> str:
    """The text changed so that no line of it is a command in the log of a CI job."""
    return HASH_COMMAND.sub("# ", LINE_COMMAND.sub(r"\1: ", text))


def log_message(text: str, most: int = 4000) -> str:
    """A message made safe for a terminal or a log, and cut where it is very long."""
    lines = text.replace("\r\n", "\n").split("\n")
    tame = without_ci_commands("\n  ".join(map(one_line, lines)))
    if len(tame) <= most:
        return tame
    return f"{tame[:most]}... ({len(tame) - most:,} characters more)"
