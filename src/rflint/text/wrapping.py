"""Where lines may break: between words, but not between a number and its unit, nor in a command.

Spaces that have to stay are another character while lines are broken, and spaces again afterwards,
so that nothing but spaces reaches a file, a program or what a person copies.
"""

from __future__ import annotations

import re
import textwrap

from rflint.text.subcommands import SUBCOMMANDS

_BOUND = "\ue000"
"""For private use: texts of users have it escaped, and to whoever breaks lines it is a letter.

A no-break space would be the obvious one, but rich breaks lines at it.
"""
_BEFORE_UNIT = re.compile(r"(?<=[\d∞]) (?=(?:%|px|[kMGT]|[kMGT]i?B|m?s)(?!\w))")
_OPTION = re.compile(r"(?<!\S)--[a-z][\w-]*[ ](?=\S)")
_COMMAND = re.compile(
    r"(?:(?<=^)|(?<=: ))"
    rf"(?:rflint (?=-|(?:{'|'.join(SUBCOMMANDS)})(?!\w)|[^\s:]+:\w)"
    r"|pip install |\S*python[\d.]* -|torch\.save\().*"
)
"""To the end of the line: commands stand at the end of sentences, or alone."""


def bound(text: str) -> str:
    """The text with what belongs together kept together by a character that is no space."""
    return _BEFORE_UNIT.sub(_BOUND, text)


def loosened(text: str) -> str:
    """The text with spaces again."""
    return text.replace(_BOUND, " ")


def wrapped(text: str, width: int) -> str:
    """Lines of at most so many characters; commands, and words that are longer, stay whole.

    What follows a broken line is as far to the right as the line, but at least by two.
    """
    return "\n".join(_wrapped_line(line, width) for line in text.split("\n"))


def _wrapped_line(line: str, width: int) -> str:
    begin = line[: len(line) - len(line.lstrip(" "))]
    kept = _COMMAND.sub(_together, line[len(begin) :])
    kept = bound(_OPTION.sub(_together, kept))
    lines = textwrap.wrap(
        kept,
        max(width, 20),
        initial_indent=begin,
        subsequent_indent=begin or "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return loosened("\n".join(lines))


def _together(found: re.Match[str]) -> str:
    return found[0].replace(" ", _BOUND)
