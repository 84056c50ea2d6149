"""From a target's attribute to an nn.Module: the builder called, and the model unwrapped."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from rflint.errors import BuildFailed, RflintError, error_text
from rflint.graph.source_location import SourceLocation
from rflint.tracing.model.builder_arguments import fitting_arguments
from rflint.tracing.model.construction import construction_recorded
from rflint.tracing.model.lightning import model_in_steps
from rflint.tracing.model.meta_device import WeightsOnMeta
from rflint.tracing.model.misfits import misfits
from rflint.tracing.model.wrappers import unwrapped, wrappers_of
from rflint.usercode.exits import exit_call
from rflint.usercode.file_hints import data_elsewhere
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.install_hints import compiled_part_missing
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.loading import was_stopped
from rflint.usercode.ownership import is_user_code
from rflint.usercode.paths import source_at
from rflint.usercode.source_lines import innermost_user_line_of

_REASONABLE = 1 << 31
"""A model of more elements than this is not built for real when building on meta fails."""


@dataclass(frozen=True)
class BuiltModel:
    """A model, and what is worth saying about how it was built."""

    model: nn.Module
    note: str = ""
    wrappers: tuple[str, ...] = ()
    """Attributes by which the model is reached from what was built."""
    is_module: bool = False
    """Whether the target was a module already."""
    place: SourceLocation | None = None
    """Where the user's code defines the target."""
    builder: Any = None
    """What was called for it; None where the target was a module already."""


def build(
    attribute: Any, arguments: Mapping[str, Any], described: str, *, allocate: bool = False
) -> BuiltModel:
    """Call a builder (function, class, partial) or take a module as it is.

    The builder runs with its storage on the meta device; for real if that fails, or if its weights
    are wanted (`allocate`). Raises
    BuildFailed when it raises, needs other arguments, exits, or returns no module.
    """
    is_module = isinstance(attribute, nn.Module)
    if is_module:
        if arguments:
            raise BuildFailed(f"{described} is a module already and takes no --arg")
        result, note = attribute, ""
    else:
        _check_builder(attribute, described)
        fitting = fitting_arguments(attribute, arguments, described)
        try:
            if allocate:
                result, note = _allocated(attribute, fitting, described), ""
            else:
                result, note = _called(attribute, fitting, described)
        except BuildFailed as error:
            error.hint = error.hint or misfits(attribute, fitting)
            raise
    if not isinstance(result, nn.Module):
        raise BuildFailed(
            f"{described} returned {_with_article(type(result).__name__)}, not an nn.Module",
            hint="Point the target at the function or class that gives the model itself.",
        )
    place, inside = _place(attribute), wrappers_of(result)
    if model_in_steps(result):
        lacks = f"{described} has no forward: linted is its {inside[0]}, which its steps call"
        note = "; ".join(filter(None, (note, lacks)))
    builder = None if is_module else attribute
    return BuiltModel(unwrapped(result), note, inside, is_module, place, builder)


def _check_builder(attribute: Any, described: str) -> None:
    """Raise BuildFailed for what cannot be called."""
    if isinstance(attribute, str):
        raise BuildFailed(
            f"{attribute!r} is the name of a model, and not the model",
            hint="Give the class, the function that builds it, or the module itself; names are for "
            "the command line.",
        )
    if not callable(attribute):
        kind = _with_article(type(attribute).__name__)
        raise BuildFailed(
            f"{described} is {kind}, not something that builds a model",
            hint="A target is a class, a function that returns an nn.Module, or an nn.Module.",
        )


def _called(
    builder: Callable[..., Any], arguments: Mapping[str, Any], described: str
) -> tuple[Any, str]:
    """What a builder returns, on meta or else for real, and a note if it is for real."""
    storage = WeightsOnMeta()
    try:
        with storage:
            return call_builder(builder, arguments), ""
    except RflintError:
        raise
    except Exception as on_meta:
        # a missing file or an unreachable host has nothing to do with meta
        no_use = isinstance(on_meta, OSError) or was_stopped(on_meta)
        if no_use or storage.elements > _REASONABLE:
            raise _failed(described, on_meta) from on_meta
        result = _allocated(builder, arguments, described)
        return result, f"{described} was built with real weights: on meta, {error_text(on_meta)}"


def _allocated(builder: Callable[..., Any], arguments: Mapping[str, Any], described: str) -> Any:
    """What a builder returns, with its weights."""
    try:
        return call_builder(builder, arguments)
    except RflintError:
        raise
    except Exception as error:
        raise _failed(described, error) from error


def _place(attribute: Any) -> SourceLocation | None:
    """The user's line that begins the definition of a function or class, or of a module's class."""
    defined = type(attribute) if isinstance(attribute, nn.Module) else attribute
    defined = inspect.unwrap(getattr(defined, "func", defined))
    try:
        file = inspect.getsourcefile(defined)
        line = inspect.getsourcelines(defined)[1]
    except (OSError, TypeError):  # not written in a file, or not in Python
        return None
    return source_at(file, max(line, 1)) if file and is_user_code(file) else None


@enters_user_code
def call_builder(attribute: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Run the user's builder, noting which line builds what; an exit becomes an exception."""
    with construction_recorded(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return attribute(**arguments)
        except Exception:
            raise
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            ended = f"it called {exit_call(error)}" if isinstance(error, SystemExit) else ""
            wrapped = RuntimeError(ended or error_text(error))
            raise wrapped.with_traceback(error.__traceback__) from error


def _failed(described: str, error: Exception) -> RflintError:
    source = innermost_user_line_of(error)
    beside = Path(source.path) if source else None
    hint = compiled_part_missing(error) or data_elsewhere(error, beside)
    return BuildFailed(f"{described} raised {error_text(error)}", hint=hint, source=source)


def _with_article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
