"""What a person sees on a terminal while a project is linted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from rflint.cli.commands import CommonOptions, command, completed
from rflint.cli.messages import complain, note, progress
from rflint.configuration.requests import Request
from rflint.errors import RflintError
from rflint.usecases.listener import Listener


class Terminal(Listener):
    """Errors with commands that can be copied, and how far a long run has come."""

    def __init__(self, given: CommonOptions, *, quiet: bool, verbose: bool, debug: bool) -> None:
        self.given = given
        self.quiet = quiet
        self.verbose = verbose
        self.debug = debug

    def failed(self, about: str, error: RflintError, request: Request | None) -> None:
        """Say it at once."""
        if request is not None:
            error.hint = completed(error.hint, request, self.given)
        complain(error, self.debug, about)

    def note(self, text: str) -> None:
        """On stderr."""
        note(text)

    def detail(self, text: str) -> None:
        """With --verbose."""
        if self.verbose:
            note(text)

    def linting(
        self, requests: Sequence[Request]
    ) -> AbstractContextManager[Callable[[int, Request], None]]:
        """A line that tells how far it is."""
        return progress(len(requests), quiet=self.quiet)

    def fix_command(self, request: Request) -> str:
        """With the options that were given."""
        return command(request, self.given, "fix")
