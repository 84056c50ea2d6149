"""A baseline: findings that exist today and are accepted, so that only new ones fail.

An entry is a rule's code and the layer's name, within a model at a resolution: no line and no
number that an edit elsewhere could change. Where a name is gone that is a position in an
nn.Sequential, or a numbered function call, the same operation at another position takes its place.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.graph.layer import Layer
from rflint.report.model_report import ModelReport
from rflint.report.report import BaselineUse, FixedFinding
from rflint.text.numbers import size
from rflint.usercode.paths import source_at

VERSION = 1

Key: TypeAlias = tuple[str, str]
"""A model's title, and its resolution."""

_POSITION = re.compile(r"(^|\.)\d+(?=\.|$)|_\d+$")
"""What moves in a name: 'features.3', and 'conv2d_1', which is 'conv2d' if it comes first."""


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
        return self.code, _POSITION.sub(r"\1", self.layer), self.what


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of a file, by model and resolution; an entry that stands twice counts twice."""

    entries: Mapping[Key, tuple[Entry, ...]]

    def accept(
        self, models: Sequence[ModelReport], path: str
    ) -> tuple[list[ModelReport], BaselineUse]:
        """Take the findings that the baseline holds out of the findings.

        Entries of models that were not linted, and of rules that did not run, are left alone:
        nothing is known of them. Models of one name and resolution share their entries.
        """
        done, fixed, accepted = list(models), [], 0
        for key, same in _by_key(models).items():
            entries = _entries(same)
            taken = _taken(entries, self._held(key, same))
            fixed += [FixedFinding(key[0], x.code, x.layer) for x in taken.left]
            offset = 0
            for model in same:
                findings = list(enumerate(model.findings, start=offset))
                offset += len(findings)
                index = next(i for i, x in enumerate(done) if x is model)
                done[index] = replace(
                    model,
                    findings=tuple(x for i, x in findings if i not in taken.by),
                    accepted=tuple(x for i, x in findings if i in taken.by),
                )
            accepted += len(taken.by)
        return done, BaselineUse(path, accepted, tuple(fixed))

    def updated(self, models: Sequence[ModelReport]) -> Baseline:
        """With today's findings of these models, and what it held of others.

        What it held of rules that did not run stays as well.
        """
        today = {}
        for key, same in _by_key(models).items():
            asked = Counter(self._held(key, same))
            others = Counter(self.entries.get(key, ())) - asked
            today[key] = tuple(sorted([*_entries(same), *others.elements()]))
        return Baseline({**self.entries, **today})

    def _held(self, key: Key, models: Sequence[ModelReport]) -> list[Entry]:
        """What it holds for these models, of rules that ran on one of them."""
        ran = {code for model in models for code in model.ran or ()}
        all_ran = any(model.ran is None for model in models)
        return sorted(x for x in self.entries.get(key, ()) if all_ran or x.code in ran)

    def __len__(self) -> int:
        return sum(map(len, self.entries.values()))


def read(path: Path) -> Baseline:
    """Raises UsageError where the file is not there, or is no baseline."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no baseline {path}", hint="Write today's findings to it: --write-baseline."
        ) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no baseline: it is not UTF-8", hint=_ANEW) from error
    try:
        document = json.loads(text)
        version = document["version"]
        if version == VERSION:
            return Baseline(_read_entries(document))
    except json.JSONDecodeError as error:
        if conflict := re.search(r"^(<{7}|={7}|>{7})( |$)", text, re.M):
            source = source_at(str(path), text.count("\n", 0, conflict.start()) + 1)
            hint = f"Keep what you want of both sides: every line is one finding. Or: {_ANEW}"
            raise UsageError(
                "this is no baseline: a merge left its marks", source=source, hint=hint
            ) from error
        source = source_at(str(path), error.lineno)
        raise UsageError(f"this is no baseline: {error.msg}", source=source, hint=_ANEW) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{path} is no baseline", hint=_ANEW) from error
    raise UsageError(f"{path} is a baseline of version {version!r}", hint=_ANEW)


_ANEW = "Remove the file, and write today's findings anew: --write-baseline."


