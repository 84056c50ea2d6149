"""How far measuring is, told to whoever shows it."""

from __future__ import annotations


class Progress:
    """Told how far it is; a user interface overrides what it shows."""

    def begins(self, step: str, number: int) -> None:
        """Called before a step that consists of so many samples or layers."""

    def advances(self, by: int) -> None:
        """Called when so many of them are done."""


SILENT = Progress()
"""Where nobody is shown anything."""
