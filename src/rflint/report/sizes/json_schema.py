"""The schema of the JSON document of `rflint sizes`.

As in a report, fields are only ever added within a schema version.
"""

from __future__ import annotations

from rflint.report import json_schema as of_reports
from rflint.report.schema import SCHEMA_VERSION, JsonObject
from rflint.report.schema_language import (
    COUNT,
    DIALECT,
    NAME,
    TEXT,
    TRUTH,
    a,
    an_object,
    closed,
    field,
    list_of,
    or_null,
)

_SIZE: JsonObject = list_of({"type": "integer", "minimum": 1})
_MAYBE_SIZE = or_null(_SIZE)


def published() -> JsonObject:
    """The schema of the documents that this version writes, open to what later versions add."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:rflint:sizes:{SCHEMA_VERSION}",
        "title": f"rflint sizes, schema version {SCHEMA_VERSION}",
        **_DOCUMENT,
        "$defs": {**_DEFINITIONS, "error": of_reports.published()["$defs"]["error"]},
    }


def strict() -> JsonObject:
    """The same, but nothing is allowed that this version does not write."""
    found: JsonObject = closed(published())
    return found


_DOCUMENT = an_object(
    "What `rflint sizes --format json` prints: models, each at every size of a range.",
    schema_version=field("The version of this schema.", {"const": SCHEMA_VERSION}),
    rflint=field("The version of rflint that wrote the document.", TEXT),
    models=field("The models that could be looked at, in order.", list_of(a("model"))),
    errors=field("What could not; the run ends with exit status 2.", list_of(a("error"))),
)

_AROUND = an_object(
    "The nearest sizes.",
    smaller=field("The next smaller one; null where the range has none.", _MAYBE_SIZE),
    larger=field("The next larger one; null where the range has none.", _MAYBE_SIZE),
)

_DEFINITIONS: dict[str, JsonObject] = {
    "model": an_object(
        "One model at every size of a range.",
        target=field("The target as it was named.", NAME),
        name=field("Its name in the configuration, else the target.", NAME),
        asked=field("The size that advice is given for: --res, or the model's own.", _SIZE),
        sizes=field("Every size, ascending along all axes.", list_of(a("size"))),
        smallest_sound=field(
            "The smallest size of these without unproductive layers at which some receptive field "
            "spans the input; null where none is.",
            _MAYBE_SIZE,
        ),
        sound=field(
            "The first and the last size of each range without unproductive layers in which some "
            "receptive field spans the input, as far as the model runs there: the length of a "
            "side, or all sides where they differ.",
            list_of(
                {
                    "type": "array",
                    "minItems": 2,
                    "maxItems": 2,
                    "items": {"anyOf": [{"type": "integer", "minimum": 1}, _SIZE]},
                }
            ),
        ),
        advice=field("Which sizes to take in place of the one that was asked for.", a("advice")),
        look_back=field(
            "Of a model with one axis: what a step of it sees; null elsewhere, and where that is "
            "everything.",
            {"anyOf": [a("look_back"), {"type": "null"}]},
        ),
        tiling=field(
            "With --tile, how the input is cut into tiles (see docs/tiling.md); else null.",
            {"type": ["object", "null"]},
        ),
        traced=field("At how many sizes the model was really traced.", COUNT),
        each_traced_because=field(
            "Why every size had to be traced; empty where one trace speaks for many.", TEXT
        ),
    ),
    "size": {
        "description": "One size; where the model does not run, `why` and nothing else.",
        "type": "object",
        "properties": {
            "size": field("The length of every axis.", _SIZE),
            "runs": field(
                "Whether the model runs; null where its code cannot be followed there.",
                {"type": ["boolean", "null"]},
            ),
            "why": field("Why it does not.", TEXT),
            "unproductive": field("Unproductive convolutions.", COUNT),
            "dead_weights": field("Weights that do nothing.", COUNT),
            "macs": field("Multiply-accumulates, for one sample.", COUNT),
            "activations": field("Numbers that all layers make, for one sample.", COUNT),
            "unread_border": field(
                "Whether rows at the end of the input or of a map are read by nobody (RF203).",
                TRUTH,
            ),
            "uneven_padding": field(
                "Whether strided layers read their padding at one end more than at the other "
                "(RF510).",
                TRUTH,
            ),
            "sees_all": field(
                "Whether some receptive field spans the whole input: of a judged convolution, or "
                "of attention.",
                TRUTH,
            ),
        },
        "required": ["size", "runs"],
    },
    "advice": an_object(
        "Which sizes to take in place of the one that was asked for.",
        running=field(
            "Where it does not run there, the nearest sizes at which it does.", a("around")
        ),
        tidy=field(
            "The nearest sizes at which nothing is lost at the border, and padding is even.",
            a("around"),
        ),
    ),
    "around": _AROUND,
    "look_back": an_object(
        "What one step of a sequence sees of the input.",
        layer=field("The layer whose output it is a step of.", NAME),
        is_output=field("Whether that is the model's output.", TRUTH),
        steps=field("How many steps of the input it sees.", COUNT),
        back=field("Those in front of its own.", COUNT),
        ahead=field("Those behind its own.", COUNT),
        every=field("How many steps of the input lie between two of the output.", COUNT),
        milliseconds=field(
            "How long `steps` are, where --sample-rate was given.",
            {"type": ["number", "null"], "minimum": 0},
        ),
    ),
}
