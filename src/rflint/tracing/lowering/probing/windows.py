"""The window that explains which positions of an input reach which outputs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise

import torch

from rflint.graph.exact import Number
from rflint.graph.windows import Extent, Reach, Window
from rflint.operators.effect import as_number


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one result of an operator reads along one dimension of one of its inputs."""

    reach: Reach
    dim: int | None
    """The dimension of the result along which these positions go on; None: they are gone."""


def window_shown(masks: list[torch.Tensor], positions: range, size: int) -> ProbeResult:
    """What the masks of reached outputs, one per probed position, amount to."""
    if all(bool(mask.all()) for mask in masks):
        return ProbeResult(Extent.GLOBAL, None)
    rank = masks[0].dim()
    fitted: list[tuple[Reach, int]] = []
    for out_dim in range(rank):
        others = [d for d in range(rank) if d != out_dim]
        profile = torch.stack([mask.any(others) if others else mask for mask in masks])
        if bool((profile.any(1) != profile.all(1)).any()):
            fitted.append((_fitted(profile, positions, size), out_dim))
    windows = [(reach, out_dim) for reach, out_dim in fitted if isinstance(reach, Window)]
    if not windows or (len(fitted) == 1 and len(windows) != 1):
        return ProbeResult(Extent.UNKNOWN, None)
    # of a position and its place in a window (unfold), the position reads less
    windows.sort(key=lambda found: found[0].size)
    if len(windows) > 1 and windows[0][0].size == windows[1][0].size:
        return ProbeResult(Extent.UNKNOWN, None)
    return ProbeResult(*windows[0])


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
