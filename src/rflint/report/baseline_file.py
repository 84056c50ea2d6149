"""Read and write the file of a baseline."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.report.baseline import Baseline, BaselineEntry, ModelKey
from rflint.usercode.paths import source_at

VERSION = 1

_WRITE_AGAIN = "Remove the file, and write today's findings anew: --write-baseline."


def read_baseline(path: Path) -> Baseline:
    """Read a baseline. Raises UsageError if the file does not exist or is no baseline."""
    text = _read_text(path)
    try:
        document = json.loads(text)
        version = document["version"]
        if version == VERSION:
            return Baseline(_entries(document))
    except json.JSONDecodeError as error:
        raise _not_json(path, text, error) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{path} is no baseline", hint=_WRITE_AGAIN) from error
    raise UsageError(f"{path} is a baseline of version {version!r}", hint=_WRITE_AGAIN)


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write the file: sorted, and one finding a line, so that its diffs are easy to read."""
    models = [
        _model_text(key, entries) for key, entries in sorted(baseline.entries.items()) if entries
    ]
    text = f'{{"version": {VERSION}, "models": [{",".join(models)}\n]}}\n'
    try:
        with atomic_write(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no baseline {path}", hint="Write today's findings to it: --write-baseline."
        ) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no baseline: it is not UTF-8", hint=_WRITE_AGAIN) from error


def _not_json(path: Path, text: str, error: json.JSONDecodeError) -> UsageError:
    if conflict := re.search(r"^(<{7}|={7}|>{7})( |$)", text, re.M):
        source = source_at(str(path), text.count("\n", 0, conflict.start()) + 1)
        hint = f"Keep what you want of both sides: every line is one finding. Or: {_WRITE_AGAIN}"
        return UsageError("this is no baseline: a merge left its marks", source=source, hint=hint)
    source = source_at(str(path), error.lineno)
    return UsageError(f"this is no baseline: {error.msg}", source=source, hint=_WRITE_AGAIN)


def _entries(document: Any) -> dict[ModelKey, tuple[BaselineEntry, ...]]:
    """The entries by model. A merge can leave a model twice: then it has the entries of both."""
    found: dict[ModelKey, Counter[BaselineEntry]] = {}
    for model in document["models"]:
        key = str(model["model"]), str(model["resolution"])
        entries = [
            BaselineEntry(str(x["code"]), str(x["layer"]), str(x["what"]))
            for x in model["findings"]
        ]
        found[key] = found.get(key, Counter()) | Counter(entries)
    return {key: tuple(sorted(entries.elements())) for key, entries in found.items()}


def _model_text(key: ModelKey, entries: Sequence[BaselineEntry]) -> str:
    model, resolution = map(json.dumps, key)
    findings = ",".join(
        "\n  " + json.dumps({"code": x.code, "layer": x.layer, "what": x.what}) for x in entries
    )
    return f'\n {{"model": {model}, "resolution": {resolution}, "findings": [{findings}]}}'
