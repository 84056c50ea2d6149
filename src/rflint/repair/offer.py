"""Apply what the search has found to copies of the model on meta, and analyse what they are.

Nothing is offered that was not built: an edit that cannot be written, a copy that does not run, or
one that is not what was foreseen gives way to the next best change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from rflint.analysis import Analysis, analyse
from rflint.architecture import Architecture
from rflint.errors import RepairFailed, RflintError
from rflint.repair.apply import edited_copy
from rflint.repair.change import Candidate, Edit, Figures, Repair
from rflint.repair.script import scripts, without_auxiliaries
from rflint.repair.search import MOST_SHOWN, Search
from rflint.repair.words import title
from rflint.repair.writer import Inexpressible
from rflint.tracing import trace
from rflint.tracing.meta import WeightsOnMeta, borrowed

_TRIES = 8
"""So many candidates are tried for each wish."""


class _FailsInTraining(RepairFailed):
    """The changed model runs in evaluation only."""


@dataclass(slots=True)
class Offers:
    """The repairs to show, and what could not be made into one."""

    repairs: list[Repair] = field(default_factory=list)
    failures: dict[str, None] = field(default_factory=dict)


class Workshop:
    """Where copies of one model are changed and looked at."""

    def __init__(
        self, model: nn.Module, inputs: Sequence[torch.Tensor], analysis: Analysis, *, train: bool
    ) -> None:
        self.model = model
        self.inputs = inputs
        self.analysis = analysis
        self.train = train
        self.before = Figures.of(analysis)
        self._trains_otherwise: bool | None = None

    def verified(self, candidate: Candidate, words: str = "") -> Repair:
        """The candidate as a repair. Raises Inexpressible or RflintError where it is none."""
        reason: RflintError | None = None
        ways = [
            (edits, candidate.figures) for edits in scripts(self.model, self.analysis, candidate)
        ]
        auxiliaries, params = without_auxiliaries(self.model, self.analysis)
        for edits, foreseen in ways:
            try:
                after = self.after(edits)
            except RflintError as error:
                if (
                    isinstance(error, _FailsInTraining)
                    and auxiliaries
                    and edits[-1:] != auxiliaries[-1:]
                ):
                    smaller = replace(foreseen, params=foreseen.params - params)
                    ways.append(((*edits, *auxiliaries), smaller))
                reason = reason or error
                continue
            if after == foreseen:
                return Repair(
                    candidate.change.kind,
                    title(self.analysis, candidate),
                    words,
                    edits,
                    self.before,
                    after,
                    verified=True,
                )
            reason = reason or RepairFailed(f"it was foreseen as {foreseen}, and is {after}")
        assert reason is not None
        raise reason

    def after(self, edits: Sequence[Edit]) -> Figures:
        """The figures of a changed copy, which must run as the model does."""
        copy = self.copy(edits)
        architecture = self._traced(copy, train=self.train)
        if architecture.output_shapes != self.analysis.architecture.output_shapes:
            raise RepairFailed("its output has another shape")
        if not self.train and self._in_training_otherwise():
            try:
                self._traced(copy, train=True)
            except RflintError as error:
                raise _FailsInTraining(f"it fails in training: {error.message}") from error
        return Figures.of(analyse(architecture))

    def copy(self, edits: Sequence[Edit]) -> nn.Module:
        """A changed copy whose weights are not allocated."""
        with borrowed(self.model, train=self.train), WeightsOnMeta():
            return edited_copy(self.model, [edit.code for edit in edits])

    def _traced(self, model: nn.Module, *, train: bool) -> Architecture:
        inputs = self.inputs
        if train and not self.train:
            # batch normalisation in training needs more than one value
            inputs = [
                torch.empty((2 * t.shape[0], *t.shape[1:]), dtype=t.dtype, device=t.device)
                for t in inputs
            ]
        tracer = self.analysis.architecture.tracer
        return trace(model, inputs, train=train, tracer=tracer)

    def _in_training_otherwise(self) -> bool:
        """Whether the model has other layers in training, and runs there at all."""
        if self._trains_otherwise is None:
            try:
                layers = self._traced(self.model, train=True).layers
            except RflintError:
                self._trains_otherwise = False
            else:
                known = [layer.name for layer in self.analysis.architecture.layers]
                self._trains_otherwise = [layer.name for layer in layers] != known
        return self._trains_otherwise


def offers(workshop: Workshop, found: Search) -> Offers:
    """The best candidate that can be built for each wish, cheapest first."""
    result = Offers()
    answers: dict[Candidate, str] = {}
    for wish in found.wishes:
        if len(result.repairs) == MOST_SHOWN:
            break
        for candidate in _worth_trying(wish.candidates, answers):
            try:
                repair = workshop.verified(candidate, wish.words)
            except (Inexpressible, RflintError) as error:
                said = error.message if isinstance(error, RflintError) else str(error)
                answers[candidate] = said
                result.failures.setdefault(f"{title(workshop.analysis, candidate)}: {said}")
                continue
            answers[candidate] = ""
            result.repairs.append(repair)
            break
    result.repairs.sort(key=lambda repair: (repair.after.macs, repair.after.params))
    return result


def _worth_trying(
    candidates: Sequence[Candidate], answers: dict[Candidate, str]
) -> Iterator[Candidate]:
    """The first few, up to one that already answers another wish."""
    for candidate in candidates[:_TRIES]:
        if answers.get(candidate) == "":
            return
        if candidate not in answers:
            yield candidate
