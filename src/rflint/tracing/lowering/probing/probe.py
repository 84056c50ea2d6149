"""Measure what an operator reads by running it: a NaN at one position, and where it comes out.

For operators that are in no table (a library's own, a custom C++ one). The operator runs on real
tensors of the shapes that it has in the model, once for each position that is probed. A NaN
shows most dependences; a large number in its place shows those that swallow NaNs (comparisons,
`nan_to_num`). The result is a window, "everything", or nothing that a window describes.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch

from rflint.operators.call import mapped, tensors_in
from rflint.tracing.lowering.probing.windows import ProbeResult, window_shown
from rflint.tracing.recording.real_runs import CannotRun, run_on_copies
from rflint.tracing.recording.tensors import tensors_of

MOST_POSITIONS = 48
"""Positions probed along one dimension: all of a small map, a stretch in the middle of a large."""

FEWEST_POSITIONS = 12
"""Of fewer, windows cannot be told from everything."""

MOST_SECONDS = 10.0
"""For which the operators of one model are run, all of them together."""

_LARGE = 64.0


class TimeBudget:
    """How long operators may still be run; a probe takes at most a quarter of it."""

    def __init__(self, seconds: float = MOST_SECONDS) -> None:
        self.left = seconds

    def affordable(self, once: float) -> int:
        """How many runs there is time for, if one takes so many seconds."""
        return int(self.left / 4 / max(once, 1e-6))


def probe(
    function: Callable[..., Any],
    args: Any,
    kwargs: Any,
    which: int,
    dim: int,
    budget: TimeBudget | None = None,
) -> list[ProbeResult]:
    """What every result of a call reads along dimension `dim` of its `which`-th tensor.

    `args` and `kwargs` hold real tensors (see `realistic`), which are not changed. Raises
    CannotRun where the call fails, or takes too long.
    """
    budget = budget or TimeBudget()
    started = perf_counter()
    try:
        return _probe(function, args, kwargs, which, dim, budget)
    finally:
        budget.left = max(budget.left - (perf_counter() - started), 0.0)


def _probe(
    function: Callable[..., Any], args: Any, kwargs: Any, which: int, dim: int, budget: TimeBudget
) -> list[ProbeResult]:
    started = perf_counter()
    base = _run(function, args, kwargs)
    first = perf_counter()
    values = _values(function, args, kwargs, which, dim)
    # the first run of an operator may load what the others need not
    once = min(first - started, perf_counter() - first)
    size = tensors_in((args, kwargs))[which].shape[dim]
    most = min(MOST_POSITIONS, budget.affordable(once) // len(values))
    if most < min(size, FEWEST_POSITIONS):
        raise CannotRun("running it takes too long")
    positions = _probed(size, most)
    masks: list[list[torch.Tensor]] = []
    for position in positions:
        reached = [torch.zeros(result.shape, dtype=torch.bool) for result in base]
        for value in values:
            changed = _run(function, *_with_value(args, kwargs, which, dim, position, value))
            for mask, before, after in zip(reached, base, changed, strict=True):
                if before.shape != after.shape:
                    raise CannotRun("the shape of its result depends on the data")
                mask |= _differ(before, after)
        masks.append(reached)
    return [window_shown(list(result), positions, size) for result in zip(*masks, strict=True)]


def _probed(size: int, most: int) -> range:
    """All positions of a small dimension, or a stretch in the middle."""
    start = max(0, (size - most) // 2)
    return range(start, min(size, start + most))


def _values(
    function: Callable[..., Any], args: Any, kwargs: Any, which: int, dim: int
) -> tuple[float, ...]:
    """The values to put at probed positions: a large one, and a NaN where that is taken."""
    try:
        _run(function, *_with_value(args, kwargs, which, dim, 0, torch.nan))
    except CannotRun:
        return (_LARGE,)
    return (torch.nan, _LARGE)


def _run(function: Callable[..., Any], args: Any, kwargs: Any) -> list[torch.Tensor]:
    """The results of a call on copies of its arguments, random numbers always the same."""
    return list(tensors_of(run_on_copies(function, args, kwargs)))


def _with_value(
    args: Any, kwargs: Any, which: int, dim: int, position: int, value: float
) -> tuple[Any, Any]:
    """The same arguments with one slice of one tensor replaced."""
    target = tensors_in((args, kwargs))[which]

    def replaced(tensor: torch.Tensor) -> torch.Tensor:
        if tensor is not target:
            return tensor
        changed: torch.Tensor = tensor.clone()
        exact = tensor.dtype.is_floating_point or tensor.dtype.is_complex
        changed.select(dim, position).fill_(value if exact else 1)
        return changed

    args, kwargs = mapped((args, kwargs), torch.Tensor, replaced)
    return args, kwargs


def _differ(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    differ: torch.Tensor = (before != after) & ~(before.isnan() & after.isnan())
    return differ
