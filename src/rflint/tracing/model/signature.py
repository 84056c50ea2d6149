"""The inputs that a model's forward takes, as its signature says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

import torch
from torch import nn

from rflint.errors import InputMismatch
from rflint.graph.source_location import SourceLocation
from rflint.inputs.forward_call import ForwardCall

_NO_TENSORS = re.compile(r"\b(bool|str|int|float|dict|Dict)\b")
"""Types of arguments that are options, and no inputs."""

_OPTIONS = ("return_", "output_", "use_", "is_")
"""How options are called, as a rule."""

_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class InputsMissing(InputMismatch):
    """Forward needs arguments that nobody gave."""

    def __init__(self, message: str, names: Sequence[str]) -> None:
        super().__init__(message)
        self.names = tuple(names)


class DictionaryWanted(InputMismatch):
    """Forward asks an input for a key."""

    def __init__(self, key: str, index: int | None, source: SourceLocation | None) -> None:
        super().__init__(f"forward takes a dictionary: it asks an input for {key!r}", source=source)
        self.key = key
        self.index = index
        """Which input it is; None where it is a tensor that was computed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a forward."""

    parameters: tuple[Parameter, ...]

    @property
    def by_position(self) -> tuple[Parameter, ...]:
        """Those that may be given by position."""
        return tuple(p for p in self.parameters if p.kind in _BY_POSITION)

    @property
    def named(self) -> tuple[Parameter, ...]:
        """All that have a name of their own."""
        alone = (*_BY_POSITION, Parameter.KEYWORD_ONLY)
        return tuple(p for p in self.parameters if p.kind in alone)

    @property
    def required(self) -> tuple[Parameter, ...]:
        """Those without which forward cannot be called."""
        return tuple(p for p in self.named if p.default is p.empty)

    @property
    def takes_any_number(self) -> bool:
        """Whether there is an `*args`."""
        return any(p.kind is Parameter.VAR_POSITIONAL for p in self.parameters)

    @property
    def takes_any_name(self) -> bool:
        """Whether there is a `**kwargs`."""
        return any(p.kind is Parameter.VAR_KEYWORD for p in self.parameters)


def signature_of(model: nn.Module) -> Signature | None:
    """The signature of a model's forward; None where it is not written in Python.

    Hooks in front of forward may make other arguments of those that the model is called with: then
    nothing is known either.
    """
    if model._forward_pre_hooks:
        return None
    try:
        return Signature(tuple(inspect.signature(model.forward).parameters.values()))
    except (TypeError, ValueError):
        return None


def parameter_names(model: nn.Module) -> tuple[str, ...]:
    """The names of the arguments of forward that may be given by position."""
    signature = signature_of(model)
    return () if signature is None else tuple(p.name for p in signature.by_position)


def optional_inputs(model: nn.Module, call: ForwardCall, number: int) -> tuple[str, ...]:
    """The optional inputs of a model's forward that are not among the arguments of a call.

    `number` is that of the inputs, for calls by position.
    """
    try:
        arguments = list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        return ()
    given = {name for name, _ in call.keywords}
    first = number if call.args is None else len(call.args)
    return tuple(
        argument.name
        for argument in arguments[first:]
        if argument.default is None
        and argument.name not in given
        and not _NO_TENSORS.search(str(argument.annotation))
        and not argument.name.startswith(_OPTIONS)
    )


def check_signature(model: nn.Module, args: Sequence[Any], kwargs: Iterable[str]) -> None:
    """Raises InputMismatch where forward takes fewer arguments, InputsMissing where more."""
    signature = signature_of(model)
    if signature is None:
        return
    takes = signature.by_position
    what = f"{type(model).__name__}.forward()"
    if len(args) > len(takes) and not signature.takes_any_number:
        number = f"{len(takes)} input{'' if len(takes) == 1 else 's'}"
        by_keyword = ", ".join(p.name for p in signature.named[len(takes) :])
        if not takes:
            raise InputMismatch(
                f"{what} takes {by_keyword or 'no input'}{' by keyword only' * bool(by_keyword)}",
                hint="Give inputs by their names: --input NAME=1x3x32x32." * bool(by_keyword),
            )
        raise InputMismatch(
            f"{what} takes {number} ({', '.join(p.name for p in takes)}), not {len(args)}",
            hint=_how_many_to_give(args, takes[0].name, len(takes)),
        )
    given = {*(p.name for p in takes[: len(args)]), *kwargs}
    missing = [p.name for p in signature.required if p.name not in given]
    if missing:
        raise InputsMissing(
            f"{what} needs {_listed(missing)} too: it takes "
            f"{', '.join(p.name for p in signature.named)}"
            if given
            else f"{what} needs {_listed(missing)}",
            missing,
        )


def _how_many_to_give(args: Sequence[Any], first: str, number: int) -> str:
    """What to give in the place of too many inputs: those alike may be meant as one list."""
    once = "one --input for each" if number > 1 else "--input once"
    dimensions = {x.dim() if isinstance(x, torch.Tensor) else None for x in args}
    if len(dimensions) > 1 or None in dimensions:
        return f"Give {once}."
    return (
        f"Give {once}. Where one of them is a list of tensors, name its items: "
        f"--input {first}.0=1x3x32x32 --input {first}.1=1x3x32x32."
    )


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
