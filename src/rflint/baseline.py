"""A baseline: findings that exist today and are accepted, so that only new ones fail.

An entry is a rule's code and the layer's name, within a model at a resolution: no line and no
number that an edit elsewhere could change. Where a name is gone that is a position in an
nn.Sequential, or a numbered function call, the same operation at another position takes its place.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rflint.architecture import Layer
from rflint.errors import UsageError
from rflint.figures import size
from rflint.report import BaselineUse, Fixed, ModelReport
from rflint.streams import destination

VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One accepted finding."""

    code: str
    layer: str
    what: str
    """The operation, for a layer that has moved: 'Conv2d 3x3 512->512'."""

    @property
    def moved(self) -> tuple[str, str, str]:
        """The same for layers that differ in their positions only."""
        return self.code, re.sub(r"(^|\.)\d+(?=\.|$)|_\d+$", r"\1*", self.layer), self.what


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of a file, by model and resolution; an entry that stands twice counts twice."""

    entries: Mapping[tuple[str, str], tuple[Entry, ...]]

    def accept(
        self, models: Sequence[ModelReport], path: str
    ) -> tuple[list[ModelReport], BaselineUse]:
        """Take the findings that the baseline holds out of the findings.

        Entries of models that were not linted are left alone: nothing is known of them.
        """
        done, fixed, accepted = [], [], 0
        for model in models:
            new, gone = _compared(model, self.entries.get(_key(model), ()))
            held = tuple(x for i, x in enumerate(model.findings) if i not in new)
            accepted += len(held)
            fixed += [Fixed(model.title, x.code, x.layer) for x in gone]
            findings = tuple(x for i, x in enumerate(model.findings) if i in new)
            done.append(replace(model, findings=findings, accepted=held))
        return done, BaselineUse(path, accepted, tuple(fixed))

    def updated(self, models: Sequence[ModelReport]) -> Baseline:
        """With today's findings of these models, and what it held of others."""
        today = {_key(model): tuple(sorted(_entries(model))) for model in models}
        return Baseline({**self.entries, **today})

    def __len__(self) -> int:
        return sum(map(len, self.entries.values()))


def read(path: Path) -> Baseline:
    """Raises UsageError where the file is not there, or is no baseline."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            raise UsageError(f"{path} is a baseline of version {document['version']}")
        return Baseline(
            {
                (str(model["model"]), str(model["resolution"])): tuple(
                    Entry(str(x["code"]), str(x["layer"]), str(x["what"]))
                    for x in model["findings"]
                )
                for model in document["models"]
            }
        )
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no baseline {path}", hint="Write today's findings to it: --write-baseline."
        ) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is no baseline", hint="Write it anew with --write-baseline."
        ) from error


def write(baseline: Baseline, path: Path) -> None:
    """Sorted and one finding a line, for the sake of whoever reads its diff."""
    models = [
        _model(model, resolution, entries)
        for (model, resolution), entries in sorted(baseline.entries.items())
        if entries
    ]
    with destination(path) as stream:
        stream.write(f'{{"version": {VERSION}, "models": [{",".join(models)}\n]}}\n')


def _model(model: str, resolution: str, entries: Sequence[Entry]) -> str:
    head = f'\n {{"model": {json.dumps(model)}, "resolution": {json.dumps(resolution)}'
    findings = ",".join(
        "\n  " + json.dumps({"code": x.code, "layer": x.layer, "what": x.what}) for x in entries
    )
    return f'{head}, "findings": [{findings}]}}'


def _key(model: ModelReport) -> tuple[str, str]:
    return model.title, size(model.analysis.architecture.resolution)


def _entries(model: ModelReport) -> list[Entry]:
    """One for each finding of a model."""
    operations = {x.layer.name: _operation(x.layer) for x in model.layers}
    return [Entry(x.code, x.layer, operations.get(x.layer, "")) for x in model.findings]


def _operation(layer: Layer) -> str:
    kernel = size(layer.geometry.kernel)
    channels = "->".join(str(shape[1]) for shape in (layer.in_shape, layer.out_shape) if shape[1:])
    return f"{layer.op} {kernel} {channels}"


def _compared(model: ModelReport, held: Sequence[Entry]) -> tuple[set[int], list[Entry]]:
    """Which findings (by index) are in no entry, and which entries have no finding.

    First by the layer's name, then by what it does, for layers that have moved.
    """
    left = Counter(held)
    unmatched = list(enumerate(_entries(model)))
    keys: tuple[Callable[[Entry], object], ...] = (lambda x: (x.code, x.layer), lambda x: x.moved)
    for key in keys:
        by_key: dict[object, list[Entry]] = {}
        for entry in left.elements():
            by_key.setdefault(key(entry), []).append(entry)
        still = []
        for index, entry in unmatched:
            same = by_key.get(key(entry))
            if same:
                left[same.pop(0)] -= 1
            else:
                still.append((index, entry))
        unmatched = still
    return {index for index, _ in unmatched}, sorted(left.elements())
