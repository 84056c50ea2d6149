"""What can go wrong outside of rflint, as errors that a person can act on.

Every error carries what failed, where in the user's code, and what to do. The command line turns
them into one message and exit status 2; `--debug` shows the chained traceback.
"""

from __future__ import annotations

from rflint.graph.architecture import Source


class RflintError(Exception):
    """rflint could not do its job on this target."""

    kind = "error"

    def __init__(self, message: str, *, hint: str = "", source: Source | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.source = source

    def __str__(self) -> str:
        place = f"{self.source}: " if self.source else ""
        return f"{place}{self.message}" + (f"\n{self.hint}" if self.hint else "")


class UsageError(RflintError):
    """The request makes no sense: a malformed target, resolution, argument or rule code."""

    kind = "usage"


class ImportFailed(RflintError):
    """The target's module or attribute cannot be imported."""

    kind = "import"


class BuildFailed(RflintError):
    """The builder raised, needs arguments, or returned something that is no module."""

    kind = "build"


class InputMismatch(RflintError):
    """The model does not run on this input: too small, wrong channels, or nothing to infer from."""

    kind = "input"


class InternalError(RflintError):
    """A bug in rflint."""

    kind = "internal"


class TraceFailed(RflintError):
    """The model's forward cannot be followed."""

    kind = "trace"


class ReadsValues(TraceFailed):
    """The model's forward reads numbers that only exist at run time."""


class CannotFollow(TraceFailed):
    """One tracer cannot follow the model's forward; another one may."""


class RepairFailed(RflintError):
    """A repair cannot be applied to this model, or is not what it should be once it is."""

    kind = "repair"


def internal_error(error: BaseException, source: Source | None = None) -> InternalError:
    """An unexpected exception of rflint's own, as an error that asks to be reported."""
    return InternalError(
        f"rflint itself failed: {type(error).__name__}: {error}",
        hint="This is a bug in rflint, not in your model. Please report it, with what --debug "
        "prints.",
        source=source,
    )


def expected(error: BaseException) -> RflintError:
    """An error that a person can act on; whatever else was raised is a bug, and says so."""
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


def said(error: BaseException) -> str:
    """An exception in one line: its class and what it says."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
