"""What schemes share whose names are those of a package's registry of models."""

from __future__ import annotations

from collections.abc import Sequence

from rflint.errors import ImportFailed, UsageError
from rflint.text.suggest import did_you_mean, similar

_NEAREST = 4


def check_name(prefix: str, name: str) -> None:
    """Raise UsageError for what can be no name in a registry: a path, or a model of a hub."""
    if "/" in name or ":" in name:
        raise UsageError(
            f"{name!r} is no name of a model in {prefix}",
            hint="Models on a hub are not downloaded: name the architecture alone.",
        )


def unknown_name(prefix: str, name: str, known: Sequence[str]) -> ImportFailed:
    """The error for a name that is not in a registry, with its nearest neighbours."""
    near = similar(name, known, _NEAREST, ignore_case=True)
    near += [x for x in sorted(known) if x.startswith(name.lower())][:_NEAREST]
    did = did_you_mean([f"{prefix}:{x}" for x in dict.fromkeys(near)][:_NEAREST])
    return ImportFailed(
        f"{prefix} has no model {name!r}",
        hint=did or f"It has {len(known)} models; {prefix}.list_models() lists them.",
    )
