"""What lies from the border layer on (paper, section IV)."""

from __future__ import annotations

from collections.abc import Sequence

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict


def from_border_on(layers: Sequence[AnalysedLayer]) -> tuple[AnalysedLayer, ...]:
    """The unproductive convolutions, and every judged one that depends on one of them.

    In a chain that is the border layer and all behind it, each of which is unproductive. In a
    network with skips it takes in others, to which a shorter path leads. `layers` are all those of
    an architecture, in its order.
    """
    behind: set[int] = set()
    for index, x in enumerate(layers):
        if x.verdict is Verdict.UNPRODUCTIVE or any(edge.source in behind for edge in x.inputs):
            behind.add(index)
    return tuple(layers[index] for index in sorted(behind) if layers[index].is_judged)
