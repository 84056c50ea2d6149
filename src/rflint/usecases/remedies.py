"""What can be done about the unproductive layers of a model, found now or when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from rflint.analysis.analysis import Analysis
from rflint.errors import RflintError
from rflint.repair.repair import FoundRepairs
from rflint.report.deferred import Deferred
from rflint.report.remedies import LEFT_OUT, NONE_NEEDED, LargerInput, Remedies
from rflint.tracing.model.meta_device import default_device
from rflint.tracing.process import process_state_restored
from rflint.usecases.analysed_model import AnalysedModel
from rflint.usecases.gc_pause import gc_paused

_ROUND = (2, 4, 8, 16, 32)
"""What the sides of an input are a multiple of in models that halve it so often."""

_CHANGED = "the model has been changed since it was linted: lint it again"


def remedies_of(model: AnalysedModel, *, wanted: bool | None) -> Deferred[Remedies]:
    """What can be done about unproductive layers: found now, or left out, or (None) found later."""
    if not model.analysis.unproductive:
        return NONE_NEEDED
    if wanted is None:
        return Deferred(_Later(model).remedies, process_state_restored)
    return Deferred.known(_remedies(model)) if wanted else LEFT_OUT


def _remedies(model: AnalysedModel) -> Remedies:
    # a sound model does not wait for that import
    from rflint.usecases.repairs import find_repairs

    return Remedies(find_repairs(model), larger_input(model))


@dataclass(frozen=True)
class _Later:
    """A model that was linted, and what its code set for the process by then."""

    model: AnalysedModel
    dtype: torch.dtype = field(default_factory=torch.get_default_dtype)
    device: torch.device | None = field(default_factory=default_device)
    computes_gradients: bool = field(default_factory=torch.is_grad_enabled)

    def remedies(self) -> Remedies:
        """What can be done about the model as it was linted. Whoever asks restores the process."""
        torch.set_default_dtype(self.dtype)
        torch.set_grad_enabled(self.computes_gradients)
        if default_device() != self.device:
            torch.set_default_device(self.device)
        with gc_paused():
            if self._is_another():
                return Remedies(FoundRepairs(not_offered=(_CHANGED,)))
            return _remedies(self.model)

    def _is_another(self) -> bool:
        """Whether the user has made another model of it: a forward pass tells, unless it is drawn.

        What repairs are verified against is the model as it was linted.
        """
        traced = self.model.traced
        if traced.architecture.is_random:
            return False
        try:
            return traced.architecture_of(traced.model) != traced.architecture
        except RflintError:
            return True


def larger_input(model: AnalysedModel) -> LargerInput | None:
    """The smallest larger input without unproductive layers at which the model was seen to run."""
    analysis = model.analysis
    if not analysis.unproductive or len(model.traced.inputs) != 1:
        return None
    found = next(_larger_sound(analysis), None)
    return LargerInput(found.architecture.resolution, found.totals.macs) if found else None


def _larger_sound(analysis: Analysis) -> Iterator[Analysis]:
    """The model at larger sizes, as far as it runs there and nothing is unproductive.

    Many models run at some sizes only: what they merge or cut into windows has to divide. So the
    roundest size near to the wanted one tells whether less round ones are worth a try, and the
    multiple of the given size is the last one. A model made for one size fails at all three.
    """
    own = analysis.architecture.resolution
    wanted = tuple(map(max, analysis.feasible_min, own))

    def sound_at(size: tuple[int, ...]) -> Iterator[Analysis]:
        there = analysis.retracer.at_size(size)
        if there is not None and not there.unproductive:
            yield there

    def rounded(steps: Sequence[int]) -> tuple[int, ...]:
        return tuple(
            size if size == given else -(-size // step) * step
            for size, given, step in zip(wanted, own, steps, strict=True)
        )

    yield from sound_at(wanted)
    *rounder, roundest = (rounded((step,) * len(own)) for step in _ROUND)
    for there in sound_at(roundest):
        for size in rounder:
            yield from sound_at(size)
        yield there
    yield from sound_at(rounded(own))