def _read_entries(document: Any) -> dict[Key, tuple[Entry, ...]]:
    """A model that stands twice, as merges leave it, has the entries of both."""
    found: dict[Key, Counter[Entry]] = {}
    for model in document["models"]:
        key = str(model["model"]), str(model["resolution"])
        entries = [
            Entry(str(x["code"]), str(x["layer"]), str(x["what"])) for x in model["findings"]
        ]
        found[key] = found.get(key, Counter()) | Counter(entries)
    return {key: tuple(sorted(entries.elements())) for key, entries in found.items()}


def write(baseline: Baseline, path: Path) -> None:
    """Write the file: sorted, and one finding a line, so that diffs of it are easy to read."""
    models = [
        _model(model, resolution, entries)
        for (model, resolution), entries in sorted(baseline.entries.items())
        if entries
    ]
    text = f'{{"version": {VERSION}, "models": [{",".join(models)}\n]}}\n'
    try:
        with atomic_write(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _model(model: str, resolution: str, entries: Sequence[Entry]) -> str:
    head = f'\n {{"model": {json.dumps(model)}, "resolution": {json.dumps(resolution)}'
    findings = ",".join(
        "\n  " + json.dumps({"code": x.code, "layer": x.layer, "what": x.what}) for x in entries
    )
    return f'{head}, "findings": [{findings}]}}'


def _by_key(models: Sequence[ModelReport]) -> dict[Key, list[ModelReport]]:
    """Models that nothing tells apart, such as one builder with several arguments, are together."""
    found: dict[Key, list[ModelReport]] = {}
    for model in models:
        key = model.title, size(model.analysis.architecture.resolution)
        found.setdefault(key, []).append(model)
    return found


def _entries(models: Sequence[ModelReport]) -> list[Entry]:
    """One for each finding of these models, in their order."""
    found = []
    for model in models:
        operations = {x.layer.name: _operation(x.layer) for x in model.layers}
        found += [Entry(x.code, x.layer, operations.get(x.layer, "")) for x in model.findings]
    return found


def _operation(layer: Layer) -> str:
    kernel = size(layer.geometry.kernel)
    channels = "->".join(str(shape[1]) for shape in (layer.in_shape, layer.out_shape) if shape[1:])
    return f"{layer.op} {kernel} {channels}"


@dataclass(frozen=True, slots=True)
class _Taken:
    by: Mapping[int, int]
    """Which entry (by index) each finding has taken, for those that have."""
    left: tuple[Entry, ...]


def _taken(found: Sequence[Entry], held: Sequence[Entry]) -> _Taken:
    """As many findings as possible with an entry of their own.

    That is the same entry; or one of the same operation at another position, or of the same name.
    What has its own entry keeps it where there is a choice, and with every position moved there is
    much choice: a layer's old name may be another one's new name. So this is a matching.
    """
    by: dict[int, int] = {}
    taken: dict[int, int] = {}
    places: dict[object, list[int]] = {}
    for index, entry in enumerate(held):
        for key in (entry, entry.moved, (entry.code, entry.layer)):
            places.setdefault(key, []).append(index)
    order = sorted(range(len(found)), key=lambda index: found[index])
    for index in order:
        own = next((x for x in places.get(found[index], ()) if x not in taken), None)
        if own is not None:
            by[index], taken[own] = own, index
    hopeless: set[int] = set()  # entries whose takers cannot do without them
    for index in order:
        if index in by:
            continue
        wanted: dict[int, int] = {}  # entries, and who would like to have them
        asking = [index]
        for asker in asking:
            entry = found[asker]
            options = (*places.get(entry.moved, ()), *places.get((entry.code, entry.layer), ()))
            for option in options:
                if option not in wanted and option not in hopeless:
                    wanted[option] = asker
                    if option in taken:
                        asking.append(taken[option])
                    else:
                        _pass_on(option, wanted, by, taken)
                        break
            if index in by:
                break
        else:
            hopeless |= wanted.keys()
    return _Taken(by, tuple(x for i, x in enumerate(held) if i not in taken))


def _pass_on(
    free: int, wanted: Mapping[int, int], by: dict[int, int], taken: dict[int, int]
) -> None:
    """Give a free entry to who wants it, theirs to who wants that, and so on."""
    entry: int | None = free
    while entry is not None:
        asker = wanted[entry]
        taken[entry] = asker
        before = by.get(asker)
        by[asker] = entry
        entry = before
