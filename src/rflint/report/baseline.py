"""A baseline: the findings that exist today, accepted so that only new ones fail.

An entry of the baseline holds the rule's code and the layer's name. It has no line and no number
that an edit elsewhere could change. Names do change, though, when a layer is inserted before others
in an nn.Sequential ('features.3'), or before other function calls ('conv2d_1'). So an entry also
holds the layer's operation, and accepts the finding of a layer that differs only in its position.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

from rflint.graph.layer import Layer
from rflint.report.matching import complete_matching
from rflint.report.model_report import ModelReport
from rflint.report.report import BaselineUse, FixedFinding
from rflint.text.numbers import size

ModelKey: TypeAlias = tuple[str, str]
"""A model's title and its resolution."""

_POSITION = re.compile(r"(^|\.)\d+(?=\.|$)|_\d+$")
"""The position in a name: 'features.3', or 'conv2d_1', where the first one is 'conv2d'."""


@dataclass(frozen=True, slots=True, order=True)
class BaselineEntry:
    """An accepted finding."""

    code: str
    layer: str
    what: str
    """The layer's operation: 'Conv2d 3x3 512->512'."""

    @property
    def without_position(self) -> tuple[str, str, str]:
        """Equal for entries that differ only in the position of the layer."""
        return self.code, _POSITION.sub(r"\1", self.layer), self.what


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of a baseline, by model. Equal entries accept one finding each."""

    entries: Mapping[ModelKey, tuple[BaselineEntry, ...]]

    def accept(
        self, models: Sequence[ModelReport], path: str
    ) -> tuple[list[ModelReport], BaselineUse]:
        """The reports with accepted findings set apart, and what the baseline in this file did.

        Entries of models that were not linted, and of rules that did not run, are neither used nor
        called fixed. Models with the same title and resolution share their entries.
        """
        done = list(models)
        fixed: list[FixedFinding] = []
        accepted = 0
        for key, indices in _by_key(models).items():
            alike = [models[index] for index in indices]
            held = self._held(key, alike)
            entry_of = matched_entries(_entries(alike), held)
            used = set(entry_of.values())
            unused = [entry for index, entry in enumerate(held) if index not in used]
            fixed += [FixedFinding(key[0], entry.code, entry.layer) for entry in unused]
            accepted += len(entry_of)
            offset = 0
            for index in indices:
                done[index] = _with_accepted(models[index], entry_of.keys(), offset)
                offset += len(models[index].findings)
        return done, BaselineUse(path, accepted, tuple(fixed))

    def updated(self, models: Sequence[ModelReport]) -> Baseline:
        """The baseline with today's findings of these models in place of their entries.

        Entries of other models, and of rules that did not run, stay.
        """
        today = {}
        for key, indices in _by_key(models).items():
            alike = [models[index] for index in indices]
            kept = Counter(self.entries.get(key, ())) - Counter(self._held(key, alike))
            today[key] = tuple(sorted([*_entries(alike), *kept.elements()]))
        return Baseline({**self.entries, **today})

    def _held(self, key: ModelKey, models: Sequence[ModelReport]) -> list[BaselineEntry]:
        """The entries for these models, of rules that ran on at least one of them.

        Of a rule that was limited to some cases, those of the layers that it found something in.
        """
        codes = {code for model in models for code in model.rules_run or ()}
        found = {(x.code, x.layer) for model in models for x in model.findings}
        all_ran = any(model.rules_run is None for model in models)
        return sorted(
            x
            for x in self.entries.get(key, ())
            if all_ran or x.code in codes or (x.code, x.layer) in found
        )

    def __len__(self) -> int:
        return sum(map(len, self.entries.values()))


def _with_accepted(model: ModelReport, accepted: Collection[int], offset: int) -> ModelReport:
    """The report with the findings of these numbers set apart; its first one is `offset`."""
    findings = list(enumerate(model.findings, start=offset))
    return replace(
        model,
        findings=tuple(x for number, x in findings if number not in accepted),
        accepted=tuple(x for number, x in findings if number in accepted),
    )


def _by_key(models: Sequence[ModelReport]) -> dict[ModelKey, list[int]]:
    """The indices of models by their keys; one builder with several arguments can have one key."""
    found: defaultdict[ModelKey, list[int]] = defaultdict(list)
    for index, model in enumerate(models):
        found[model.title, size(model.analysis.architecture.resolution)].append(index)
    return found


def _entries(models: Sequence[ModelReport]) -> list[BaselineEntry]:
    """An entry for each finding of these models, in order."""
    found = []
    for model in models:
        operations = {x.layer.name: _operation(x.layer) for x in model.layers}
        found += [
            BaselineEntry(x.code, x.layer, operations.get(x.layer, "")) for x in model.findings
        ]
    return found


def _operation(layer: Layer) -> str:
    kernel = size(layer.geometry.kernel)
    channels = "->".join(str(shape[1]) for shape in (layer.in_shape, layer.out_shape) if shape[1:])
    return f"{layer.op} {kernel} {channels}"


def matched_entries(
    findings: Sequence[BaselineEntry], held: Sequence[BaselineEntry]
) -> dict[int, int]:
    """The index of the held entry that accepts each finding, by the finding's index.

    As many findings as possible get an entry of their own. A finding whose own entry is held is
    always accepted. The others take an entry of the same operation at another position, or of the
    same name. If all positions have changed, the old name of one layer may be the new name of
    another: so entries may have to be exchanged, until all findings have one that can have one.
    """
    places: defaultdict[object, list[int]] = defaultdict(list)
    for index, entry in enumerate(held):
        for key in (entry, entry.without_position, (entry.code, entry.layer)):
            places[key].append(index)

    def options(index: int) -> Iterator[int]:
        entry = findings[index]
        return chain(places[entry.without_position], places[entry.code, entry.layer])

    order = sorted(range(len(findings)), key=lambda index: findings[index])
    own: dict[int, int] = {}
    unused = {entry: iter(places[entry]) for entry in held}
    for index in order:
        place = next(unused.get(findings[index], iter(())), None)
        if place is not None:
            own[index] = place
    return complete_matching(options, own, order)
