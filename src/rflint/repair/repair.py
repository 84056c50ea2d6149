"""A repair: a change that was made to a copy of the model, and found to be what was forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rflint.repair.edit import Edit
from rflint.repair.metrics import Metrics
from rflint.text.numbers import abbreviated

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that was applied to a copy of the model, and what that was found to be."""

    kind: str
    """One of KINDS."""
    title: str
    words: str
    """What speaks for it."""
    steps: tuple[Edit, ...]
    before: Metrics
    after: Metrics
    verified: bool

    @property
    def edits(self) -> tuple[str, ...]:
        """The change as statements of plain PyTorch about the model `m`; classes come first."""
        return tuple(step.code for step in self.steps)

    @property
    def summary(self) -> str:
        """What it changes, in a line of numbers."""
        before, after = self.before, self.after
        return (
            f"unproductive {before.unproductive} to {after.unproductive}, "
            f"parameters {abbreviated(before.params)} to {abbreviated(after.params)}, "
            f"MACs {abbreviated(before.macs)} to {abbreviated(after.macs)}"
        )

    def apply(self, model: nn.Module) -> nn.Module:
        """A changed copy of the model, ready to be trained; the model itself stays as it is.

        The weights of kept layers are copied, and so are their names in the state dict; new layers
        are initialised by PyTorch. Raises RepairFailed where this is not the model, or one built
        alike, that the repair was found for.
        """
        from rflint.repair.edits.apply import edited_copy
        from rflint.tracing.model.wrappers import unwrapped
        from rflint.tracing.process import one_at_a_time

        with one_at_a_time():  # while another thread lints the model, its weights are not there
            return edited_copy(unwrapped(model), self.edits)


@dataclass(frozen=True, slots=True)
class FoundRepairs:
    """The verified repairs of a model, and the reasons why others are not offered."""

    repairs: tuple[Repair, ...] = ()
    not_offered: tuple[str, ...] = ()
    """Changes that were looked for in vain, and why."""
    failures: tuple[str, ...] = ()
    """Candidates that could not be verified, with the reasons."""
