"""What the command line shows while a model is linted in order to be measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rflint.cli.commands import CommonOptions, with_options
from rflint.cli.terminal import Terminal
from rflint.configuration.requests import Request
from rflint.errors import RflintError
from rflint.text.numbers import compact_size, size

if TYPE_CHECKING:
    from rflint.usecases.measure import Measuring


class MeasuringTerminal(Terminal):
    """Where no size of the input is given, it proposes that of the data."""

    def __init__(
        self,
        given: CommonOptions,
        measuring: Callable[[], Measuring],
        *,
        quiet: bool,
        verbose: bool,
        debug: bool,
    ) -> None:
        super().__init__(given, quiet=quiet, verbose=verbose, debug=debug)
        self.measuring = measuring

    def failed(self, about: str, error: RflintError, request: Request | None) -> None:
        """Print the error; a hint that names options becomes a command to copy."""
        from rflint.tracing.example_inputs.build import SizeMissing

        if isinstance(error, SizeMissing) and request is not None:
            error.hint = self._about_size(request)
            request = None
        super().failed(about, error, request)

    def _about_size(self, request: Request) -> str:
        from rflint.usecases.measure import size_at_hand

        measuring = self.measuring()
        found = size_at_hand(measuring, request)
        if found is None:
            said, option = "Give the size that the model was trained at.", "SIZE"
        else:
            option = compact_size(found)
            said = (
                f"The first samples of {measuring.data} are {size(found)}. If the model was "
                "trained at that size:"
            )
        return f"{said}\n{with_options(self.given.typed, ['--res', option])}"
