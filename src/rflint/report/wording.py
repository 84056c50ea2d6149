"""Sentences about one model that several formats print in the same words.

Names in them are the user's: each format makes them harmless in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rflint.analysis.analysis import Analysis
from rflint.inputs.layouts import is_usual_layout
from rflint.linting.finding import Finding
from rflint.linting.rule import Rule
from rflint.linting.runner import summary
from rflint.report.model_report import ModelReport
from rflint.text.numbers import abbreviated, compact_size, relative_change, size

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


def all_pointwise(analysis: Analysis) -> bool:
    """Whether the unproductive convolutions only mix channels: their kernels are 1x1."""
    return all(set(x.geometry.kernel) == {1} for x in analysis.unproductive)


def soundness(analysis: Analysis, cross: str = "x") -> str:
    """That no convolution is unproductive, and at which sizes; empty where some are."""
    totals, resolution = analysis.totals, analysis.architecture.resolution
    if not totals.convs or totals.unproductive:
        return ""
    none = f"No convolution is unproductive at {size(resolution, cross)}."
    return f"{none} {sound_sizes(analysis, cross)}"


def sound_sizes(analysis: Analysis, cross: str = "x") -> str:
    """How far units see, and the sizes at which no convolution is unproductive and some see all.

    This speaks of receptive fields: whether the model runs at these sizes is another question.
    Where inputs differ in size, one size says nothing of the others; and where a part of the model
    was not judged, nobody knows which sizes are sound for it.
    """
    least = compact_size(analysis.feasible_min, cross)
    most = analysis.feasible_max
    unit = "px" if analysis.architecture.axes == 2 else "positions"
    if analysis.sizes_differ or not analysis.complete:
        return f"Receptive fields ask for inputs of at least {least} {unit}."
    if most is None:
        return f"Sees the whole input; sound from {least} {unit} on."
    sees = compact_size(most, cross, "all")
    if least == sees:
        return f"Sees up to {sees} {unit}; sound at {sees} {unit} only."
    return f"Sees up to {sees} {unit}; sound between {least} and {sees} {unit}."


def paragraph(
    rule: Rule | None, analysis: Analysis, findings: Sequence[Finding], messages: Iterable[str]
) -> str:
    """What is said of all findings of a rule at once: its summary, or the one message they have.

    Empty where their messages have to be read one by one.
    """
    distinct = set(messages)
    only = distinct.pop() if len(distinct) == 1 else ""
    return summary(rule, analysis, findings) or only


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
