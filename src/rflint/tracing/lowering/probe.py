"""Measure what an operator reads by running it: a NaN at one position, and where it comes out.

For operators that are in no table (a library's own, a custom C++ one). The operator runs on real
tensors of the shapes that it has in the model, once for each position that is probed. A NaN
shows most dependences; a large number in its place shows those that swallow NaNs (comparisons,
`nan_to_num`). The result is a window, "everything", or nothing that a window describes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise
from time import perf_counter
from typing import Any

import torch

from rflint.graph.exact import Number
from rflint.graph.windows import Extent, Reach, Window
from rflint.operators.call import mapped, tensors_in
from rflint.operators.effect import as_number
from rflint.tracing.recording.real_runs import CannotRun, run_on_copies
from rflint.tracing.recording.tensors import tensors_of

MOST_POSITIONS = 48
"""Positions probed along one dimension: all of a small map, a stretch in the middle of a large."""

FEWEST_POSITIONS = 12
"""Of fewer, windows cannot be told from everything."""

MOST_SECONDS = 10.0
"""For which the operators of one model are run, all of them together."""

_LARGE = 64.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What one result of an operator reads along one dimension of one of its inputs."""

    reach: Reach
    dim: int | None
    """The dimension of the result along which these positions go on; None: they are gone."""


class Patience:
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
    patience: Patience | None = None,
) -> list[Reading]:
    """What every result of a call reads along dimension `dim` of its `which`-th tensor.

    `args` and `kwargs` hold real tensors (see `realistic`), which are not changed. Raises
    CannotRun where the call fails, or takes too long.
    """
    patience = patience or Patience()
    started = perf_counter()
    try:
        return _probe(function, args, kwargs, which, dim, patience)
    finally:
        patience.left = max(patience.left - (perf_counter() - started), 0.0)


def _probe(
    function: Callable[..., Any], args: Any, kwargs: Any, which: int, dim: int, patience: Patience
) -> list[Reading]:
    started = perf_counter()
    base = _run(function, args, kwargs)
    first = perf_counter()
    values = _values(function, args, kwargs, which, dim)
    # the first run of an operator may load what the others need not
    once = min(first - started, perf_counter() - first)
    size = tensors_in((args, kwargs))[which].shape[dim]
    most = min(MOST_POSITIONS, patience.affordable(once) // len(values))
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
    return [_reading(list(result), positions, size) for result in zip(*masks, strict=True)]


def _probed(size: int, most: int) -> range:
    """All positions of a small dimension, or a stretch in the middle."""
    start = max(0, (size - most) // 2)
    return range(start, min(size, start + most))


def _values(
    function: Callable[..., Any], args: Any, kwargs: Any, which: int, dim: int
) -> tuple[float, ...]:
    """What to put at the probed positions; some operators refuse NaNs."""
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


def _reading(masks: list[torch.Tensor], positions: range, size: int) -> Reading:
    """What the masks of reached outputs, one per probed position, amount to."""
    if all(bool(mask.all()) for mask in masks):
        return Reading(Extent.GLOBAL, None)
    rank = masks[0].dim()
    fitted: list[tuple[Reach, int]] = []
    for out_dim in range(rank):
        others = [d for d in range(rank) if d != out_dim]
        profile = torch.stack([mask.any(others) if others else mask for mask in masks])
        if bool((profile.any(1) != profile.all(1)).any()):
            fitted.append((_fitted(profile, positions, size), out_dim))
    windows = [(reach, out_dim) for reach, out_dim in fitted if isinstance(reach, Window)]
    if not windows or (len(fitted) == 1 and len(windows) != 1):
        return Reading(Extent.UNKNOWN, None)
    # of a position and its place in a window (unfold), the position reads less
    windows.sort(key=lambda found: found[0].size)
    if len(windows) > 1 and windows[0][0].size == windows[1][0].size:
        return Reading(Extent.UNKNOWN, None)
    return Reading(*windows[0])


def _fitted(profile: torch.Tensor, positions: range, size: int) -> Reach:
    """The window that explains which probed positions reach which outputs, if one does."""
    complete = len(positions) == size
    intervals: dict[int, tuple[int, int]] = {}
    touched = profile.any(0).nonzero().flatten().tolist()
    if complete and touched and len(touched) <= touched[-1] - touched[0]:
        return Extent.UNKNOWN  # an output between others reads nothing, or hides what it reads
    for output in touched:
        found = profile[:, output].nonzero().flatten()
        low, high = positions[int(found[0])], positions[int(found[-1])]
        # what touches the end of the probed stretch may go on beyond it
        if complete or (low > positions[0] and high < positions[-1]):
            intervals[output] = (low, high)
    if len(intervals) < 2:
        return Extent.UNKNOWN
    widest = max(high - low for low, high in intervals.values())
    if widest == size - 1:
        return Extent.GLOBAL
    # windows at the borders are cut off by padding, or mirrored
    inner = {q: ends for q, ends in intervals.items() if not _at_border(ends, widest + 1, size)}
    if len(inner) < 4:
        inner = {q: ends for q, ends in intervals.items() if not _cut_off(ends, widest, size)}
    if len(inner) < 2:
        return Extent.UNKNOWN
    stride = _stride(inner, size, profile.shape[1])
    if stride is None:
        return Extent.UNKNOWN
    starts = [low - q * stride for q, (low, _) in inner.items()]
    return Window(widest + 1, stride, as_number(Fraction(max(starts))))


def _at_border(ends: tuple[int, int], width: int, size: int) -> bool:
    low, high = ends
    return low < width or high >= size - width


def _cut_off(ends: tuple[int, int], widest: int, size: int) -> bool:
    low, high = ends
    return high - low < widest and _at_border(ends, widest, size)


def _stride(intervals: dict[int, tuple[int, int]], size: int, outputs: int) -> Number | None:
    """The distance between windows: steady, or in blocks that all read the same window."""
    first, last = min(intervals), max(intervals)
    slope = Fraction(intervals[last][0] - intervals[first][0], last - first)
    simple = (slope.limit_denominator(n) for n in range(1, 9))
    candidates = dict.fromkeys((*simple, Fraction(size, outputs), slope))
    spreads = {stride: _spread(intervals, stride) for stride in candidates if stride > 0}
    steady = min(spreads, key=lambda stride: sum(spreads[stride]), default=None)
    if steady is not None and max(spreads[steady]) < 1:
        return as_number(steady)
    runs = [
        (ends, len(list(group))) for ends, group in groupby(intervals[q] for q in sorted(intervals))
    ]
    inside = {length for _, length in runs[1:-1]}
    tiles = all(a[1] + 1 == b[0] for (a, _), (b, _) in pairwise(runs))
    even = len(inside) <= 1 and max(runs[0][1], runs[-1][1]) <= max(inside, default=outputs)
    return as_number(Fraction(size, outputs)) if tiles and even else None


def _spread(intervals: dict[int, tuple[int, int]], stride: Fraction) -> tuple[Fraction, Fraction]:
    """By how much the ends of windows stray from a steady advance."""
    lows = [low - q * stride for q, (low, _) in intervals.items()]
    highs = [high - q * stride for q, (_, high) in intervals.items()]
    return max(lows) - min(lows), max(highs) - min(highs)
