"""A JSON report that was written to a file before."""

from __future__ import annotations

import json
from pathlib import Path

from rflint.errors import UsageError
from rflint.report.schema import SCHEMA_VERSION, JsonObject

_OF_A_REPORT = ("models", "errors")
_OF_A_MODEL = (
    *("target", "name", "inputs", "resolution", "complete", "totals", "border"),
    *("feasible_resolution", "layers", "findings", "accepted"),
)
_HINT = "A report is written by: rflint TARGET --format json:FILE"


def read_report(path: Path) -> JsonObject:
    """The report in a file. Raises UsageError if there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no report: it is no JSON", hint=_HINT) from error
    if not isinstance(document, dict) or "schema_version" not in document:
        raise UsageError(f"{path} is no report of rflint", hint=_HINT)
    version = document["schema_version"]
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{path} is a report of schema version {version!r}: this rflint reads {SCHEMA_VERSION}"
        )
    if not _is_report(document):
        raise UsageError(f"{path} is no report of rflint, or not a whole one", hint=_HINT)
    return document


def _is_report(document: JsonObject) -> bool:
    if not all(isinstance(document.get(name), list) for name in _OF_A_REPORT):
        return False
    models = document["models"]
    return all(isinstance(x, dict) and not set(_OF_A_MODEL) - x.keys() for x in models)
