"""How far a network of sequences looks back from a step of its output, and how far ahead."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from rflint.analysis.analysis import Analysis
from rflint.analysis.receptive_field import AxisField


@dataclass(frozen=True, slots=True)
class LookBack:
    """What one step of a sequence sees of the input, in steps of the input."""

    layer: str
    """The layer whose output it is a step of."""
    is_output: bool
    """Whether that is the model's output; else, what follows sees everything."""
    steps: int
    """All that it sees: its receptive field."""
    back: int
    """Of these, those in front of its own,"""
    ahead: int
    """and those behind it."""
    every: int
    """How many steps of the input lie between two steps of the output."""
    sample_rate: float | None = None
    """Steps of the input per second."""

    @property
    def is_causal(self) -> bool:
        """Whether it sees nothing later than the steps that it stands for."""
        return self.ahead < self.every

    def milliseconds(self, steps: int) -> float | None:
        """How long so many steps are."""
        return None if self.sample_rate is None else 1000 * steps / self.sample_rate


def look_back(analysis: Analysis, sample_rate: float | None = None) -> LookBack | None:
    """What a step of the output sees, of a model with one axis; None where that is unbounded.

    Where the model's output sees everything (a pooling over all steps), it is a step of the last
    convolution that does not.
    """
    architecture = analysis.architecture
    if architecture.axes != 1:
        return None
    outputs = [x for x in architecture.outputs if architecture.layers[x].has_positions]
    convolutions = [i for i, x in enumerate(analysis.layers) if x.kind.is_convolution]
    for index in (*outputs, *reversed(convolutions)):
        (field,) = analysis.layers[index].output_field
        if (seen := _extent(field)) is not None:
            back, ahead, every = seen
            return LookBack(
                analysis.layers[index].described,
                index in outputs,
                back + ahead + 1,
                back,
                ahead,
                every,
                sample_rate,
            )
    return None


def _extent(field: AxisField) -> tuple[int, int, int] | None:
    """How far it reaches back and ahead, and the jump; None where one of them is not known."""
    if field.unbounded or field.unknown or len(field.spans) != 1:
        return None
    ((jump, span),) = field.spans.items()
    if jump != int(jump):
        return None
    return max(0, ceil(-span.first)), max(0, ceil(span.last)), int(jump)
