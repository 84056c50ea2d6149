"""What a user interface is told while a project is linted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from rflint.configuration.requests import Request
from rflint.errors import RflintError


class Listener:
    """Ignores everything; a user interface overrides the methods for what it shows."""

    def failed(self, about: str, error: RflintError, request: Request | None) -> None:
        """Called when a model cannot be linted, or a rule not be loaded."""

    def note(self, text: str) -> None:
        """Called with a message that is no error."""

    def detail(self, text: str) -> None:
        """Called with a message for users who ask for details."""

    def linting(
        self, requests: Sequence[Request]
    ) -> AbstractContextManager[Callable[[int, Request], None]]:
        """Entered while requests are linted; gives a function to call before each of them."""
        return nullcontext(lambda number, request: None)

    def surveying(self) -> AbstractContextManager[Callable[[int, int], None]]:
        """Entered while a model is looked at at many sizes; gives a function that is told how many
        sizes were traced, and how many there are.
        """
        return nullcontext(lambda traced, number: None)

    def fix_command(self, request: Request) -> str:
        """The command that writes the repairs of a model, for reports."""
        return f"rflint fix {request.name if request.is_named else request.target}"
