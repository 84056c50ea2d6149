"""Arguments of a builder that are of another type than it says.

An annotation is no check: Python passes a text for an int, and the code may well read it. So this
is what is worth knowing of a builder that has failed, and no reason not to call it.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import NoneType
from typing import Any

from rflint.tracing.model.argument_types import alternatives
from rflint.tracing.model.builder_arguments import builder_signature

_TAKEN = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
    "None": (NoneType,),
    "NoneType": (NoneType,),
}
"""By the names of types, what Python takes for them without a word."""


def misfits(builder: Any, arguments: Mapping[str, Any]) -> str:
    """A sentence on each argument whose annotation asks for numbers, texts or truth values else."""
    signature = builder_signature(builder)
    if signature is None:
        return ""
    annotations = {name: x.annotation for name, x in signature.parameters.items()}
    return " ".join(_among(arguments, annotations, ""))


def _among(values: Mapping[str, Any], annotations: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, value in values.items():
        where, annotation = f"{path}{name}", annotations.get(name, inspect.Parameter.empty)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            kinds: dict[str, Any] = {}
            with suppress(Exception):
                kinds = typing.get_type_hints(type(value))
            inside = {x.name: getattr(value, x.name, None) for x in dataclasses.fields(value)}
            yield from _among(inside, kinds, f"{where}.")
        elif not _fits(value, annotation):
            asked = annotation if isinstance(annotation, str) else _named(annotation)
            yield f"{where} is {value!r}, and its annotation asks for {asked}."


def _fits(value: Any, annotation: Any) -> bool:
    kinds = [x if isinstance(x, str) else _named(x) for x in alternatives(annotation)]
    if not all(kind in _TAKEN for kind in kinds):
        return True  # nothing is known of other types
    return any(isinstance(value, _TAKEN[kind]) for kind in kinds)


def _named(annotation: Any) -> str:
    is_type = isinstance(annotation, type) and not typing.get_args(annotation)
    return annotation.__name__ if is_type else str(annotation)
