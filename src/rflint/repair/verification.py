"""Changes made to a copy of a model on the meta device, which is traced and analysed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import torch
from torch import nn

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.errors import RepairFailed, RflintError
from rflint.graph.architecture import Architecture
from rflint.inputs.forward_call import BY_POSITION, ForwardCall
from rflint.inputs.tracing_options import TracingOptions
from rflint.repair.candidate import Candidate
from rflint.repair.edit import Edit
from rflint.repair.edits.auxiliaries import without_auxiliaries
from rflint.repair.edits.script import scripts
from rflint.repair.edits.shared_copy import SharedCopy
from rflint.repair.invariants import final_activations, newly_overwritten
from rflint.repair.metrics import Metrics
from rflint.repair.repair import Repair
from rflint.repair.titles import title
from rflint.tracing.example_inputs.variants import with_batch
from rflint.tracing.trace import trace


class _DiffersInTraining(RepairFailed):
    """The changed model is no longer the same in training, but for what the change is about."""


class Verifier:
    """Makes candidates to copies of one model, and sees whether they are what was forecast."""

    def __init__(
        self,
        model: nn.Module,
        inputs: Sequence[torch.Tensor],
        analysis: Analysis,
        *,
        train: bool,
        call: ForwardCall = BY_POSITION,
    ) -> None:
        self.model = model
        self.inputs = inputs
        self.analysis = analysis
        self.train = train
        self.call = call
        self.before = Metrics.of(analysis)
        self._copy = SharedCopy(model, train=train)

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
        forecast = candidate.metrics
        try:
            after = self.after(edits)
        except _DiffersInTraining:
            if not auxiliaries:
                raise
            edits = (*edits, *auxiliaries)
            forecast = replace(forecast, params=forecast.params - params)
            after = self.after(edits, returns_the_same=False)
        if after != forecast:
            raise RepairFailed(f"it was foreseen as {forecast}, and is {after}")
        name = title(self.analysis, candidate)
        kind = candidate.change.kind
        return Repair(kind, name, words, edits, self.before, after, verified=True)

    def after(self, edits: Sequence[Edit], *, returns_the_same: bool = True) -> Metrics:
        """The metrics of a changed copy, which must run as the model does.

        `returns_the_same`: also in training, where the model may return more.
        """
        with self._copy.edited([edit.code for edit in edits]) as changed:
            return self._metrics(changed, returns_the_same=returns_the_same)

    def _metrics(self, changed: nn.Module, *, returns_the_same: bool) -> Metrics:
        architecture = self._traced(changed, train=self.train)
        before = self.analysis.architecture
        if architecture.output_shapes != before.output_shapes:
            raise RepairFailed("its output has another shape")
        if final_activations(architecture) != final_activations(before):
            ending = ", ".join(final_activations(before)) or "what it ends in"
            raise RepairFailed(f"its output would no longer be that of {ending}")
        overwritten = newly_overwritten(architecture, before)
        if overwritten:
            raise RepairFailed(f"{overwritten} would overwrite in place what training needs")
        if self.in_training is not None:
            try:
                training = self._traced(changed, train=True)
            except RflintError as error:
                raise _DiffersInTraining(f"it fails in training: {error.message}") from error
            if returns_the_same and training.output_shapes != self.in_training.output_shapes:
                raise _DiffersInTraining("it would return something else in training")
        return Metrics.of(analyse(architecture, self.analysis.options))

    @cached_property
    def in_training(self) -> Architecture | None:
        """The model in training; None where that is nothing new, or where it does not run."""
        if self.train:
            return None
        training = self._known_training()
        if training is None:
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

    def _known_training(self) -> Architecture | None:
        """The model in training with these inputs, where a rule has asked for that already."""
        known = self.analysis.retracer.known
        shapes = tuple(tuple(tensor.shape) for tensor in self._inputs(train=True))
        others = known.other_mode if known else None
        return next((x.architecture for x in others or () if x.architecture.inputs == shapes), None)

    def _inputs(self, *, train: bool) -> Sequence[torch.Tensor]:
        if train and not self.train:
            # batch normalisation in training needs more than one value
            return with_batch(self.inputs, self.analysis.architecture.layouts, 2)
        return self.inputs

    def _traced(self, model: nn.Module, *, train: bool) -> Architecture:
        before = self.analysis.architecture
        options = TracingOptions(train, before.tracer, before.declared_layouts, self.call)
        return trace(model, self._inputs(train=train), options)
