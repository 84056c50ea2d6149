"""A way to end a changed network."""

from __future__ import annotations

from dataclasses import dataclass

from rflint.repair.edit import Edit
from rflint.repair.edits.rewriter import UNCHANGED, ForwardChange


@dataclass(frozen=True, slots=True)
class Ending:
    """What is said beside the edits of single layers."""

    edits: tuple[Edit, ...] = ()
    forward: ForwardChange = UNCHANGED
    """What is different in the model's own forward."""
