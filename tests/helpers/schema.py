"""JSON reports held against the schema, which allows nothing that it does not describe."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from rflint.report import json_schema

STRICT = json_schema.strict()
_REPORT = Draft202012Validator(STRICT)
_MODEL = Draft202012Validator({**STRICT["$defs"]["model"], "$defs": STRICT["$defs"]})


def checked(report: Any) -> Any:
    """A whole report, when all of it is as the schema says."""
    return _checked(report, _REPORT)


def checked_model(model: Any) -> Any:
    """An entry of `models`, when all of it is as the schema says."""
    return _checked(model, _MODEL)


def _checked(document: Any, schema: Draft202012Validator) -> Any:
    wrong = [f"{error.json_path}: {error.message}" for error in schema.iter_errors(document)]
    assert not wrong, "\n".join(
        [
            "a JSON report is not what src/rflint/report/json_schema.py says (a field is described "
            "there, and `python docs/schema.py` writes what docs/ says of it):",
            *wrong[:10],
        ]
    )
    return document
