"""Notice where code trains: at every backward pass and every step of an optimiser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.autograd import Variable
from torch.optim import Optimizer, optimizer


@contextmanager
def training_watched(noticed: Callable[[str], None]) -> Iterator[None]:
    """Call `noticed` before each of them, with what the code does; what it raises stops that.

    Every way to gradients (`Tensor.backward`, `torch.autograd.backward`, `torch.autograd.grad`)
    ends at PyTorch's one engine, which is stood in for: functions that code has taken out of torch
    meanwhile are as they were.
    """
    engine = Variable._execution_engine
    Variable._execution_engine = _WatchedEngine(engine, noticed)  # type: ignore[assignment]

    def steps(optimiser: Optimizer, *_: Any) -> None:
        noticed(f"takes an optimiser step ({type(optimiser).__name__}.step)")

    try:
        with _before_every_step(steps):
            yield
    finally:
        Variable._execution_engine = engine


@contextmanager
def _before_every_step(hook: Callable[..., None]) -> Iterator[None]:
    """Have the steps of all optimisers call `hook` first.

    Other threads may be going through the hooks, to which nothing can be added then: there is
    another dictionary meanwhile. It stays where the block has added hooks of its own.
    """
    before = optimizer._global_optimizer_pre_hooks
    meanwhile = before.copy()
    optimizer._global_optimizer_pre_hooks = meanwhile
    handle = optimizer.register_optimizer_step_pre_hook(hook)
    with_ours = meanwhile.copy()
    try:
        yield
    finally:
        if meanwhile == with_ours:
            optimizer._global_optimizer_pre_hooks = before
        else:
            handle.remove()


class _WatchedEngine:
    """PyTorch's engine for gradients, which tells before it runs."""

    def __init__(self, engine: Any, noticed: Callable[[str], None]) -> None:
        self._engine = engine
        self._noticed = noticed

    def run_backward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute gradients."""
        self._noticed("computes gradients (a backward pass)")
        return self._engine.run_backward(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)
