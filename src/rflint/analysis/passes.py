"""For which forward passes of a model a claim holds that was proved of one of them.

An architecture is one forward pass, in evaluation unless somebody asks for training. What follows
from it holds for that pass. Training may read more (a whole map in place of a pooled one, the
statistics of a batch), and a model that counts its passes or draws random numbers may take another
way next time. So whoever claims something of the model, and not of one pass, asks for the
`validity` of the claim.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import Architecture


class Validity(Enum):
    """For which passes of a model a claim holds."""

    BOTH_MODES = "in evaluation and in training"
    THIS_MODE = "in the mode that was analysed; the other one is not known"
    THIS_MODE_ONLY = "in the mode that was analysed, and not in the other one"
    THIS_PASS_ONLY = "in one pass, by chance or by turns"


def validity(analysis: Analysis, holds: Callable[[Analysis], bool]) -> Validity:
    """For which passes a claim holds that holds in the analysed one."""
    others = analysis.retracer.other_passes()
    if others.same_mode is None or not all(map(holds, others.same_mode)):
        return Validity.THIS_PASS_ONLY
    if others.other_mode is None:
        return Validity.THIS_MODE
    in_both = all(map(holds, others.other_mode))
    return Validity.BOTH_MODES if in_both else Validity.THIS_MODE_ONLY


def is_repeatable(analysis: Analysis) -> bool:
    """Whether it is known what the next pass in the same mode does."""
    return analysis.retracer.other_passes().same_mode is not None


def is_other_mode_known(analysis: Analysis) -> bool:
    """Whether it is known what passes in the other mode do."""
    return analysis.retracer.other_passes().other_mode is not None


def architecture_in_mode(analysis: Analysis, *, training: bool) -> Architecture | None:
    """The architecture of a pass in training, or in evaluation; None where none is known."""
    if analysis.architecture.training is training:
        return analysis.architecture
    others = analysis.retracer.other_passes().other_mode
    return others[0].architecture if others else None


def other_architectures(analysis: Analysis) -> tuple[Architecture, ...]:
    """The architectures of all other passes that are known."""
    others = analysis.retracer.other_passes()
    known = (*(others.same_mode or ()), *(others.other_mode or ()))
    return tuple(other.architecture for other in known)
