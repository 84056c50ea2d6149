"""Padding that windows with a stride read to different amounts at both ends of a map.

A window that is padded by p at both ends fits (n + 2p - K) / s + 1 times; where s does not divide
that, the last rows of the padded map are read by none, and what is left out of it is padding first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rflint.analysis.proofs.unread_ends import SLIDING, unread_ends
from rflint.graph.architecture import Architecture
from rflint.graph.other_sizes import positions_as_traced, positions_at_size
from rflint.graph.sizing import Sliding
from rflint.graph.taps import Taps, everything, shifted, spread


@dataclass(frozen=True, slots=True)
class PaddingRead:
    """How many positions of its own padding the windows of a strided layer read along an axis."""

    layer: int
    before: int
    """In front of the map,"""
    behind: int
    """and behind it."""

    @property
    def is_uneven(self) -> bool:
        """Whether there are more at one end."""
        return self.before != self.behind


def padding_read(
    architecture: Architecture, axis: int, size: int | None = None
) -> tuple[PaddingRead, ...]:
    """What is read of their padding by the strided layers that pad both ends of a map alike.

    In execution order; `size` is another size of the input than the traced one, at which layers are
    missing whose size there is not known.
    """
    traced = positions_as_traced(architecture, axis)
    sizes = traced if size is None else positions_at_size(architecture, axis, size)
    return tuple(
        PaddingRead(index, *padding_around(taps.with_sizes(sizes[source], sizes[index])))
        for index, source, taps in padded_alike(architecture, axis)
        if source in sizes and index in sizes
    )


def uneven_padding(architecture: Architecture, axis: int) -> tuple[PaddingRead, ...]:
    """Those that are uneven at the traced size.

    Layers that leave rows of the map itself unread are not among them: that says more.
    """
    uneven = [x for x in padding_read(architecture, axis) if x.is_uneven]
    if not uneven:
        return ()
    ends = unread_ends(architecture, axis)
    return tuple(x for x in uneven if architecture.layers[x.layer].inputs[0].source not in ends)


def is_even(architecture: Architecture, axis: int, size: int | None = None) -> bool:
    """Whether all padding is read evenly, and every map to its end, at some size of the input."""
    return not any(x.is_uneven for x in padding_read(architecture, axis, size)) and not unread_ends(
        architecture, axis, size
    )


def padded_alike(architecture: Architecture, axis: int) -> Iterator[tuple[int, int, Taps]]:
    """Strided layers with the same padding of their own at both ends, and the values they read.

    Where a function has padded the map in front of them, somebody has decided at which end, and
    where windows may reach over the end of the padding (ceil_mode), that all is to be read.
    """
    traced = positions_as_traced(architecture, axis)
    for index in sorted(architecture.relations.live_layers):
        layer = architecture.layers[index]
        taps = layer.taps_along(axis) if layer.kind in SLIDING else None
        sizing = layer.sizing[axis] if layer.sizing else None
        if taps is None or taps.stride == 1 or not isinstance(sizing, Sliding) or sizing.ceil:
            continue
        source = layer.inputs[0].source
        if not sizing.before == sizing.after == taps.before > 0 or taps.zeros:
            continue
        if taps.pads_zeros and taps.positions == traced[source]:
            yield index, source, taps


def padding_around(taps: Taps) -> tuple[int, int]:
    """How many positions in front of the map, and behind it, some window reads."""
    starts = spread(everything(taps.windows), taps.stride)
    read = 0
    for tap in range(taps.kernel):
        read |= shifted(starts, tap * taps.dilation)
    before = read & everything(taps.before)
    return before.bit_count(), (read >> (taps.before + taps.positions)).bit_count()
