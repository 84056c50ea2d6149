"""An analysed architecture: everything that rules, repairs and reports are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.options import DEFAULT_OPTIONS, AnalysisOptions
from rflint.analysis.totals import Totals
from rflint.errors import RflintError
from rflint.graph.architecture import Architecture


@dataclass(frozen=True, slots=True)
class OtherPasses:
    """The forward passes beside the analysed one; None in place of what cannot be known."""

    same_mode: tuple[Analysis, ...] | None = ()
    """Further passes in the same mode (evaluation or training), if they do something else.

    None where the model draws numbers to decide what to do, or never returns to a state in which it
    was before: then no pass tells what the next one does.
    """
    other_mode: tuple[Analysis, ...] | None = ()
    """Passes in training, or in evaluation where it was training that was analysed.

    None where that fails, cannot be followed to its end, or is left to chance.
    """


@dataclass(eq=False)
class Retracer:
    """Traces the analysed model again, when that is first asked for.

    Models without findings do not pay for it.
    """

    retrace: Callable[[], OtherPasses] | None = None
    """Traces further passes; None where there is no model, and one pass is all there is."""
    known: OtherPasses | None = None
    """The other passes, once they were asked for."""
    resize: Callable[[tuple[int, ...]], Analysis | RflintError | None] | None = None
    """Traces the model at another size of its input: the analysis, or why it does not run there;
    None where that cannot be asked, since no input has that size to begin with."""
    batch: Callable[[], Architecture | None] | None = None
    """Traces a pass in evaluation with several samples, whose one axis is the batch."""

    def along_batch(self) -> Architecture | None:
        """The architecture whose one axis is the batch; None where it is not known.

        What a layer reads along that axis, it reads of other samples than the one that it writes.
        """
        return self.batch() if self.batch is not None else None

    def at_size(self, size: tuple[int, ...]) -> Analysis | None:
        """The same model at another size of its input, where it runs and that can be known."""
        there = self.attempt(size)
        return there if isinstance(there, Analysis) else None

    def attempt(self, size: tuple[int, ...]) -> Analysis | RflintError | None:
        """The same, or the error of the model where it does not run there."""
        return self.resize(size) if self.resize is not None else None

    def other_passes(self) -> OtherPasses:
        """The passes beside the analysed one."""
        if self.known is None:
            self.known = self.retrace() if self.retrace is not None else OtherPasses()
        return self.known

    def __getstate__(self) -> dict[str, Any]:
        # a report outlives its model
        return {"known": self.known}


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that rules and reports are made from."""

    architecture: Architecture
    layers: tuple[AnalysedLayer, ...]
    totals: Totals
    border_min: AnalysedLayer | None
    """b_min, the first unproductive convolution: the one that predicts (paper, section IV)."""
    border_max: AnalysedLayer | None
    """The same over the largest receptive fields; for information."""
    feasible_min: tuple[int, ...]
    """The smallest input without unproductive layers, from r_{l-1,min} of judged convolutions."""
    feasible_max: tuple[int | None, ...] | None
    """Beyond this size no unit of a judged convolution sees the whole input; None: unbounded."""
    unjudged: str = ""
    """Why no convolution is judged, where some should be."""
    options: AnalysisOptions = DEFAULT_OPTIONS
    """What it was asked for: repairs analyse their copies in the same way."""
    retracer: Retracer = field(default_factory=Retracer, compare=False, repr=False)
    """Traces the model again, for claims that one pass does not prove."""

    @property
    def mode(self) -> str:
        """In words, what the analysed pass is."""
        return "training" if self.architecture.training else "evaluation"

    @property
    def complete(self) -> bool:
        """Whether every operator that matters was known, and the model followed to its end."""
        followed = self.architecture.left_out is None and not self.unjudged
        return followed and not any(x.is_unknown for x in self.layers)

    @property
    def sizes_differ(self) -> bool:
        """Whether layers are compared with inputs of different sizes."""
        resolution = self.architecture.resolution
        return any(x.input_sizes != resolution for x in self.layers if x.is_judged)

    @property
    def unproductive(self) -> tuple[AnalysedLayer, ...]:
        """The unproductive convolutions, in execution order."""
        return tuple(x for x in self.layers if x.verdict is Verdict.UNPRODUCTIVE)
