"""Whether a builder can be called with the arguments that the user gives, and what it lacks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from rflint.errors import BuildFailed
from rflint.tracing.model.argument_types import as_annotated, likely_value
from rflint.usercode.parameters import check_names


def fitting_arguments(
    builder: Callable[..., Any], arguments: Mapping[str, Any], described: str
) -> Mapping[str, Any]:
    """The arguments, with tables as the configuration objects that a builder's annotations ask for.

    Raises BuildFailed where a builder takes other arguments.
    """
    signature = builder_signature(builder)
    if signature is None:
        return arguments  # the call itself will tell
    _check(signature, arguments, described)
    return {
        name: as_annotated(value, _annotation(signature, name), f"{described}: {name}")
        for name, value in arguments.items()
    }


def builder_signature(builder: Any) -> inspect.Signature | None:
    """A builder's signature, its annotations evaluated where they can be; None for built-ins."""
    try:
        signature = inspect.signature(builder)
    except (TypeError, ValueError):
        return None
    with suppress(Exception):  # an annotation may name what is imported for type checkers only
        signature = inspect.signature(builder, eval_str=True)
    return signature


def _check(signature: inspect.Signature, arguments: Mapping[str, Any], described: str) -> None:
    check_names(arguments, signature.parameters, described)
    known = ", ".join(signature.parameters) or "none"
    try:
        signature.bind(**arguments)
    except TypeError as error:
        hint = f"Its parameters: {known}."
        missing = _missing(signature, arguments)
        if missing:
            hint = _proposal(missing, known)
        raise BuildFailed(f"{described} cannot be called: {error}", hint=hint) from error


def _missing(signature: inspect.Signature, arguments: Mapping[str, Any]) -> list[inspect.Parameter]:
    """The parameters that must be given and are not."""
    return [
        parameter
        for name, parameter in signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and name not in arguments
    ]


def _proposal(missing: list[inspect.Parameter], known: str) -> str:
    """The options that are missing, with values such as their annotations ask for."""
    values = [(x.name, likely_value(x.name, x.annotation)) for x in missing]
    if objects := [name for name, value in values if value is None]:
        return (
            f"{', '.join(objects)} is an object, which no option can give: write a function that "
            f"builds the model, and lint that. Its parameters: {known}."
        )
    options = " ".join(f"--arg {name}={value}" for name, value in values)
    like = "" if all(value == "VALUE" for _, value in values) else "values like "
    return f"Give {like}{options}. Its parameters: {known}."


def _annotation(signature: inspect.Signature, name: str) -> Any:
    parameter = signature.parameters.get(name)
    return parameter.annotation if parameter else inspect.Parameter.empty
