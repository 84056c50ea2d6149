"""The schema of the lines of a sweep: made of that of reports, and what is added."""

from __future__ import annotations

from rflint.report import json_schema
from rflint.report.schema import SCHEMA_VERSION, JsonObject
from rflint.report.schema_language import DIALECT, NAME, TEXT, a, an_object, closed, field, or_null


def published() -> JsonObject:
    """The schema of the lines that this version writes, open to what later versions add."""
    definitions = json_schema.published()["$defs"]
    model, error = definitions["model"], definitions["error"]
    of_a_model = an_object(
        "A line about a model at one size.",
        **model["properties"],
        **_ADDED,
    )
    of_an_error = an_object(
        "A line about what could not be linted.",
        **error["properties"],
        resolution=field(
            "The size of the input, or null where it is not known.",
            or_null(model["properties"]["resolution"]),
        ),
        **_ADDED,
    )
    return {
        "$schema": DIALECT,
        "$id": f"urn:rflint:sweep:{SCHEMA_VERSION}",
        "title": f"line of rflint sweep, schema version {SCHEMA_VERSION}",
        "anyOf": [a("model_line"), a("error_line")],
        "$defs": definitions | {"model_line": of_a_model, "error_line": of_an_error},
    }


def strict() -> JsonObject:
    """The same, but nothing is allowed that this version does not write."""
    found: JsonObject = closed(published())
    return found


_ADDED = {
    "res": field("The size as it was asked for: 32, 32x64. Null if none was.", or_null(TEXT)),
    "sweep": field(
        "A digest of the options that decide what is found: lines with the same one belong "
        "together.",
        NAME,
    ),
}
