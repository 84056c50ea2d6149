"""Outputs of layers while a model runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

LayerCall = tuple[str, int]
"""The path of a module, and which call of it in a pass, counted from 0."""


@contextmanager
def observed(
    model: nn.Module, calls: Sequence[LayerCall], seen: Callable[[LayerCall, Tensor], None]
) -> Iterator[None]:
    """Hand the outputs of some calls of layers over, in the order in which they are made.

    Each comes with its channels behind the batch: a linear layer has them last.
    """
    wanted = set(calls)
    counted: Counter[str] = Counter()

    def begin(module: nn.Module, given: Any) -> None:
        counted.clear()

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            call = (name, counted[name])
            counted[name] += 1
            if call in wanted and isinstance(output, Tensor):
                is_last = isinstance(module, nn.Linear) and output.dim() > 2
                seen(call, output.movedim(-1, 1) if is_last else output)

        return hook

    hooks = [model.register_forward_pre_hook(begin)]
    for name in dict.fromkeys(name for name, _ in calls):
        hooks.append(model.get_submodule(name).register_forward_hook(note(name)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
