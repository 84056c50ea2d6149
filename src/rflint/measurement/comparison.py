"""What was measured beside what was predicted, layer by layer and in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import INPUT
from rflint.measurement.results import Measured, MeasuredLayer

LEAST_GAIN = 0.005
"""What a probe has to gain to count as better: half a percentage point, and two standard errors."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The predicted border beside the tail of saturation and the probes."""

    sentence: str
    """For a person: both, and whether the prediction holds."""
    holds: bool | None
    """None where too little was measured to tell."""


def gains(analysis: Analysis, measured: Measured) -> Mapping[tuple[str, int], float]:
    """By layer, how much better its probe is than the best of the layers that it depends on.

    Layers that depend on no other layer with a probe are left out. In one pass over the graph.
    """
    best: dict[int, float] = {}
    found: dict[tuple[str, int], float] = {}
    for index, layer in enumerate(analysis.architecture.layers):
        before = [best[e.source] for e in layer.inputs if e.source != INPUT and e.source in best]
        there = measured.layer(layer.name, layer.call) if layer.is_module else None
        probe = there.probe if there else None
        if probe is not None and before:
            found[layer.name, layer.call] = probe - max(before)
        known = before + ([probe] if probe is not None else [])
        if known:
            best[index] = max(known)
    return found


def compare(analysis: Analysis, measured: Measured) -> Comparison:
    """Hold the predicted border against the tail and the probes.

    The prediction holds where no convolution behind the border that is unproductive makes the
    probes better; without a border, where saturation has no tail or probes still improve in it.
    """
    return Comparison(*_compared(analysis, measured))


def _compared(analysis: Analysis, measured: Measured) -> tuple[str, bool | None]:
    border = analysis.border_min
    told = [f"predicted border {border.described}" if border else "no border predicted"]
    told.append(_about_the_tail(measured))
    better = _improving(analysis, measured)
    if better is None:
        return f"{'; '.join(told)}; no probes were fitted", None
    told.append(
        f"probes stop improving at {better[-1].described}"
        if better
        else "no probe is clearly better than those before it"
    )
    if not measured.complete and any(_is_lacking(layer) for layer in measured.layers):
        return f"{'; '.join(told)}: interrupted, so that nothing follows", None
    certainty = f", as far as gains from {100 * _least_gain(measured):.1f} points on can be told"
    if border is None:
        holds = not measured.tail
        return f"{'; '.join(told)}: {_held(holds)}{certainty}", holds
    still = [x for x in better if x.verdict is Verdict.UNPRODUCTIVE]
    if still:
        told.append(f"{still[0].described} is called unproductive and still makes them better")
    return f"{'; '.join(told)}: {_held(not still)}{'' if still else certainty}", not still


def _is_lacking(layer: MeasuredLayer) -> bool:
    return layer.saturation is None or layer.probe is None


def _held(holds: bool) -> str:
    return "the prediction holds" if holds else "the prediction does not hold"


def _least_gain(measured: Measured) -> float:
    """The gain of a probe that is told from chance at every layer."""
    return max(LEAST_GAIN, *(2 * (layer.probe_error or 0.0) for layer in measured.layers))


def _about_the_tail(measured: Measured) -> str:
    """Where saturation falls, and from what to what."""
    tail = measured.tail
    if not tail:
        return "saturation has no tail"
    keys = {layer.key for layer in tail}
    told = [x for x in measured.layers if x.key in measured.trunk and x.saturation is not None]
    place = next(i for i, layer in enumerate(told) if layer.key in keys)
    before = f"from {told[place - 1].saturation:.2f} " if place else ""
    goes_on = "stays low" if told[-1].key in keys else f"stays low up to {tail[-1].name}"
    return f"saturation falls at {tail[0].name} {before}to {tail[0].saturation:.2f} and {goes_on}"


def _improving(analysis: Analysis, measured: Measured) -> list[AnalysedLayer] | None:
    """The judged convolutions whose probe is better than all before; None without probes."""
    if all(layer.probe is None for layer in measured.layers):
        return None
    gained = gains(analysis, measured)
    found = []
    for x in analysis.layers:
        there = measured.layer(x.name, x.call) if x.is_judged else None
        if there is None or (x.name, x.call) not in gained:
            continue
        doubt = 2 * (there.probe_error or 0.0)
        if gained[x.name, x.call] > max(LEAST_GAIN, doubt):
            found.append(x)
    return found
