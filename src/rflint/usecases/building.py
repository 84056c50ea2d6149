"""Build a model, and keep its builder from training and downloading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rflint.tracing.model.build import BuiltModel, build
from rflint.tracing.model.training import training_watched
from rflint.usercode.loading import LoadingGuard


def build_guarded(
    attribute: Any,
    arguments: Mapping[str, Any],
    described: str,
    guard: LoadingGuard,
    *,
    allocate: bool = False,
) -> BuiltModel:
    """The model of a builder, with a note on what it was kept from and went on without.

    With `allocate`, it has its weights.
    """
    with guard.during(described, attribute), training_watched(guard.training):
        built = build(attribute, arguments, described, allocate=allocate)
    return replace(built, note="; ".join(filter(None, (built.note, *guard.notes))))
