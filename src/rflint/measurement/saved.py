"""Measurements in a file: `rflint measure --save` writes it, `rflint --measured` reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rflint.errors import UsageError
from rflint.measurement.identity import Identity, identity_from
from rflint.measurement.results import Measured, measured_from

VERSION = 1


def as_text(
    measured: Measured, target: str, resolution: tuple[int, ...], identity: Identity
) -> str:
    """The text of a file with what was measured of a target at a resolution.

    Each layer has a line: maps of contributions would be thousands of lines, one for each number.
    """
    entry = {
        "rflint_measured": VERSION,
        "target": target,
        "resolution": list(resolution),
        "model": identity.to_dict(),
        **measured.to_dict(),
    }
    lines = [
        f" {json.dumps(name)}: {json.dumps(value)}"
        for name, value in entry.items()
        if name != "layers"
    ]
    layers = ",\n".join(f"  {json.dumps(layer)}" for layer in entry["layers"])
    return "{\n" + ",\n".join([*lines, f' "layers": [\n{layers}\n ]']) + "\n}\n"


@dataclass(frozen=True, slots=True)
class SavedMeasurements:
    """What a file holds."""

    measured: Measured
    target: str
    resolution: tuple[int, ...]
    identity: Identity | None
    """None in files of rflint that kept none."""


def read(file: Path) -> SavedMeasurements:
    """What was measured, and of what. Raises UsageError for any other file."""
    try:
        entry: Any = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{file} is no JSON: {error}") from error
    if not isinstance(entry, dict) or entry.get("rflint_measured") != VERSION:
        raise UsageError(
            f"{file} holds no measurements",
            hint="rflint measure ... --save FILE writes such a file.",
        )
    try:
        return SavedMeasurements(
            measured_from(entry),
            entry["target"],
            tuple(entry["resolution"]),
            identity_from(entry["model"]) if "model" in entry else None,
        )
    except (KeyError, TypeError) as error:
        raise UsageError(f"{file} is damaged: {error}") from error
