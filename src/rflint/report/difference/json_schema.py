"""The schema of the JSON document of `rflint diff`: made of that of reports, and what is added.

As in a report, fields are only ever added within a schema version.
"""

from __future__ import annotations

from typing import Any

from rflint.report import json_schema
from rflint.report.schema import SCHEMA_VERSION, JsonObject

_TEXT: JsonObject = {"type": "string"}


def published() -> JsonObject:
    """The schema of the documents that this version writes, open to what later versions add."""
    return _schema(json_schema.published()["$defs"])


def strict() -> JsonObject:
    """The same, but nothing is allowed that this version does not write."""
    closed: JsonObject = json_schema.closed(published())
    return closed


def _schema(definitions: JsonObject) -> JsonObject:
    model = definitions["model"]
    compared = {
        "description": "A model at one resolution, without its layers.",
        "type": "object",
        "properties": {x: y for x, y in model["properties"].items() if x != "layers"},
        "required": [x for x in model["required"] if x != "layers"],
    }
    document = _object(
        "What `rflint diff --format json` prints: the first comparison, and what belongs to all.",
        schema_version=_field("The version of this schema.", {"const": SCHEMA_VERSION}),
        rflint=_field("The version of rflint that wrote the document.", _TEXT),
        sides=_field("What is compared with what.", _a("sides")),
        **_COMPARISON["properties"],
        errors=_field(
            "What could not be analysed, on either side; the run ends with exit status 2.",
            _list(_a("side_error")),
        ),
        further=_field(
            "Further comparisons, where several models or sizes were compared.",
            _list(_a("comparison")),
        ),
    )
    return {
        "$schema": json_schema.DIALECT,
        "$id": f"urn:rflint:diff:{SCHEMA_VERSION}",
        "title": f"rflint diff, schema version {SCHEMA_VERSION}",
        **document,
        "$defs": {**definitions, **_DEFINITIONS, "compared_model": compared},
    }


def _object(description: str, **fields: JsonObject) -> JsonObject:
    return {
        "description": description,
        "type": "object",
        "properties": fields,
        "required": list(fields),
    }


def _field(meaning: str, value: JsonObject) -> JsonObject:
    return {"description": meaning, **value}


def _list(item: JsonObject) -> JsonObject:
    return {"type": "array", "items": item}


def _a(definition: str) -> JsonObject:
    return {"$ref": f"#/$defs/{definition}"}


def _or_null(value: JsonObject) -> JsonObject:
    return {"anyOf": [value, {"type": "null"}]}


_COMPARISON = _object(
    "One model at one size, before and after.",
    before=_field(
        "The model before, or null where there was none, or where it could not be analysed.",
        _or_null(_a("compared_model")),
    ),
    after=_field(
        "The model after, or null where there is none, or where it could not be analysed.",
        _or_null(_a("compared_model")),
    ),
    layers=_field("What became of its layers.", _a("layer_changes")),
    findings=_field("What became of its findings.", _a("finding_changes")),
)

_NAMES: dict[str, Any] = _list(_TEXT)

_DEFINITIONS = {
    "sides": _object(
        "What is compared, in words.",
        before=_field("The earlier side: a revision, a file, or the working tree.", _TEXT),
        after=_field("The later side: a revision, a file, or the working tree.", _TEXT),
    ),
    "comparison": _COMPARISON,
    "layer_changes": _object(
        "Layers that only one side has, and those that are not the same on both, by their names.",
        added=_field("The names of those that are new.", _NAMES),
        removed=_field("The names of those that are gone.", _NAMES),
        changed=_field(
            "Those that both sides have, and in which something differs.",
            _list(_a("changed_layer")),
        ),
    ),
    "changed_layer": _object(
        "A layer of both sides.",
        name=_field("Its name.", _TEXT),
        call=_field(
            "Which call of the module it is, counted from 0.", {"type": "integer", "minimum": 0}
        ),
        fields=_field("The names of the fields that differ.", _NAMES),
        before=_field("The whole layer before.", _a("layer")),
        after=_field("The whole layer after.", _a("layer")),
    ),
    "finding_changes": _object(
        "Findings, matched by rule, layer and operation, whatever their lines and messages.",
        new=_field("Those that were not there before.", _list(_a("finding"))),
        gone=_field("Those that are not there any more.", _list(_a("finding"))),
        kept=_field("Those of both sides, as they are after.", _list(_a("finding"))),
    ),
    "side_error": _object(
        "Something that could not be analysed.",
        side=_field("The side that it is on.", {"enum": ["before", "after"]}),
        target=_field("The target as it was named.", _TEXT),
        kind=_field("What went wrong, as in the `errors` of a report.", _TEXT),
        message=_field("What failed, where, and on further lines what to do about it.", _TEXT),
    ),
}
