"""The words of JSON Schema that rflint's own schemas are written in."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from rflint.report.schema import JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"

TEXT: JsonObject = {"type": "string"}
NAME: JsonObject = {"type": "string", "minLength": 1}
TRUTH: JsonObject = {"type": "boolean"}
COUNT: JsonObject = {"type": "integer", "minimum": 0}


def closed(schema: Any) -> Any:
    """A schema without room for further fields, and for further values of those with known ones."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        "enum" if key == "examples" else key: value if key == "examples" else closed(value)
        for key, value in schema.items()
    }
    if schema.get("type") == "object":
        found["additionalProperties"] = False
    return found


def an_object(description: str, **fields: JsonObject) -> JsonObject:
    """An object that has all of these fields."""
    return {
        "description": description,
        "type": "object",
        "properties": fields,
        "required": list(fields),
    }


def field(meaning: str, value: JsonObject) -> JsonObject:
    """A value, and what it says."""
    return {"description": meaning, **value}


def list_of(item: JsonObject) -> JsonObject:
    """A list of such items."""
    return {"type": "array", "items": item}


def a(definition: str) -> JsonObject:
    """What the schema defines by that name."""
    return {"$ref": f"#/$defs/{definition}"}


def or_null(value: JsonObject) -> JsonObject:
    """Such a value, or null."""
    if "type" in value:
        return {**value, "type": [value["type"], "null"]}
    return {"anyOf": [value, {"type": "null"}]}


def one_of(values: type[Enum], *others: None) -> JsonObject:
    """One of these, in every report of this schema version."""
    return {"enum": [*(value.value for value in values), *others]}


def such_as(values: Iterable[str]) -> JsonObject:
    """One of these now; later versions may know more."""
    return {"type": "string", "examples": list(values)}
