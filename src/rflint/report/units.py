"""What lengths along the axes of a model are counted in: pixels of an image, else positions."""

from __future__ import annotations

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT

PIXELS, POSITIONS = "px", "positions"
_IMAGE = 2
"""The axes of an image; a series has fewer, a volume or a clip more."""


def main_unit(architecture: Architecture) -> str:
    """The unit of the sizes that a model is told of: of its resolution, and what is asked of it."""
    is_flat = architecture.axes == _IMAGE
    return PIXELS if is_flat and PIXELS in units_of_layers(architecture) else POSITIONS


def in_unit(size: str, unit: str) -> str:
    """'1 position', '12x7 positions', '224 px'."""
    return f"{size} {unit.removesuffix('s') if size == '1' else unit}"


def units_of_layers(architecture: Architecture) -> tuple[str, ...]:
    """Per layer, the unit of its receptive field: pixels where it depends on an image.

    A branch for a series of tokens beside one for images counts in positions.
    """
    given = sum(architecture.input_has(axis) for axis in range(architecture.axes))
    sees_image = {INPUT: given == _IMAGE}
    for index, layer in enumerate(architecture.layers):
        begins_here = len(layer.new_axes) == _IMAGE
        sees_image[index] = begins_here or any(sees_image[edge.source] for edge in layer.inputs)
    return tuple(
        PIXELS if sees_image[index] else POSITIONS for index in range(len(architecture.layers))
    )
