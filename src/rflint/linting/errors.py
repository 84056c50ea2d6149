"""What goes wrong with a rule."""

from __future__ import annotations

from rflint.errors import RflintError
from rflint.graph.source_location import SourceLocation


class RuleFailed(RflintError):
    """A rule file cannot be read, or its check raised."""

    kind = "rule"

    def __init__(
        self, message: str, *, hint: str = "", source: SourceLocation | None = None, code: str = ""
    ) -> None:
        super().__init__(message, hint=hint, source=source)
        self.code = code
        """Of the rule, where one could be read."""
