"""From findings to changes: planned on the architecture, applied to the model, analysed again."""

from __future__ import annotations

from rflint.repair.downsampling import remove_downsampling
from rflint.repair.plan import Plan
from rflint.repair.truncation import truncate

__all__ = ["Plan", "plans", "remove_downsampling", "truncate"]

from rflint.analysis import Analysis


def plans(analysis: Analysis) -> tuple[Plan, ...]:
    """The changes worth trying on a model with unproductive layers; none for a sound one."""
    if not analysis.unproductive:
        return ()
    return tuple(
        plan for plan in (truncate(analysis), remove_downsampling(analysis)) if plan is not None
    )
