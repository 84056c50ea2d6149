"""Stop the user's code where it trains or downloads while it is imported and built.

A script without `if __name__ == "__main__":` trains when it is imported, for hours and over
checkpoints that somebody needs. A linter needs no weights either. What the loaded code attempts is
told from what goes on beside it: a package that a line imports may do as it likes, and so may
other threads.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from rflint.errors import DownloadsWhenLoaded, RflintError, TrainsWhenLoaded
from rflint.graph.source_location import SourceLocation
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.network import network_watched
from rflint.usercode.ownership import is_user_code, package_of
from rflint.usercode.parameters import parameters_of
from rflint.usercode.paths import source_at
from rflint.usercode.permissions import Permissions

_COMPILERS = re.compile(r"[\\/]torch[\\/](?:_dynamo|_functorch|_inductor|_export|export|fx|jit)\b")
"""Parts of PyTorch that take gradients in order to compile, or of plain functions."""
_WITHOUT_WEIGHTS = {
    "pretrained": "False",
    "weights": "None",
    "encoder_weights": "None",
    "weights_backbone": "None",
    "pretrained_backbone": "False",
}
"""Parameters by which builders are told to load no weights, and what they are told."""


class TrainingStopped(BaseException):
    """Raised in the user's code where it trains. No `except Exception:` goes on after it."""


class DownloadStopped(Exception):
    """Raised in the user's code where it downloads.

    It is no OSError: libraries try again after those, for half a minute and more.
    """


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the code that is loaded was kept from."""

    stopped: TrainingStopped | DownloadStopped
    what: str
    """Like "takes an optimiser step (SGD)"."""
    source: SourceLocation | None
    doing: str
    """What was going on: "importing net.py", or the target that was built."""


class LoadingGuard:
    """Keeps one target from training and downloading while it is imported and built."""

    def __init__(self, permissions: Permissions) -> None:
        self.permissions = permissions
        self.notes: list[str] = []
        """What the code was kept from, and went on without."""
        self._doing = ""
        self._attempts: list[Attempt] = []

    @contextmanager
    def during(self, doing: str, builder: Any = None) -> Iterator[None]:
        """Guard a block. Raises TrainsWhenLoaded or DownloadsWhenLoaded where it ended by that."""
        self._doing, self._attempts = doing, []
        try:
            if self.permissions.downloads:
                yield
            else:
                with network_watched(self._download):
                    yield
        except RflintError as error:
            chain = list(_chain(error))
            ended_by = next((x for x in self._attempts if x.stopped in chain), None)
            if ended_by is not None:
                raise _explained(ended_by, builder) from error
            if self._attempts and not error.hint:
                error.hint = f"Before that, {_note(self._attempts[0])}."
            raise
        else:
            self.notes += dict.fromkeys(f"{_note(x)}, and went on" for x in self._attempts)
        finally:
            self._attempts = []

    def training(self, what: str) -> None:
        """Stop the code that is about to train, if it is the code that is being loaded."""
        if not self.permissions.training:
            self._stop(TrainingStopped, what)

    def _download(self, wanted: str) -> None:
        what = f"downloads {wanted}" if "/" in wanted else f"connects to {wanted}"
        self._stop(DownloadStopped, what)

    def _stop(self, kind: type[TrainingStopped] | type[DownloadStopped], what: str) -> None:
        attempted, source = _attempted_by_loaded_code(sys._getframe(1))
        if not attempted:
            return
        stopped = kind(f"rflint stopped what {what}")
        self._attempts.append(Attempt(stopped, what, source, self._doing))
        raise stopped


def _attempted_by_loaded_code(frame: FrameType | None) -> tuple[bool, SourceLocation | None]:
    """Whether the code that is being loaded makes a call, and its line.

    That is the innermost line of the user's code, or else of a package whose builder was called.
    """
    in_package: SourceLocation | None = None
    while frame is not None:
        file, line = frame.f_code.co_filename, frame.f_lineno
        if enters_user_code.is_on(frame):
            return True, in_package
        if is_user_code(file):
            return _is_loading(frame), source_at(file, line)
        if file.startswith("<frozen importlib") or _COMPILERS.search(file):
            return False, None
        if in_package is None and package_of(file):
            in_package = source_at(file, line)
        frame = frame.f_back
    return False, None


def _is_loading(frame: FrameType | None) -> bool:
    """Whether a frame runs because rflint imports or builds: not in a thread beside that."""
    while frame is not None:
        if enters_user_code.is_on(frame):
            return True
        frame = frame.f_back
    return False


def was_stopped(error: BaseException) -> bool:
    """Whether an exception came of what code was kept from: trying again comes to the same."""
    return any(isinstance(x, TrainingStopped | DownloadStopped) for x in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception with all that it came from."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is not None and not any(found is x for x in seen):
            seen.append(found)
            waiting += [found.__cause__, found.__context__]
    return iter(seen)


def _note(attempt: Attempt) -> str:
    place = f"{attempt.source}: " if attempt.source else ""
    return f"{place}{attempt.doing} was kept from what {attempt.what} ({_switch(attempt)})"


def _switch(attempt: Attempt) -> str:
    trains = isinstance(attempt.stopped, TrainingStopped)
    return "--allow-training" if trains else "--allow-downloads"


def _explained(attempt: Attempt, builder: Any) -> RflintError:
    """The error for an attempt that ended the loading."""
    if isinstance(attempt.stopped, TrainingStopped):
        if builder is None:
            hint = (
                'Put what trains under `if __name__ == "__main__":`: then it runs when the file is '
                "run, and not when it is imported."
            )
        else:
            hint = "Move the training out of it: a target gives the model as it is before that."
        message = f"{attempt.doing} trains: it {attempt.what}"
        hint = f"{hint} To let it train: {_switch(attempt)}"
        return TrainsWhenLoaded(message, hint=hint, source=attempt.source)
    message = f"{attempt.doing} {attempt.what}"
    hint = f"{_without_weights(builder)} To let it download: {_switch(attempt)}"
    return DownloadsWhenLoaded(message, hint=hint, source=attempt.source)


def _without_weights(builder: Any) -> str:
    """How the model is built without a download."""
    parameters = parameters_of(builder)
    options = [
        f"--arg {name}={value}" for name, value in _WITHOUT_WEIGHTS.items() if name in parameters
    ]
    if options:
        return f"rflint needs no weights. Build it without: {' '.join(options)}."
    if builder is None:
        return (
            "rflint needs no weights: build the model without (weights=None, pretrained=False), or "
            'load them under `if __name__ == "__main__":`.'
        )
    return "rflint needs no weights: build the model without (weights=None, pretrained=False)."
