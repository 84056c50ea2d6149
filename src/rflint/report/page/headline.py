"""What the page says first of a model: what is wrong, what it costs, what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from rflint.report.model_report import ModelReport
from rflint.report.schema import JsonObject
from rflint.report.wording import (
    NO_REPAIR,
    all_pointwise,
    asks_for_advice,
    from_border_on,
    incompleteness,
    larger_input,
    sizes_asked_for,
    unjudged_convolutions,
)
from rflint.text.numbers import abbreviated, percent, plural, size


def headline(model: ModelReport, cross: str) -> JsonObject:
    """Plain sentences; empty where there is nothing to say."""
    return {
        "wrong": " ".join(_wrong(model, cross)),
        "cost": " ".join(_cost(model, cross)),
        "do": _what_to_do(model, cross),
    }


def _wrong(model: ModelReport, cross: str) -> Iterator[str]:
    analysis = model.analysis
    totals, resolution = analysis.totals, analysis.architecture.resolution
    if totals.unproductive:
        is_one = totals.unproductive == 1
        ones = f" (all {cross.join('1' * len(resolution))})" if all_pointwise(analysis) else ""
        yield (
            f"{totals.unproductive} of {plural(totals.convs, 'convolution')} "
            f"{'is' if is_one else 'are'} unproductive{ones} at {size(resolution, cross)}: "
            f"what {'it reads' if is_one else 'they read'} already sees more than the whole input."
        )
    elif not totals.convs:
        yield "There is no convolution to judge."
    else:
        yield f"No convolution is unproductive at {size(resolution, cross)}."
    if others := unjudged_convolutions(analysis):
        yield others
    if left := incompleteness(analysis):
        yield left


def _cost(model: ModelReport, cross: str) -> Iterator[str]:
    """What is wasted, and at which sizes less would be."""
    totals = model.analysis.totals
    if totals.unproductive:
        hold, do = ("It holds", "does") if totals.unproductive == 1 else ("They hold", "do")
        yield (
            f"{hold} {abbreviated(totals.unproductive_params)} of {abbreviated(totals.params)} "
            f"parameters ({percent(totals.unproductive_params, totals.params)}) and {do} "
            f"{abbreviated(totals.unproductive_macs)} of {abbreviated(totals.macs)} MACs "
            f"({percent(totals.unproductive_macs, totals.macs)})."
        )
    if behind := from_border_on(model.analysis):
        yield behind
    if totals.dead_weights:
        yield (
            f"{abbreviated(totals.dead_weights)} weights "
            f"({percent(totals.dead_weights, totals.params)} of all parameters) do nothing at this "
            "size: they only ever meet zero padding, or nobody reads what they make."
        )
    if totals.unproductive or (totals.convs and model.analysis.complete):
        yield sizes_asked_for(model.analysis, cross)


def _what_to_do(model: ModelReport, cross: str) -> str:
    if asks_for_advice(model):
        larger = larger_input(model, cross)
        if model.repairs:
            first = model.repairs[0]
            return f"{_sentence(first.words)}: {first.title} ({first.summary})."
        if larger:
            return _sentence(larger)
        return NO_REPAIR if model.has_module else ""
    if model.findings or model.exceeded_limits:
        return "The findings say, place by place, what to change."
    return "Nothing has to be changed."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
