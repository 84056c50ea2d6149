"""The parameters of what the user's code builds models with."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from inspect import Parameter
from typing import Any

from rflint.errors import BuildFailed
from rflint.text.suggest import did_you_mean, similar


def parameters_of(builder: Any) -> Mapping[str, Parameter]:
    """The parameters of a function or class by name; none where Python does not know them."""
    try:
        return inspect.signature(builder).parameters
    except (TypeError, ValueError):  # not callable, or in compiled code
        return {}


def check_names(names: Iterable[str], parameters: Mapping[str, Parameter], described: str) -> None:
    """Raise BuildFailed for a name that is no parameter's, with its nearest neighbour."""
    if any(x.kind is Parameter.VAR_KEYWORD for x in parameters.values()):
        return
    for name in names:
        if name not in parameters:
            did = did_you_mean(similar(name, parameters))
            hint = f"{did} Its parameters: {', '.join(parameters) or 'none'}.".lstrip()
            raise BuildFailed(f"{described} has no parameter {name!r}", hint=hint)
