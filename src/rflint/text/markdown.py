"""Untrusted text in GitHub's Markdown.

Names stand in code spans, where GitHub looks for no markup, mentions, links, issue numbers or
emoji; escapes alone would not stop mentions, which it finds in rendered text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rflint.text.escape import one_line

_NAME, _SENTENCE = 100, 600
"""Longer ones are cut."""

_PLAIN_WORD = re.compile(r"""(?i)(?!.*www\.)[("']*[a-z0-9.,%/+'-]*[)"'.,;:!?]*""")
"""Words in which GitHub finds no markup, mention, link or emoji."""


def code_span(text: str, most: int = _NAME) -> str:
    """Text in a code span, where GitHub finds no markup; also inside of a table.

    A pipe would end a cell in a code span too, and an escaped one is not everywhere what it seems.
    """
    return "&#124;".join(map(_span, one_line(_cut(text, most)).split("|")))


def sentence(text: str) -> str:
    """A sentence with names in it: whatever is not a plain word stands in a code span."""
    words = one_line(_cut(text, _SENTENCE).replace("\n", " ")).split(" ")
    return " ".join(word if _PLAIN_WORD.fullmatch(word) else code_span(word) for word in words)


def that_fit(texts: Sequence[str], most: int, room: int) -> Sequence[str]:
    """The first of the texts, as many as fit into so many characters."""
    for number, text in enumerate(texts[:most]):
        room -= len(text) + 2
        if room < 0:
            return texts[:number]
    return texts[:most]


def _span(text: str) -> str:
    """A code span; its fence is longer than any run of backticks inside."""
    if not text.strip():
        return text
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    padded = f" {text} " if text[0] in "` " or text[-1] in "` " else text
    return f"{fence}{padded}{fence}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
