"""Sums over a model: parameters, multiply-accumulates, convolutions, and what of them is wasted."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.border import from_border_on
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the model; `params` counts parameters that no layer uses, too."""

    params: int
    macs: int
    layers: int
    convs: int
    unproductive: int
    unproductive_params: int
    unproductive_macs: int
    dead_weights: int
    from_border: int
    """The unproductive convolutions, and the judged ones that depend on them."""
    from_border_params: int
    from_border_macs: int


def totals(architecture: Architecture, layers: Sequence[AnalysedLayer]) -> Totals:
    """The sums over the layers of an architecture."""
    wasted = [x for x in layers if x.verdict is Verdict.UNPRODUCTIVE]
    behind = from_border_on(layers)
    return Totals(
        params=architecture.params,
        macs=sum(layer.macs for layer in architecture.layers),
        layers=sum(1 for x in layers if x.layer.kind is not Kind.INPUT),
        convs=sum(1 for x in layers if x.is_judged),
        unproductive=len(wasted),
        unproductive_params=wasted_parameters(layers, wasted),
        unproductive_macs=sum(x.layer.macs for x in wasted),
        dead_weights=sum(x.dead_weights for x in layers),
        from_border=len(behind),
        from_border_params=_own_parameters(layers, behind),
        from_border_macs=sum(x.layer.macs for x in behind),
    )


def useful_parameters(layers: Sequence[AnalysedLayer]) -> frozenset[str]:
    """The parameters that some layer uses which is not unproductive, in whichever call."""
    return frozenset(
        name
        for x in layers
        if x.verdict is not Verdict.UNPRODUCTIVE
        for name, _ in x.layer.parameters
    )


def wasted_parameters(layers: Sequence[AnalysedLayer], of: Sequence[AnalysedLayer]) -> int:
    """How many parameters some of the layers have that none of all layers makes good use of."""
    return _parameters_beside(of, useful_parameters(layers))


def _own_parameters(layers: Sequence[AnalysedLayer], of: Sequence[AnalysedLayer]) -> int:
    """How many parameters some of the layers have that no other layer uses."""
    own = {id(x) for x in of}
    shared = {name for x in layers if id(x) not in own for name, _ in x.layer.parameters}
    return _parameters_beside(of, shared)


def _parameters_beside(of: Sequence[AnalysedLayer], others: Set[str]) -> int:
    """How many parameters some of the layers have that are not among others; each once."""
    sizes = {name: size for x in of for name, size in x.layer.parameters if name not in others}
    return sum(sizes.values())
