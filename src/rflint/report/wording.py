"""Sentences about one model that several formats print in the same words.

Names in them are the user's: each format makes them harmless in its own way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rflint.analysis.analysis import Analysis
from rflint.inputs.layouts import is_usual_layout
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Rule
from rflint.linting.runner import summary
from rflint.report.model_report import ModelReport
from rflint.report.units import PIXELS, in_unit, main_unit, units_of_layers
from rflint.text.numbers import (
    abbreviated,
    compact_size,
    percent,
    plural,
    relative_change,
    size,
)

NO_REPAIR = "No change to the model was found that would mend this."


def inputs_text(analysis: Analysis, cross: str = "x") -> str:
    """The shapes of the inputs, with layouts where they are unusual: '1x3x32x32'."""
    architecture = analysis.architecture
    said = architecture.layouts or ("",) * len(architecture.inputs)
    return ", ".join(
        f"{size(shape, cross)}{'' if is_usual_layout(letters) else f' ({letters})'}"
        for shape, letters in zip(architecture.inputs, said, strict=True)
    )


def incompleteness(analysis: Analysis) -> str:
    """What was not judged; empty where all was."""
    if analysis.architecture.left_out:
        return "Judged up to where the model reads values of the data."
    return "" if analysis.complete else "What depends on an unknown operator was not judged."


def convolutions(analysis: Analysis) -> str:
    """How many are judged, and how many are not: '16 convolutions (and 7 not judged)'."""
    judged, others = analysis.totals.convs, _unjudged(analysis)
    if not judged and not others:
        return "no convolution to judge"
    beside = f" (and {others} not judged)" if others else ""
    return f"{plural(judged, 'convolution')}{beside}"


def convolutions_cell(analysis: Analysis) -> str:
    """The same in a table's column of convolutions: '16', or '16 of 23 judged'."""
    judged, others = analysis.totals.convs, _unjudged(analysis)
    return f"{judged} of {judged + others} judged" if others else str(judged)


def unjudged_convolutions(analysis: Analysis) -> str:
    """The same in a sentence of its own; empty where all are judged."""
    others = _unjudged(analysis)
    if not others:
        return ""
    beside = " more" if analysis.totals.convs else ""
    return f"{others}{beside} {'is' if others == 1 else 'are'} not judged."


def _unjudged(analysis: Analysis) -> int:
    """Heads, attention gates, decoders, what is behind an unknown operator."""
    return sum(x.kind.is_convolution and not x.is_judged for x in analysis.layers)


def all_pointwise(analysis: Analysis) -> bool:
    """Whether the unproductive convolutions only mix channels: their kernels are 1x1."""
    return all(set(x.geometry.kernel) == {1} for x in analysis.unproductive)


def soundness(analysis: Analysis, cross: str = "x") -> str:
    """That no convolution is unproductive, and what receptive fields span; empty where some are."""
    totals, resolution = analysis.totals, analysis.architecture.resolution
    if not totals.convs or totals.unproductive:
        return ""
    none = f"No convolution is unproductive at {size(resolution, cross)}."
    return f"{none} {sizes_asked_for(analysis, cross)}"


def sizes_asked_for(analysis: Analysis, cross: str = "x") -> str:
    """The smallest input that receptive fields ask for, and how much of one the widest spans.

    This speaks of receptive fields as they are at this size: whether the model runs at another one
    is another question. Where inputs differ in size, one size says nothing of the others; and where
    a part of the model was not judged, nobody knows how far it sees.
    """
    unit = main_unit(analysis.architecture)
    least = in_unit(compact_size(analysis.feasible_min, cross), unit)
    most = analysis.feasible_max
    asked = f"Receptive fields ask for at least {least}"
    if analysis.sizes_differ or not analysis.complete:
        return f"{asked}."
    if most is None:
        return f"{asked}; the widest spans the whole input."
    return f"{asked}; the widest spans {in_unit(compact_size(most, cross, 'all'), unit)}."


def from_border_on(analysis: Analysis) -> str:
    """How much of the model the border layer begins, where that is more than is unproductive.

    Empty elsewhere.
    """
    totals = analysis.totals
    if totals.from_border <= totals.unproductive:
        return ""
    return (
        f"From the border layer on lie {totals.from_border} of {totals.convs} convolutions, "
        f"{percent(totals.from_border_params, totals.params)} of the parameters and "
        f"{percent(totals.from_border_macs, totals.macs)} of the MACs."
    )


def sees_what(analysis: Analysis) -> str:
    """What the receptive fields of a table are counted in: 'input pixels per side'."""
    units = units_of_layers(analysis.architecture)
    found = {unit for unit, x in zip(units, analysis.layers, strict=True) if x.is_judged}
    if len(found) > 1:
        return "pixels per side, or positions, of the input that it sees"
    return "input pixels per side" if found == {PIXELS} else "positions of the input"


def paragraph(
    rule: Rule | None, analysis: Analysis, findings: Sequence[Finding], messages: Iterable[str]
) -> str:
    """What is said of all findings of a rule at once: its summary, or the one message they have.

    Empty where their messages have to be read one by one.
    """
    distinct = set(messages)
    only = distinct.pop() if len(distinct) == 1 else ""
    return summary(rule, analysis, findings) or only


def severity_counts(severities: Iterable[Severity]) -> str:
    """'1 error, 3 warnings'; empty where there are none."""
    counts = Counter(severities)
    return ", ".join(plural(counts[x], x.value) for x in reversed(Severity) if counts[x])


def asks_for_advice(model: ModelReport) -> bool:
    """Whether some finding is about an unproductive layer, or there are too many of these.

    Repairs answer for nothing else: not for what is suppressed, accepted, or was not asked for.
    """
    wasted = {x.name for x in model.analysis.unproductive}
    limited = any(x.option == "max-unproductive" for x in model.exceeded_limits)
    return limited or any(x.layer in wasted for x in model.findings)


def larger_input(model: ModelReport, cross: str = "x") -> str:
    """Which larger input would do, and what it costs; empty where none is known.

    It goes on from a sentence about repairs: 'feed it larger inputs: at 75x75 ...'.
    """
    larger = model.larger_input
    if larger is None:
        return ""
    factor = relative_change(model.analysis.totals.macs, larger.macs, cross)
    return (
        f"feed it larger inputs: at {size(larger.resolution, cross)} nothing is unproductive, "
        f"for {abbreviated(larger.macs)} MACs ({factor})."
    )
