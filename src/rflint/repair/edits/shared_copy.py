"""One copy of a model for many changes: each is made to it, looked at, and taken back.

To copy a deep network takes longer than to change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from rflint.repair.edits.apply import copied, edit
from rflint.tracing.model.meta_device import WeightsOnMeta
from rflint.tracing.model.snapshot import Snapshot
from rflint.tracing.model.state import State, state_of
from rflint.tracing.model.temporary import temporarily_on_meta
from rflint.tracing.model.tree import modules


class SharedCopy:
    """A copy of a model whose weights are not allocated; the model itself is not touched."""

    def __init__(self, model: nn.Module, *, train: bool) -> None:
        self._model = model
        self._train = train
        self._untouched: _Untouched | None = None

    @contextmanager
    def edited(self, edits: Sequence[str]) -> Iterator[nn.Module]:
        """The copy with a change, which is taken back at the end of the block.

        Raises RepairFailed where the model cannot be copied or changed so.
        """
        untouched = self._untouched or self._copied()
        self._untouched = None  # if something is not put back, the next change is to another copy
        try:
            with WeightsOnMeta():
                changed = edit(untouched.copy, edits)
            yield changed
        finally:
            untouched.snapshot.restore()
        if untouched.is_restored():
            self._untouched = untouched

    def _copied(self) -> _Untouched:
        with temporarily_on_meta(self._model, train=self._train), WeightsOnMeta():
            copy = copied(self._model)
        return _Untouched(copy, Snapshot(copy), state_of(copy))


@dataclass(frozen=True)
class _Untouched:
    """A copy as it was made, and how to make it so again."""

    copy: nn.Module
    snapshot: Snapshot
    state: State

    def is_restored(self) -> bool:
        """Whether all of it is known to be as it was: nobody can put back TorchScript."""
        scripted = any(isinstance(x, torch.jit.ScriptModule) for x in modules(self.copy))
        return not scripted and state_of(self.copy).structure == self.state.structure
