"""The input size of a saved report, for the side that is compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.inputs.notation import InputShape
from rflint.report.schema import JsonObject
from rflint.text.numbers import plural, size
from rflint.usecases.project_files import planned_requests

_IMAGE = (1, 3)
"""Batch and channels that a size alone stands for."""


def with_sizes_of(
    report: JsonObject, targets: Sequence[str], options: ModelOptions, configuration: Configuration
) -> tuple[ModelOptions, str]:
    """The options with the sizes of a report, and what is taken from it, in words.

    They are as they were, and nothing is to be told, where a size is given on the command line or
    in the configuration, or where the report does not tell which of its models is meant.
    """
    requests = planned_requests(targets, options, configuration)
    if any(x.resolution or x.shapes for x in requests):
        return options, ""
    asked = {x for request in requests for x in (request.target, request.name) if x}
    models = report["models"]
    same = [x for x in models if {x["target"], x["name"]} & asked]
    found = same or (models if len({x["name"] for x in models}) == 1 else [])
    sizes = tuple(dict.fromkeys(tuple(x["resolution"]) for x in found if x["resolution"]))
    shapes = [x["inputs"] for x in found]
    if len(found) == 1 and shapes[0] and shapes[0] != [[*_IMAGE, *found[0]["resolution"]]]:
        layouts = found[0].get("inputs_layout") or [""] * len(shapes[0])
        both = zip(shapes[0], layouts, strict=True)
        inputs = tuple(InputShape(shape, layout=layout) for shape, layout in both)
        noun = plural(len(inputs), "input").partition(" ")[2]
        return replace(options, input=inputs), f"{noun} {', '.join(map(repr, inputs))}"
    if not sizes:
        return options, ""
    return replace(options, res=sizes), f"input size {', '.join(map(size, sizes))}"
