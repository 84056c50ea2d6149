"""Which argument of forward everything is that a user gives: by name, by position, in parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from rflint.errors import UsageError
from rflint.inputs.forward_call import BY_POSITION, ForwardCall, Slot
from rflint.inputs.given import GivenInput, Path, nested
from rflint.inputs.notation import InputShape
from rflint.text.suggest import did_you_mean, similar
from rflint.tracing.example_inputs.annotated import (
    argument_types,
    as_annotated,
    is_made_of_parts,
    only_type,
)
from rflint.tracing.model.signature import Signature, signature_of

Item = tuple[Path, int]
"""Where in an argument something lies, and its number in the list of what is given."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The inputs in the order of forward's arguments, and the call that hands them over."""

    order: tuple[int, ...]
    """For every input, which of the given things it is."""
    call: ForwardCall
    assumption: str = ""
    """What was taken to be meant, where that is not what was written."""


def arrangement(model: nn.Module, given: Sequence[GivenInput]) -> Arrangement:
    """Find the argument of forward that everything given is, or is a part of.

    What has no name goes to the arguments that are not named, in their order. Raises UsageError for
    a name that forward does not have.
    """
    types = argument_types(model)
    of_parts = any(is_made_of_parts(only_type(kind)) for kind in types.values())
    order = tuple(i for i, x in enumerate(given) if is_input(x.value))
    if not of_parts and [x.path for x in given] == [(i,) for i in range(len(order))] == [
        (i,) for i in order
    ]:
        positional = signature_of(model)
        if positional is None or len(order) <= len(positional.by_position):
            return Arrangement(order, BY_POSITION)
    unnamed = _grouped(given, int)
    by_name = _grouped(given, str)
    signature, assumption = signature_of(model), ""
    if signature is None:
        return _arranged(given, [*unnamed.values()], by_name)
    foreign = [name for name in by_name if not _has(signature, name)]
    only = _only_argument(signature)
    if only and not unnamed and len(foreign) == len(by_name) > 0:
        parts = [((name, *path), i) for name, items in by_name.items() for path, i in items]
        by_name = {only: parts}
        keys = ", ".join(foreign)
        assumption = f"{keys} {'is' if len(foreign) == 1 else 'are'} taken to be in {only}"
    elif foreign:
        raise _no_argument(model, signature, foreign[0])
    names = [*(p.name for p in signature.by_position)]
    free = [p.name for p in (*signature.by_position,) if p.name not in by_name]
    free += [p.name for p in signature.required if p.name not in by_name and p.name not in free]
    args: list[list[Item]] = []
    waiting = [*unnamed.values()]
    for name in free[: len(waiting)]:
        by_name[name] = waiting.pop(0)
    for parameter in signature.by_position:
        if parameter.name not in by_name:
            break
        args.append(by_name.pop(parameter.name))
    if waiting and any(p.name in by_name for p in signature.by_position):
        waiting = []  # cannot be: what is unnamed fills every argument first
    ordered = {p.name: by_name.pop(p.name) for p in signature.named if p.name in by_name}
    found = _arranged(given, [*args, *waiting], {**ordered, **by_name}, assumption)
    return replace(found, call=_as_annotated(found.call, names, types))


def _as_annotated(call: ForwardCall, names: Sequence[str], types: Mapping[str, Any]) -> ForwardCall:
    """A call with its arguments of the types that forward says."""
    given = call.args or ()
    named = [*names[: len(given)], *[""] * (len(given) - len(names))]
    return ForwardCall(
        tuple(as_annotated(x, types.get(n), n) for n, x in zip(named, given, strict=True)),
        tuple((name, as_annotated(x, types.get(name), name)) for name, x in call.keywords),
    )


def is_input(value: Any) -> bool:
    """Whether something given is a tensor, and not a constant that forward gets as it is."""
    return isinstance(value, (InputShape, torch.Tensor))


def _grouped(given: Sequence[GivenInput], kind: type) -> dict[Any, list[Item]]:
    """What is given, by the position (int) or the name (str) of the argument."""
    found: dict[Any, list[Item]] = {}
    for i, x in enumerate(given):
        if isinstance(x.path[0], kind):
            found.setdefault(x.path[0], []).append((x.path[1:], i))
    return found


def _has(signature: Signature, name: str) -> bool:
    return signature.takes_any_name or any(p.name == name for p in signature.named)


def _only_argument(signature: Signature) -> str:
    """The one argument that forward takes, if that may be a dictionary."""
    if len(signature.required) != 1 or signature.takes_any_name:
        return ""
    (only,) = signature.required
    return "" if "Tensor" in str(only.annotation).split("[")[0] else only.name


def _no_argument(model: nn.Module, signature: Signature, name: str) -> UsageError:
    names = [p.name for p in signature.named]
    also = f"{type(model).__name__}.forward() takes {', '.join(names) or 'no named argument'}."
    return UsageError(
        f"{type(model).__name__}.forward() has no argument {name!r}",
        hint=f"{did_you_mean(similar(name, names))} {also}".strip(),
    )


def _arranged(
    given: Sequence[GivenInput],
    args: Sequence[list[Item]],
    keywords: dict[str, list[Item]],
    assumption: str = "",
) -> Arrangement:
    """The call with these arguments; its inputs are numbered in the order in which they come."""
    order: list[int] = []

    def argument(items: Sequence[Item]) -> Any:
        placed: list[tuple[Path, Any]] = []
        for path, i in items:
            if is_input(given[i].value):
                placed.append((path, Slot(len(order))))
                order.append(i)
            else:
                placed.append((path, given[i].value))
        return nested(placed)

    by_position = tuple(argument(items) for items in args)
    by_name = tuple((name, argument(items)) for name, items in keywords.items())
    return Arrangement(tuple(order), ForwardCall(by_position, by_name), assumption)
