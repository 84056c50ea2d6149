"""Apply what the search has found to copies of the model on meta, and analyse what they are.

Nothing is offered that was not built: an edit that cannot be written, a copy that does not run, or
one that is not what was foreseen gives way to the next best change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import nn

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.errors import RepairFailed, RflintError
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.inputs.tracing_options import TracingOptions
from rflint.repair.candidate import Candidate
from rflint.repair.edits.apply import edited_copy
from rflint.repair.edits.auxiliaries import without_auxiliaries
from rflint.repair.edits.script import scripts
from rflint.repair.edits.writer import Inexpressible
from rflint.repair.metrics import Metrics
from rflint.repair.repair import Edit, Repair
from rflint.repair.search import SearchResult
from rflint.repair.titles import title
from rflint.tracing.example_inputs.variants import doubled
from rflint.tracing.model.meta_device import WeightsOnMeta
from rflint.tracing.model.temporary import temporarily_on_meta
from rflint.tracing.trace import trace

_MOST_SHOWN = 5

_TRIES = 5
"""So many candidates are tried for each preference."""

_ALIKE = 0.01
"""Of two repairs whose parameters and MACs differ by no more than this share, one is shown."""


class _DiffersInTraining(RepairFailed):
    """The changed model is no longer the same in training, but for what the change is about."""


@dataclass(slots=True)
class VerifiedRepairs:
    """The repairs to show, and what could not be made into one."""

    repairs: list[Repair] = field(default_factory=list)
    failures: dict[str, None] = field(default_factory=dict)
    """Every candidate that failed, with the reason."""
    unanswered: dict[str, None] = field(default_factory=dict)
    """Of preferences that no candidate serves, the best one and why it failed."""


class Verifier:
    """Where copies of one model are changed and looked at."""

    def __init__(
        self, model: nn.Module, inputs: Sequence[torch.Tensor], analysis: Analysis, *, train: bool
    ) -> None:
        self.model = model
        self.inputs = inputs
        self.analysis = analysis
        self.train = train
        self.before = Metrics.of(analysis)

    def verified(self, candidate: Candidate, words: str = "") -> Repair:
        """The candidate as a repair. Raises Inexpressible or RflintError where it is none."""
        reason: RflintError | None = None
        for edits in scripts(self.model, self.analysis, candidate):
            try:
                return self._repair(candidate, words, edits)
            except RflintError as error:
                reason = reason or error
        assert reason is not None
        raise reason

    def _repair(self, candidate: Candidate, words: str, edits: tuple[Edit, ...]) -> Repair:
        """One way of making a candidate. Raises RflintError where the copy is something else."""
        auxiliaries, params = self.auxiliaries
        foreseen = candidate.metrics
        try:
            after = self.after(edits)
        except _DiffersInTraining:
            if not auxiliaries:
                raise
            edits = (*edits, *auxiliaries)
            foreseen = replace(foreseen, params=foreseen.params - params)
            after = self.after(edits, returns_the_same=False)
        if after != foreseen:
            raise RepairFailed(f"it was foreseen as {foreseen}, and is {after}")
        name = title(self.analysis, candidate)
        kind = candidate.change.kind
        return Repair(kind, name, words, edits, self.before, after, verified=True)

    def after(self, edits: Sequence[Edit], *, returns_the_same: bool = True) -> Metrics:
        """The metrics of a changed copy, which must run as the model does.

        `returns_the_same`: also in training, where the model may return more.
        """
        copy = self.copy(edits)
        architecture = self._traced(copy, train=self.train)
        before = self.analysis.architecture
        if architecture.output_shapes != before.output_shapes:
            raise RepairFailed("its output has another shape")
        if _ending(architecture) != _ending(before):
            ending = ", ".join(_ending(before)) or "what it ends in"
            raise RepairFailed(f"its output would no longer be that of {ending}")
        overwritten = _overwritten(architecture, before)
        if overwritten:
            raise RepairFailed(f"{overwritten} would overwrite in place what training needs")
        if self.in_training is not None:
            try:
                training = self._traced(copy, train=True)
            except RflintError as error:
                raise _DiffersInTraining(f"it fails in training: {error.message}") from error
            if returns_the_same and training.output_shapes != self.in_training.output_shapes:
                raise _DiffersInTraining("it would return something else in training")
        return Metrics.of(analyse(architecture, self.analysis.options))

    def copy(self, edits: Sequence[Edit]) -> nn.Module:
        """A changed copy whose weights are not allocated."""
        with temporarily_on_meta(self.model, train=self.train), WeightsOnMeta():
            return edited_copy(self.model, [edit.code for edit in edits])

    @cached_property
    def in_training(self) -> Architecture | None:
        """The model in training; None where that is nothing new, or where it does not run."""
        if self.train:
            return None
        try:
            training = self._traced(self.model, train=True)
        except RflintError:
            return None
        here = self.analysis.architecture
        alike = [x.name for x in training.layers] == [x.name for x in here.layers]
        return (
            None if alike and len(training.output_shapes) == len(here.output_shapes) else training
        )

    @cached_property
    def auxiliaries(self) -> tuple[tuple[Edit, ...], int]:
        """Edits that take out heads that only training uses, and their parameters."""
        return without_auxiliaries(self.model, self.analysis)

    def _traced(self, model: nn.Module, *, train: bool) -> Architecture:
        inputs = self.inputs
        if train and not self.train:
            # batch normalisation in training needs more than one value
            inputs = doubled(inputs, self.analysis.architecture.layouts)
        before = self.analysis.architecture
        return trace(model, inputs, TracingOptions(train, before.tracer, before.declared_layouts))


def _ending(architecture: Architecture) -> list[str]:
    """What a model does to each of its outputs at the very end: log_softmax, sigmoid."""
    found: list[str] = []
    index = architecture.outputs[0] if len(architecture.outputs) == 1 else INPUT
    while index != INPUT:
        layer = architecture.layers[index]
        if layer.kind is not Kind.ACTIVATION or len(layer.inputs) != 1:
            break
        found.append(layer.operation)
        index = layer.inputs[0].source
    return found


def _overwritten(after: Architecture, before: Architecture) -> str:
    """A layer that writes over a value that somebody else still needs, where it did not before.

    That is the result of an activation, which its own gradient is computed from, or a value that
    other layers read as well.
    """
    known = {(before.layers[source].title, layer.title) for source, layer in _writes(before)}
    origins = _origins(after)
    readers = Counter(
        origins[edge.source]
        for layer in after.layers
        for edge in layer.inputs
        if edge.source != INPUT and not _is_view(layer)
    )
    for source, layer in _writes(after):
        is_known = (after.layers[source].title, layer.title) in known
        needed = after.layers[source].kind is Kind.ACTIVATION or readers[source] > 1
        if needed and not is_known:
            return layer.title
    return ""


def _writes(architecture: Architecture) -> Iterator[tuple[int, Layer]]:
    """Layers that write in place, and whose result they write over."""
    origins = _origins(architecture)
    for layer in architecture.layers:
        source = layer.inputs[0].source if layer.inputs else INPUT
        if layer.in_place and source != INPUT and origins[source] != INPUT:
            yield origins[source], layer


def _origins(architecture: Architecture) -> list[int]:
    """By layer, the one that made its value: itself, or what a view passes on."""
    origins: list[int] = []
    for index, layer in enumerate(architecture.layers):
        source = layer.inputs[0].source if _is_view(layer) else index
        origins.append(source if source in (INPUT, index) else origins[source])
    return origins


def _is_view(layer: Layer) -> bool:
    return layer.kind is Kind.RESHAPE and len(layer.inputs) == 1


def verified_repairs(verifier: Verifier, found: SearchResult) -> VerifiedRepairs:
    """The best candidate that can be built for each preference, cheapest first."""
    result = VerifiedRepairs()
    answers: dict[Candidate, str] = {}
    for preference in found.preferences:
        if len(result.repairs) == _MOST_SHOWN:
            break
        refused = ""
        for candidate in _worth_trying(preference.candidates, answers, result.repairs):
            try:
                repair = verifier.verified(candidate, preference.words)
            except (Inexpressible, RflintError) as error:
                said = error.message if isinstance(error, RflintError) else str(error)
                answers[candidate] = f"{title(verifier.analysis, candidate)}, since {said}"
                result.failures.setdefault(answers[candidate])
                refused = refused or answers[candidate]
                continue
            answers[candidate] = ""
            result.repairs.append(repair)
            refused = ""
            break
        if refused:
            result.unanswered.setdefault(refused)
    result.repairs.sort(key=lambda repair: (repair.after.macs, repair.after.params))
    return result


def _worth_trying(
    candidates: Sequence[Candidate], answers: dict[Candidate, str], shown: Sequence[Repair]
) -> Iterator[Candidate]:
    """The first few, up to one that already serves another preference, or is as good."""
    for candidate in candidates[:_TRIES]:
        alike = any(_is_like(candidate.metrics, repair.after) for repair in shown)
        if answers.get(candidate) == "" or alike:
            return
        if candidate not in answers:
            yield candidate


def _is_like(one: Metrics, other: Metrics) -> bool:
    """Whether nobody would see a difference."""
    pairs = ((one.params, other.params), (one.macs, other.macs))
    close = all(abs(a - b) <= _ALIKE * max(a, b) for a, b in pairs)
    return close and one.unproductive == other.unproductive
