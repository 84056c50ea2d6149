"""What the command line shows while a project is linted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from rflint.cli.commands import CommonOptions, command, completed
from rflint.cli.messages import complain, counted, note, progress
from rflint.configuration.requests import Request
from rflint.errors import RflintError
from rflint.usecases.listener import Listener


class Terminal(Listener):
    """Prints errors and notes on stderr, and the progress of a long run."""

    def __init__(self, given: CommonOptions, *, quiet: bool, verbose: bool, debug: bool) -> None:
        self.given = given
        self.quiet = quiet
        self.verbose = verbose
        self.debug = debug

    def failed(self, about: str, error: RflintError, request: Request | None) -> None:
        """Print the error; a hint that names options becomes a command to copy."""
        if request is not None:
            error.hint = completed(error.hint, request, self.given)
        complain(error, self.debug, about)

    def note(self, text: str) -> None:
        """Print a note."""
        note(text)

    def detail(self, text: str) -> None:
        """Print a note if --verbose asks for it."""
        if self.verbose:
            note(text)

    def linting(
        self, requests: Sequence[Request]
    ) -> AbstractContextManager[Callable[[int, Request], None]]:
        """Show which model is being linted, and how many there are."""
        return progress(len(requests), quiet=self.quiet)

    def surveying(self) -> AbstractContextManager[Callable[[int, int], None]]:
        """Show how many sizes were traced, where that takes long."""
        return counted("sizes traced", quiet=self.quiet)

    def fix_command(self, request: Request) -> str:
        """The command `rflint fix` for the same model, with the same options."""
        return command(request, self.given, "fix")
