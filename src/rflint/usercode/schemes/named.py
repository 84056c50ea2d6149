"""What schemes share whose names are those of a package's registry of models.

A name that the registry does not have may be one that the package itself defines, as in any other
`package:attribute`: `timm:create_model`, `torchvision:models.resnet18`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rflint.errors import ImportFailed, UsageError
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.parameters import parameters_of
from rflint.usercode.schemes.builder_code import BuilderCode
from rflint.usercode.schemes.scheme import Builder, imported, without_weights

_NEAREST = 4
_WEIGHTLESS = {
    "pretrained": False,
    "checkpoint_path": "",
    "weights": None,
    "weights_backbone": None,
}
"""Parameters that name weights, and what they are told; torchvision's detectors get weights for
their backbone unless told."""


def check_name(prefix: str, name: str) -> None:
    """Raise UsageError for what can be no name in a registry: a path, or a model of a hub."""
    if "/" in name or ":" in name:
        raise UsageError(
            f"{name!r} is no name of a model in {prefix}",
            hint="Models on a hub are not downloaded: name the architecture alone.",
        )


def attribute_of(package: str, name: str) -> Builder | None:
    """The function or class that a package itself defines by a name; None if there is none."""
    found = imported(package)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if callable(found) else None


def weightless(builder: Builder) -> Builder:
    """A builder that is told to load no weights, if it can be told."""
    return without_weights(builder, _weightless_arguments(builder))


def attribute_code(package: str, name: str) -> BuilderCode:
    """How a file gets what `attribute_of` finds, told to load no weights."""
    builder = attribute_of(package, name)
    assert builder is not None
    return weightless_code(package, builder, f"{package}.{name}")


def weightless_code(package: str, builder: Builder, *given: str) -> BuilderCode:
    """How a file gets a builder, by the expressions for it and its arguments, without weights."""
    told = (f"{name}={_literal(value)}" for name, value in _weightless_arguments(builder).items())
    arguments = [*given, *told]
    is_partial = len(arguments) > 1
    made = f"functools.partial({', '.join(arguments)})" if is_partial else arguments[0]
    functools = "import functools\n\n" if is_partial else ""
    return BuilderCode(f"{functools}import {package}\nfrom torch import nn\n", made)


def unknown_name(prefix: str, name: str, known: Sequence[str], listed: str = "") -> ImportFailed:
    """The error for a name that neither a registry nor its package has, with its neighbours."""
    near = similar(name, known, _NEAREST, ignore_case=True)
    near += [x for x in sorted(known) if x.startswith(name.lower())][:_NEAREST]
    near = list(dict.fromkeys(near))[:_NEAREST] + similar_attributes(prefix, name)
    return ImportFailed(
        f"{prefix} has no model {name!r}",
        hint=did_you_mean([f"{prefix}:{x}" for x in dict.fromkeys(near)]) or listed,
    )


def similar_attributes(package: str, name: str) -> list[str]:
    """What a package itself defines that is spelt almost like a name."""
    *outer, last = name.split(".")
    holder = imported(package)
    for part in outer:
        holder = getattr(holder, part, None)
    start = "".join(f"{part}." for part in outer)
    public = [x for x in dir(holder) if not x.startswith("_")]
    alike = similar(last, public, 2, cutoff=0.75, ignore_case=True)
    return [f"{start}{x}" for x in alike if attribute_of(package, f"{start}{x}")]


def _weightless_arguments(builder: Builder) -> dict[str, Any]:
    there = parameters_of(builder)
    return {name: value for name, value in _WEIGHTLESS.items() if name in there}


def _literal(value: object) -> str:
    return '""' if value == "" else repr(value)
