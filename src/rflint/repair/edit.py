"""One statement of those that change a model."""

from __future__ import annotations

from dataclasses import dataclass

from rflint.graph.construction import place_text
from rflint.graph.source_location import SourceLocation


@dataclass(frozen=True, slots=True)
class Edit:
    """One statement about the model `m`, and what it is for."""

    code: str
    why: str
    defines: bool = False
    """Whether it defines a class that a later statement uses."""
    source: SourceLocation | None = None
    """The user's line that built the module it changes, where that is known."""
    called_from: SourceLocation | None = None
    """Where that line built several modules: the outer line that tells this one apart."""

    def place(self, known_file: str = "") -> str:
        """Both lines as reports show them: 'net.py:12 (from line 40)'; empty if not known."""
        return place_text(self.source, self.called_from, known_file) if self.source else ""
