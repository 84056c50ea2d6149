"""The inputs that a model's forward takes, as its signature says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

import torch
from torch import nn

from rflint.errors import TraceFailed

_NO_TENSORS = re.compile(r"\b(bool|str|int|float|dict|Dict)\b")
"""Types of arguments that are options, and no inputs."""

_OPTIONS = ("return_", "output_", "use_", "is_")
"""How options are called, as a rule."""


def optional_inputs(model: nn.Module, number: int) -> tuple[str, ...]:
    """The optional inputs of a model's forward beyond the first ones, which were given."""
    try:
        arguments = list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        return ()
    return tuple(
        argument.name
        for argument in arguments[number:]
        if argument.default is None
        and not _NO_TENSORS.search(str(argument.annotation))
        and not argument.name.startswith(_OPTIONS)
    )


def check_signature(model: nn.Module, inputs: Sequence[torch.Tensor]) -> None:
    """Raises TraceFailed where forward takes fewer inputs, or one by its name only."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):  # it is not written in Python
        return
    takes = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    surplus = len(inputs) > len(takes) and not any_number
    if not named and not surplus:
        return
    if takes and not named:
        number = f"{len(takes)} input{'s' if len(takes) > 1 else ''}"
        raise TraceFailed(
            f"{type(model).__name__}.forward() takes {number} "
            f"({', '.join(p.name for p in takes)}), not {len(inputs)}",
            hint="Give one --input for each. Where one of them is a list of tensors, lint a small "
            "module around the model, whose forward takes the tensors one by one and passes them "
            "on as a list.",
        )
    names = ", ".join(named or [p.name for p in parameters if p.kind is p.KEYWORD_ONLY])
    raise TraceFailed(
        f"{type(model).__name__}.forward() takes {names or 'no input'}"
        f"{' by keyword only' if names else ''}",
        hint="rflint gives inputs by position. Lint a small module around the model, whose forward "
        "takes the tensors one by one and passes them on by their names.",
    )
