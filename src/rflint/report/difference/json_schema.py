"""The schema of the JSON document of `rflint diff`: made of that of reports, and what is added.

As in a report, fields are only ever added within a schema version.
"""

from __future__ import annotations

from typing import Any

from rflint.report import json_schema
from rflint.report.schema import SCHEMA_VERSION, JsonObject
from rflint.report.schema_language import (
    COUNT,
    DIALECT,
    TEXT,
    a,
    an_object,
    closed,
    field,
    list_of,
    or_null,
)


def published() -> JsonObject:
    """The schema of the documents that this version writes, open to what later versions add."""
    return _schema(json_schema.published()["$defs"])


def strict() -> JsonObject:
    """The same, but nothing is allowed that this version does not write."""
    found: JsonObject = closed(published())
    return found


def _schema(definitions: JsonObject) -> JsonObject:
    model = definitions["model"]
    compared = {
        "description": "A model at one resolution, without its layers.",
        "type": "object",
        "properties": {x: y for x, y in model["properties"].items() if x != "layers"},
        "required": [x for x in model["required"] if x != "layers"],
    }
    document = an_object(
        "What `rflint diff --format json` prints: the first comparison, and what belongs to all.",
        schema_version=field("The version of this schema.", {"const": SCHEMA_VERSION}),
        rflint=field("The version of rflint that wrote the document.", TEXT),
        sides=field("What is compared with what.", a("sides")),
        **_COMPARISON["properties"],
        errors=field(
            "What could not be analysed, on either side; the run ends with exit status 2.",
            list_of(a("side_error")),
        ),
        further=field(
            "Further comparisons, where several models or sizes were compared.",
            list_of(a("comparison")),
        ),
    )
    return {
        "$schema": DIALECT,
        "$id": f"urn:rflint:diff:{SCHEMA_VERSION}",
        "title": f"rflint diff, schema version {SCHEMA_VERSION}",
        **document,
        "$defs": {**definitions, **_DEFINITIONS, "compared_model": compared},
    }


_COMPARISON = an_object(
    "One model at one size, before and after.",
    before=field(
        "The model before, or null where there was none, or where it could not be analysed.",
        or_null(a("compared_model")),
    ),
    after=field(
        "The model after, or null where there is none, or where it could not be analysed.",
        or_null(a("compared_model")),
    ),
    layers=field("What became of its layers.", a("layer_changes")),
    findings=field("What became of its findings.", a("finding_changes")),
    notes=field(
        "What has to be known to read the comparison: that the sides have different input sizes.",
        list_of(TEXT),
    ),
)

_NAMES: dict[str, Any] = list_of(TEXT)

_DEFINITIONS = {
    "sides": an_object(
        "What is compared, in words.",
        before=field("The earlier side: a revision, a file, or the working tree.", TEXT),
        after=field("The later side: a revision, a file, or the working tree.", TEXT),
    ),
    "comparison": _COMPARISON,
    "layer_changes": an_object(
        "Layers that only one side has, and those that are not the same on both, by their names.",
        added=field("The names of those that are new, or whose name is new.", _NAMES),
        removed=field("The names of those that are gone, or whose name is gone.", _NAMES),
        changed=field(
            "Those that both sides have under the same name, and in which something differs.",
            list_of(a("changed_layer")),
        ),
        renamed=field(
            "Those that both sides have under two names, or at two positions; what differs "
            "besides is in `fields`, which may be empty.",
            list_of(a("changed_layer")),
        ),
    ),
    "changed_layer": an_object(
        "A layer of both sides.",
        name=field("Its name after.", TEXT),
        call=field("Which call of the module it is, counted from 0.", COUNT),
        fields=field("The names of the fields that differ.", _NAMES),
        before=field("The whole layer before.", a("layer")),
        after=field("The whole layer after.", a("layer")),
    ),
    "finding_changes": an_object(
        "Findings, matched by rule, layer and operation, whatever their lines and messages.",
        new=field("Those that were not there before.", list_of(a("finding"))),
        gone=field("Those that are not there any more.", list_of(a("finding"))),
        kept=field("Those of both sides, as they are after.", list_of(a("finding"))),
    ),
    "side_error": an_object(
        "Something that could not be analysed.",
        side=field("The side that it is on.", {"enum": ["before", "after"]}),
        target=field("The target as it was named.", TEXT),
        kind=field("What went wrong, as in the `errors` of a report.", TEXT),
        message=field("What failed, where, and on further lines what to do about it.", TEXT),
    ),
}
