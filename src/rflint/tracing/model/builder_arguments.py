"""Whether a builder can be called with the arguments that the user gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from rflint.errors import BuildFailed
from rflint.text.suggest import did_you_mean, similar


def check_arguments(
    builder: Callable[..., Any], arguments: Mapping[str, Any], described: str
) -> None:
    """Raise BuildFailed where a builder takes other arguments."""
    try:
        signature = inspect.signature(builder)
    except (TypeError, ValueError):
        return  # built-ins have none: the call itself will tell
    known = ", ".join(signature.parameters) or "none"
    takes_any = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    for name in arguments:
        if name not in signature.parameters and not takes_any:
            did = did_you_mean(similar(name, signature.parameters))
            hint = f"{did} Its parameters: {known}.".lstrip()
            raise BuildFailed(f"{described} has no parameter {name!r}", hint=hint)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        hint = f"Its parameters: {known}."
        missing = _missing(signature, arguments)
        if missing:
            hint = "Give " + " ".join(f"--arg {name}=VALUE" for name in missing) + f". {hint}"
        raise BuildFailed(f"{described} cannot be called: {error}", hint=hint) from error


def _missing(signature: inspect.Signature, arguments: Mapping[str, Any]) -> list[str]:
    """The parameters that must be given and are not."""
    return [
        name
        for name, parameter in signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and name not in arguments
    ]
