"""What a front end is told while a project is linted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from rflint.configuration.requests import Request
from rflint.errors import RflintError


class Listener:
    """Ignores everything; a front end overrides what it shows to people."""

    def failed(self, about: str, error: RflintError, request: Request | None) -> None:
        """A model could not be linted, or a rule not be had, when that happens."""

    def note(self, text: str) -> None:
        """Something that is no error."""

    def detail(self, text: str) -> None:
        """Something that only those want to know who ask for details."""

    def linting(
        self, requests: Sequence[Request]
    ) -> AbstractContextManager[Callable[[int, Request], None]]:
        """Entered while these are linted; what it gives is called in front of each, by number."""
        return nullcontext(lambda number, request: None)

    def fix_command(self, request: Request) -> str:
        """The command that writes the repairs of a model, as reports name it."""
        return f"rflint fix {request.name if request.is_named else request.target}"
