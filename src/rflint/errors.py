"""The errors that rflint raises.

Each says what failed, where in the user's code, and what to do about it. The command line prints it
as one message and exits with status 2; `--debug` also prints the traceback.
"""

from __future__ import annotations

from rflint.graph.source_location import SourceLocation


class RflintError(Exception):
    """Something went wrong that keeps rflint from linting the target."""

    kind = "error"
    """The entry `kind` in the JSON report."""

    def __init__(
        self, message: str, *, hint: str = "", source: SourceLocation | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.source = source
        self.steps_before = 0
        """Of a model that does not run: how many steps it took before."""
        self.runs_on: tuple[int, ...] = ()
        """A size at which it was found to run instead, where one was looked for and found."""
        self.traceback_elsewhere = ""
        """Of an error from another process: the traceback there."""

    def __str__(self) -> str:
        place = f"{self.source}: " if self.source else ""
        return f"{place}{self.message}" + (f"\n{self.hint}" if self.hint else "")


class UsageError(RflintError):
    """A malformed target, resolution, argument or rule code."""

    kind = "usage"


class ImportFailed(RflintError):
    """The target's module or attribute cannot be imported."""

    kind = "import"


class BuildFailed(RflintError):
    """The builder raised an exception, needs arguments, or did not return a module."""

    kind = "build"


class TrainsWhenLoaded(RflintError):
    """The target trains while it is imported or built, and was stopped."""

    kind = "training"


class DownloadsWhenLoaded(RflintError):
    """The target downloads while it is imported or built, and was kept from it."""

    kind = "download"


class InputMismatch(RflintError):
    """The model does not run on this input, or no input can be inferred for it."""

    kind = "input"


class InternalError(RflintError):
    """A bug in rflint."""

    kind = "internal"


class TraceFailed(RflintError):
    """The model's forward cannot be traced."""

    kind = "trace"


class DataDependent(TraceFailed):
    """The model's forward depends on values of tensors, which exist at run time only."""


class UnsupportedByTracer(TraceFailed):
    """One tracer cannot trace the model's forward; another one may."""


class RepairFailed(RflintError):
    """A repair cannot be applied to the model, or does not have the effect that it promises."""

    kind = "repair"


def internal_error(error: BaseException, source: SourceLocation | None = None) -> InternalError:
    """The error for an exception that is a bug in rflint; it asks the user to report it."""
    return InternalError(
        f"rflint itself failed: {type(error).__name__}: {error}",
        hint="This is a bug in rflint, not in your model. Please report it, with what --debug "
        "prints.",
        source=source,
    )


def as_rflint_error(error: BaseException) -> RflintError:
    """Any exception as an RflintError; an unexpected one becomes an InternalError."""
    if isinstance(error, RflintError):
        return error
    if isinstance(error, OSError) and error.strerror:
        file = f"{error.filename}: " if error.filename is not None else ""
        found = RflintError(f"{file}{error.strerror}")
    elif isinstance(error, MemoryError):
        found = RflintError("there is not enough memory")
    else:
        found = internal_error(error)
    found.__cause__ = error
    return found


def error_text(error: BaseException) -> str:
    """An exception's class and message: 'ValueError: no such layer'.

    Behind them comes the first of the exceptions that it was raised from, unless it says that.
    """
    text = _own_text(error)
    first = first_cause(error)
    cause = str(first).strip() or type(first).__name__
    return text if cause in text else f"{text} (from {_own_text(first)})"


def first_cause(error: BaseException) -> BaseException:
    """The exception that all began with: the end of the chain of `raise ... from`."""
    seen = {id(error)}
    while error.__cause__ is not None and id(error.__cause__) not in seen:
        error = error.__cause__
        seen.add(id(error))
    return error


def _own_text(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
