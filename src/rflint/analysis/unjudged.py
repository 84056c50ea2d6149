"""Why convolutions are not judged: each by itself, or all of them where that is a gap.

Many are rightly not judged: heads and other layers that see all of the input already, attention
gates, decoders, latents of one position. Others should have been judged, and this says why they
could not be. Unknown operators, and data that the analysis ends at, have rules of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind, Layer
from rflint.graph.windows import Extent


def why_unjudged(architecture: Architecture) -> str:
    """Of an architecture none of whose convolutions is judged: why, where that should not be."""
    if architecture.no_axes_because:
        return architecture.no_axes_because
    if architecture.left_out is not None:
        return ""
    convolutions = [x for x in architecture.layers if x.kind.is_convolution]
    given = [architecture.layers[i] for i in architecture.relations.depending_on_inputs]
    if convolutions and not any(x.kind.is_convolution for x in given):
        return "nothing that the model is given reaches them: their input is made of constants"
    lost = next((x for x in convolutions if _has_lost_its_axes(x)), None)
    if lost is None:
        return ""
    rank = len(lost.taps)
    size = f" (into {'x'.join(map(str, lost.in_shape[-rank:]))} positions)" if rank else ""
    return (
        f"which positions of the input {lost.described} slides over cannot be told, since views in "
        f"front of it mix dimensions{size}; lint what begins there on its own, or permute where it "
        "reshapes"
    )


def unjudged_by_reason(
    layers: Sequence[AnalysedLayer], all_because: str = ""
) -> dict[str, list[AnalysedLayer]]:
    """The convolutions that are not judged, by the reason.

    `all_because`: why none is judged, where that should not be.
    """
    found: dict[str, list[AnalysedLayer]] = {}
    for x in layers:
        if x.unjudged_because:
            found.setdefault(all_because or x.unjudged_because, []).append(x)
    return found


def _spatial(layer: Layer) -> Sequence[int]:
    """How many positions it leaves along everything that it slides over."""
    return layer.out_shape[-len(layer.taps) :] if layer.taps else ()


def _has_lost_its_axes(layer: Layer) -> bool:
    """Whether it slides along an axis, and yet reads all of it, or nobody knows what."""
    if layer.kind is not Kind.CONV or not layer.inputs or layer.covers_map:
        return False
    if all(n == 1 for n in _spatial(layer)):
        return False  # that is a linear layer on a map
    return any(
        isinstance(reach, Extent) and kernel is not None and kernel > 1
        for reach, kernel in zip(layer.inputs[0].reach, layer.geometry.kernel, strict=True)
    )
