"""What was measured beside what was predicted, layer by layer and in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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

    Layers that depend on no other layer with a probe are left out.
    """
    return {
        (x.layer.name, x.layer.call): x.accuracy - x.best
        for x in _probed(analysis, measured)
        if x.best is not None
    }


@dataclass(frozen=True, slots=True)
class _Probed:
    """A layer with a probe."""

    layer: AnalysedLayer
    accuracy: float
    error: float
    best: float | None
    """Of the probes of the layers that it depends on; None where there are none."""


def _probed(
    analysis: Analysis,
    measured: Measured,
    counts: Callable[[AnalysedLayer], bool] = lambda _: True,
) -> Iterator[_Probed]:
    """Every layer with a probe; for `best` only layers count of which `counts` says so.

    In one pass over the graph.
    """
    best: dict[int, float] = {}
    for index, layer in enumerate(analysis.layers):
        before = [best[e.source] for e in layer.inputs if e.source != INPUT and e.source in best]
        there = measured.layer(layer.name, layer.call) if layer.is_module else None
        if there is not None and there.probe is not None:
            error = there.probe_error or 0.0
            yield _Probed(layer, there.probe, error, max(before, default=None))
            before += [there.probe] if counts(layer) else []
        if before:
            best[index] = max(before)


def compare(analysis: Analysis, measured: Measured) -> Comparison:
    """Hold the predicted border against the tail and the probes.

    The prediction holds where no unproductive convolution has a probe that is better than those of
    all productive layers that it depends on; without a border, where saturation has no tail.
    Nothing is decided where the measurement has nothing to say of it.
    """
    return Comparison(*_compared(analysis, measured))


def _compared(analysis: Analysis, measured: Measured) -> tuple[str, bool | None]:
    border = analysis.border_min
    told = [f"predicted border {border.described}" if border else "no border predicted"]
    told.append(_about_the_tail(measured))
    if all(layer.probe is None for layer in measured.layers):
        return f"{'; '.join(told)}; no probes were fitted", None
    told += _about_the_probes(analysis, measured)
    silent = _why_nothing_follows(measured)
    if silent:
        return f"{'; '.join(told)}: {silent}, so that nothing follows", None
    refuted = _unproductive_that_gains(analysis, measured)
    if refuted:
        layer, gain = refuted
        told.append(
            f"{layer.described} is called unproductive, and its probe is {100 * gain:.1f} points "
            "better than those of all productive layers before it"
        )
    holds = refuted is None and (border is not None or not measured.tail)
    certainty = f", as far as gains from {100 * _least_gain(measured):.1f} points on can be told"
    if measured.accuracy is None:
        certainty += ", and if the model was trained for these labels"
    return f"{'; '.join(told)}: {_held(holds)}{'' if refuted else certainty}", holds


def _why_nothing_follows(measured: Measured) -> str:
    """Why a measurement says nothing of the prediction; empty where it does."""
    if not measured.complete and any(_is_lacking(layer) for layer in measured.layers):
        return "interrupted"
    guessing = measured.accuracy_of_guessing
    if measured.accuracy is not None and _is_guessing(measured.accuracy, measured):
        return (
            f"the model's accuracy of {100 * measured.accuracy:.1f} % is no better than "
            f"guessing ({100 * guessing:.1f} %), as of one that was not trained for these labels"
        )
    best = max(layer.probe for layer in measured.layers if layer.probe is not None)
    if _is_guessing(best, measured):
        return f"no probe is better than guessing ({100 * guessing:.1f} %)"
    return ""


def _is_guessing(accuracy: float, measured: Measured) -> bool:
    """Whether an accuracy on the test samples may be that of naming the commonest class always."""
    guessing = measured.accuracy_of_guessing
    error = (guessing * (1 - guessing) / max(measured.test_samples, 1)) ** 0.5
    return bool(accuracy <= guessing + max(LEAST_GAIN, 2 * error))


def _unproductive_that_gains(
    analysis: Analysis, measured: Measured
) -> tuple[AnalysedLayer, float] | None:
    """The first unproductive convolution with a probe clearly better than all productive ones.

    Small gains of several of them add up: each is held against what is in front of all.
    """
    for x in _probed(analysis, measured, counts=_is_productive):
        if x.best is None or _is_productive(x.layer):
            continue
        if x.accuracy - x.best > max(LEAST_GAIN, 2 * x.error):
            return x.layer, x.accuracy - x.best
    return None


def _is_productive(layer: AnalysedLayer) -> bool:
    return layer.verdict is not Verdict.UNPRODUCTIVE


def _is_lacking(layer: MeasuredLayer) -> bool:
    """Whether it was not reached; effective fields come last, and of some layers nothing else."""
    return layer.field is None and (layer.saturation is None or layer.probe is None)


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


def _about_the_probes(analysis: Analysis, measured: Measured) -> list[str]:
    """From which judged convolution on no other has a probe that is clearly better."""
    probed = [x for x in _probed(analysis, measured) if x.layer.is_judged]
    if not probed:
        return []
    enough = max(x.accuracy for x in probed) - _least_gain(measured)
    last = next(x.layer for x in probed if x.accuracy >= enough)
    if last is probed[0].layer:
        return [f"no probe is clearly better than that of {last.described}"]
    return [f"probes stop improving at {last.described}"]
