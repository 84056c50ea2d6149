"""Find out whether images can be cut into tiles, and how.

What the architecture says at one size is held against traces at the sizes of tiles: the model must
run there, have the same layers, and read the same positions of maps that are as much smaller as
the tile is. Where a trace contradicts, no tiles are proposed.
"""

from __future__ import annotations

from collections.abc import Sequence

from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.facts import Size
from rflint.analysis.tiling.follow import Course, follow
from rflint.analysis.tiling.obstacles import NotTileable, Obstacle
from rflint.analysis.tiling.tiling import Tiling
from rflint.analysis.tiling.trial import Attempt, Trial
from rflint.errors import RflintError
from rflint.graph.layer import Kind

_MULTIPLES = (2, 4, 8, 16, 32, 64)
"""Of which images may have to be multiples."""


def find_tiling(analysis: Analysis, tiles: Sequence[Size] = ()) -> Tiling | NotTileable:
    """How images of the linted size are cut into tiles, or why they are not.

    The model is tried on `tiles` too, where tiles can have that size.
    """
    why = _why_not(analysis)
    if why:
        return NotTileable(why=why)
    image = analysis.architecture.resolution

    def attempt(size: Size) -> Analysis | RflintError | None:
        return analysis if size == image else analysis.retracer.attempt(size)

    return _find(_with_windows_as_such(analysis, attempt), attempt, image, tiles)


def _why_not(analysis: Analysis) -> str:
    """Why nothing can be said of a model, where it is no layer's doing; empty where it can."""
    architecture = analysis.architecture
    layers = [architecture.layers[i] for i in architecture.relations.live_layers]
    other_inputs = [x for x in layers if x.kind is Kind.INPUT and x.new_axes]
    pools = [i for i in architecture.outputs if architecture.layers[i].kind is Kind.POOL]
    reasons = {
        "there is no model to try it on": analysis.retracer.resize is None,
        "no convolution slides over anything": not architecture.axes,
        "the model could not be followed to its end": architecture.left_out is not None,
        "the model has inputs of several sizes": bool(other_inputs),
        "some axis does not begin with the first input": not all(
            architecture.input_has(axis) for axis in range(architecture.axes)
        ),
        "the model draws numbers": architecture.is_random
        or (not architecture.training and any(x.is_active for x in architecture.stray_dropouts)),
        "the model returns where maxima lie in the whole map": len(pools) > len(set(pools)),
        "the model changes from pass to pass": architecture.changes_state,
        "the model returns something that does not depend on its input, or its input itself": (
            len(architecture.outputs) != len(architecture.output_shapes)
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _with_windows_as_such(analysis: Analysis, attempt: Attempt) -> Analysis:
    """The same on larger inputs, where a window covers its whole map and counts as global."""
    found = analysis
    for times in (2, 4, 8):
        if not any(layer.covers_map for layer in found.architecture.layers):
            break
        larger = tuple(n * times for n in analysis.architecture.resolution)
        there = attempt(larger)
        if not isinstance(there, Analysis):
            break
        found = there
    return found


def _find(
    base: Analysis, attempt: Attempt, image: Size, tiles: Sequence[Size]
) -> Tiling | NotTileable:
    found = _at_its_own_size(base, attempt, image, tiles)
    own = base.architecture.resolution
    tried = {own}
    for multiple in _MULTIPLES:
        if isinstance(found, Tiling) or _is_impossible(base):
            break
        # maps that are resized to each other's sizes may fit at multiples only
        rounded = tuple(-(-n // multiple) * multiple for n in own)
        there = None if rounded in tried else attempt(rounded)
        tried.add(rounded)
        if isinstance(there, Analysis):
            at_multiples = _at_its_own_size(there, attempt, image, tiles)
            found = at_multiples if isinstance(at_multiples, Tiling) else found
    return found


def _is_impossible(base: Analysis) -> bool:
    """Whether layers stand against tiles whatever the size."""
    architecture = base.architecture
    courses = [follow(architecture, axis) for axis in range(architecture.axes)]
    return any(x.is_certain for x in _in_order(courses))


def _at_its_own_size(
    base: Analysis, attempt: Attempt, image: Size, tiles: Sequence[Size]
) -> Tiling | NotTileable:
    architecture = base.architecture
    courses = [follow(architecture, axis) for axis in range(architecture.axes)]
    obstacles = _in_order(courses)
    if obstacles:
        return NotTileable(obstacles)
    return Trial(base, courses, attempt, image).tiling(tiles)


def _in_order(courses: Sequence[Course]) -> tuple[Obstacle, ...]:
    """The obstacles along all axes, as the model is executed; one for each layer."""
    found = [x for course in courses for x in course.obstacles]
    by_layer: dict[int, Obstacle] = {}
    for index, obstacle in sorted(found, key=lambda item: (item[0], not item[1].is_certain)):
        by_layer.setdefault(index, obstacle)
    return tuple(by_layer.values())
