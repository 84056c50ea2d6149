"""How a model would have to be built for the weights of a file, by its builder's parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import Parameter
from typing import Any

from rflint.text.numbers import first_few
from rflint.usercode.parameters import parameters_of

_SHOWN = 8
_AS_TRAINED = "Build the model as it was built for the training"


def builder_hint(
    builder: Any, model: type, arguments: Mapping[str, Any], sizes: Iterable[tuple[int, int]]
) -> str:
    """The parameters whose values are sizes in the model that are other ones in the file.

    `sizes` are these, in the model and in the file; `arguments` are those given to the builder.
    Where no value is one of them, all parameters are listed; empty where there are none.
    """
    own = parameters_of(builder)
    named = {
        name: x for name, x in own.items() if x.kind in (x.POSITIONAL_OR_KEYWORD, x.KEYWORD_ONLY)
    }
    passed_on: Mapping[str, Parameter] = {}
    if any(x.kind is x.VAR_KEYWORD for x in own.values()):
        passed_on = parameters_of(model)  # as builders of torchvision and timm do
    values = {name: x.default for name, x in (*passed_on.items(), *named.items())} | dict(arguments)
    options = [" or ".join(found) for size in sizes if (found := list(_options(values, *size)))]
    if options:
        return f"{_AS_TRAINED}, with {' and '.join(options)}: these are the sizes in the file."
    if not named:
        return ""
    return f"{_AS_TRAINED}. Its parameters: {first_few(list(named), _SHOWN)}."


def _options(values: Mapping[str, Any], in_model: int, in_file: int) -> Iterable[str]:
    for name, value in values.items():
        if type(value) is int and value == in_model:
            yield f"--arg {name}={in_file}"
