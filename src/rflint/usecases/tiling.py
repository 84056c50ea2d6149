"""How images are cut into tiles for a model that is given as a Python object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rflint.analysis.tiling.find import find_tiling
from rflint.analysis.tiling.obstacles import NotTileable
from rflint.analysis.tiling.tiling import Tiling
from rflint.errors import UsageError
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.operators.shapes import shape_text
from rflint.tracing.process import process_state_restored
from rflint.usecases.analysed_model import analyse_model
from rflint.usecases.building import build_guarded
from rflint.usecases.python_object import name_of
from rflint.usercode.loading import LoadingGuard
from rflint.usercode.permissions import Permissions


def tile_object(
    model: Any,
    resolution: tuple[int, ...] | None,
    tiles: Sequence[tuple[int, ...]] = (),
    *,
    given: Any,
    args: Mapping[str, Any] | None,
    tracing: TracingOptions,
    permissions: Permissions,
) -> Tiling | NotTileable:
    """The tiling of an object for images of a size, tried on tiles of these sizes too.

    Raises UsageError where tiles cannot have one of these sizes, and says which they can have.
    """
    with process_state_restored():
        built = build_guarded(model, args or {}, name_of(model), LoadingGuard(permissions))
        analysis = analyse_model(built, resolution, given, tracing, RuleOptions()).analysis
        axes = analysis.architecture.axes
        sizes = [size * axes if len(size) == 1 else size for size in tiles]
        for size in sizes:
            if len(size) != axes:
                raise UsageError(f"{shape_text(size)} has {len(size)} axes, the input {axes}")
        found = find_tiling(analysis, sizes)
    if isinstance(found, Tiling):
        for size in sizes:
            small = any(n < least for n, least in zip(size, found.smallest, strict=True))
            if small or size != found.padded(size):
                found.tiles(found.padded(found.image), size)  # says what is wrong with it
    return found
