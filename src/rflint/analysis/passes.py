"""What other forward passes of the same model do, where a claim about one pass needs to know.

An architecture is one forward pass, in evaluation unless somebody asks for training. What follows
from it holds for that pass. Training may read more (a whole map in place of a pooled one, the
statistics of a batch), and a model that counts its passes or draws numbers may take another way
next time. So whoever claims something of the model, and not of the pass, holds it against the other
passes: `standing`. They are made when the first claim needs them; models without findings do not
pay for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rflint.analysis.analysis import Analysis
    from rflint.graph.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Others:
    """The passes beside the one that was analysed; None in place of what nobody can know."""

    same_mode: tuple[Analysis, ...] | None = ()
    """What further passes in the same mode do, if that is something else.

    None where the model draws numbers to decide what to do, or never returns to a state in which it
    was before: then no pass tells of the next one.
    """
    other_mode: tuple[Analysis, ...] | None = ()
    """What passes in training do, or in evaluation where it was training that was analysed.

    None where that fails, cannot be followed to its end, or is left to chance.
    """


@dataclass
class Passes:
    """The other passes, made when they are first asked for."""

    look: Callable[[], Others] | None = None
    """Follows the model again; None where there is no model, and one pass is all there is."""
    found: Others | None = None
    resize: Callable[[tuple[int, ...]], Analysis | None] | None = None
    """Follows the model at another size of its input; None where it does not run there."""

    def at(self, size: tuple[int, ...]) -> Analysis | None:
        """The same model at another size of its input, where it runs and that can be known."""
        return self.resize(size) if self.resize is not None else None

    def others(self) -> Others:
        """What they do."""
        if self.found is None:
            self.found = self.look() if self.look is not None else Others()
        return self.found

    def __getstate__(self) -> dict[str, Any]:
        # a report outlives its model
        return {"found": self.found}


class Standing(Enum):
    """For which passes a claim holds."""

    EVERYWHERE = "in evaluation and in training"
    HERE = "in the mode that was analysed; nothing is known of the other"
    HERE_ONLY = "in the mode that was analysed; the other one shows otherwise"
    NOWHERE = "in one pass, by chance or by turns"


def standing(analysis: Analysis, holds: Callable[[Analysis], bool]) -> Standing:
    """For which passes a claim holds that holds in the analysed one."""
    others = analysis.passes.others()
    if others.same_mode is None or not all(map(holds, others.same_mode)):
        return Standing.NOWHERE
    if others.other_mode is None:
        return Standing.HERE
    return Standing.EVERYWHERE if all(map(holds, others.other_mode)) else Standing.HERE_ONLY


def is_steady(analysis: Analysis) -> bool:
    """Whether the next pass in the same mode does what the analysed one and `others` do."""
    return analysis.passes.others().same_mode is not None


def is_known_everywhere(analysis: Analysis) -> bool:
    """Whether the passes in the other mode are known as well."""
    return analysis.passes.others().other_mode is not None


def other_passes(analysis: Analysis) -> tuple[Architecture, ...]:
    """All other passes that are known."""
    others = analysis.passes.others()
    known = (*(others.same_mode or ()), *(others.other_mode or ()))
    return tuple(there.architecture for there in known)
