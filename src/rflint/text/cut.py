"""Texts that are too long for their place."""

from __future__ import annotations


def cut_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """The text, or its beginning and its end, so that it is no longer than `width` characters.

    Names of layers begin with the part of the network, and end with the block and the layer in it:
    the end tells more, and gets twice as much.
    """
    if len(text) <= width:
        return text
    left = max(width - len(ellipsis), 0)
    end = -(-2 * left // 3)
    return f"{text[: left - end]}{ellipsis}{text[len(text) - end :]}"[:width]
