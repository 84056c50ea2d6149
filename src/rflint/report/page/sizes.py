"""What the page's slider knows: a model at other sizes of its input."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from rflint.analysis.analysis import Retracer
from rflint.analysis.sizes.facts import SizeFacts
from rflint.analysis.sizes.find import find_size_facts
from rflint.graph.layer import Kind
from rflint.report.model_report import ModelReport
from rflint.report.schema import JsonObject, field_entries, numbers


def sizes_entry(model: ModelReport) -> JsonObject | None:
    """The entry `sizes`; None where nothing is known of other sizes.

    Whoever lints from Python may ask for a page afterwards: the model is still there then.
    """
    facts = model.sizes or _found_now(model)
    if facts is None:
        return None
    ordinary = (i for i, x in enumerate(model.layers) if x.kind is not Kind.INPUT)
    number = {index: position for position, index in enumerate(ordinary)}
    return {
        "stops": [list(size) for size in facts.sizes],
        "linted": facts.linted,
        "states": [
            {
                "from": run.begins,
                "state": run.state.value,
                "why": run.why,
                "as_at": None if run.as_at is None else list(run.as_at),
            }
            for run in facts.states
        ],
        "verdicts": [
            [number[index], [[begins, verdict.value] for begins, verdict in runs]]
            for index, runs in facts.verdicts
        ],
        "macs": list(facts.macs),
        "fields": [
            [
                number[index],
                [
                    {"from": begins, **field_entries(x), "kernel": numbers(x.geometry.kernel)}
                    for begins, x in runs
                ],
            ]
            for index, runs in facts.layers
            if index in number
        ],
        "tried": facts.tried,
        "unknown_because": facts.unknown_because,
    }


_found: WeakKeyDictionary[Retracer, SizeFacts | None] = WeakKeyDictionary()
"""What was found of models that are still there: a notebook shows a report more than once."""


def _found_now(model: ModelReport) -> SizeFacts | None:
    analysis, larger = model.analysis, model.larger_input
    if analysis.retracer not in _found:
        recommended = larger.resolution if larger else None
        _found[analysis.retracer] = find_size_facts(analysis, larger=recommended)
    return _found[analysis.retracer]
