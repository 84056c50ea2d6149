"""The operator table against the probe: what a row says an operator reads, and what a NaN shows.

The probe (tracing/lowering/probing/) is also how rflint measures operators that are in no table. It
knows nothing of the table. Every row is held against it once under each of its names, and the rows
with windows over a grid of hyper-parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rflint.analysis.analyse import analyse
from rflint.analysis.receptive_field import PIXEL, AxisField
from rflint.graph.layer import Kind
from rflint.graph.windows import Extent, Window
from rflint.operators.rows.linear_algebra import decomposition
from rflint.operators.table import known_row, spellings
from rflint.tracing.lowering.probing.probe import TimeBudget, probe
from rflint.tracing.recording.real_runs import CannotRun, check_sizes
from rflint.tracing.trace import trace
from tests.helpers.modules import Lambda
from tests.helpers.operator_examples import ELSEWHERE, Function, axes_in, example, image


def said(function: Function, x: Tensor) -> list[AxisField]:
    """What rflint says that the first result sees of every axis."""
    analysis = analyse(trace(Lambda(function), [x]))
    assert analysis.complete
    if not analysis.architecture.outputs:
        return [PIXEL] * analysis.architecture.axes
    return list(analysis.layers[analysis.architecture.outputs[0]].output_field)


def shown(function: Function, x: Tensor, axis: int) -> Any:
    """What a NaN shows that the first result reads along an axis."""
    module = Lambda(function).eval()
    return probe(module, (x,), {}, 0, 2 + axis)[0].reach


# -- every row

SOMETIMES = (
    Kind.RESHAPE,
    Kind.SLICE,
    Kind.MIX,
    Kind.REDUCE,
    Kind.ACTIVATION,
    Kind.PAD,
    Kind.RECURRENT,
)
"""Kinds of which some rows merge dimensions, swallow values, or mirror them at the border."""

UNDECIDED = {"eq", "ne", "isclose", "logical_and", "logical_or", "logical_xor", "ror", "cdist"} | {
    "im2col",
    "Unfold",
}
"""Results that do not change with what the probe puts there, or along two dimensions at once."""

WIDE = (Kind.CONV, Kind.CONV_TRANSPOSE, Kind.POOL, Kind.UPSAMPLE, Kind.PAD)
"""Kinds that want some room: windows at the border do not count."""

CONSTANT = {"zero", "fill", "normal", "uniform", "exponential", "random", "index_put"}
"""What overwrites its input: reading the same position is more than it does."""

REARRANGING = {"masked_scatter", "roll", "fill_diagonal", "rot90"}
"""What moves positions, or leaves some out, in a way that no single window describes."""

COMPOSED = {"fold", "Fold", "col2im"}
"""Examples that undo an unfold: every position gets itself back, through a window of patches."""

ROUNDING = {name for name in spellings() if "quantize" in name}
"""A NaN is no number that can be quantised."""

OBSERVING = {"FakeQuantize", "FusedMovingAvgObsFakeQuantize", "_LearnableFakeQuantize"} | {
    "fused_moving_avg_obs_fake_quant"
}
"""What rounds by statistics of the map, as a normalisation scales."""

UNPOOLING = {f"{name}{n}d" for name in ("max_unpool", "MaxUnpool") for n in (1, 2, 3)}
"""What leaves most of its outputs empty, wherever the maxima were not."""

RANDOM = {
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
}
"""Windows at random places: their average distance is tested on its own."""


DECOMPOSING = {x for x in spellings() if (row := known_row(x)) and row.effect is decomposition} | {
    *("matrix_exp", "linalg_matrix_exp", "linalg_matrix_norm", "nuclear_norm", "gcd", "lcm"),
}
"""What libraries compute that end the process where they meet a NaN."""

LEFT_OUT = (
    DECOMPOSING
    | ROUNDING
    | {"dequantize"}
    | CONSTANT
    | ELSEWHERE
    | REARRANGING
    | COMPOSED
    | UNPOOLING
    | RANDOM
)


@pytest.mark.parametrize("spelling", sorted(spellings() - LEFT_OUT))
def test_every_row_reads_what_a_nan_shows(spelling: str) -> None:
    row = known_row(spelling)
    assert row is not None
    size = 18 if row.kind in WIDE and axes_in(spelling) < 3 else 6
    function, x = example(spelling), image(axes_in(spelling), size)
    compared = 0
    for axis, field in enumerate(said(function, x)):
        try:
            reach = shown(function, x, axis)
        except CannotRun as reason:
            pytest.skip(f"torch refuses what the probe puts there: {reason}")
        if reach is Extent.UNKNOWN:
            continue  # a result of another order, or one that only sometimes depends on its input
        compared += 1
        if row.kind is Kind.NORM or spelling in OBSERVING:
            assert field.r_max == 1  # statistics are no feature path
            continue
        if reach is Extent.GLOBAL:
            # every row that reads all of a map this small reads all of any
            assert field.r_max is None or row.kind in (Kind.POOL, Kind.CONV_TRANSPOSE), field
        else:
            assert field.r_max == reach.size, field
            # of so few positions, a fractional stride cannot be told from its neighbours
            if row.kind not in (Kind.RESHAPE, Kind.SLICE, Kind.RECURRENT, Kind.UPSAMPLE):
                assert field.jump == reach.stride or row.name.startswith("adaptive")
    assert compared or row.kind in SOMETIMES or spelling in UNDECIDED


# -- rows with windows, over grids of hyper-parameters


@dataclass(frozen=True)
class Case:
    """One operator with hyper-parameters, on a map of one axis."""

    name: str
    function: Callable[[Tensor], Tensor]
    size: int
    channels: int = 2

    def __str__(self) -> str:
        return self.name


def grid(**values: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for combination in product(*values.values()):
        yield dict(zip(values, combination, strict=True))


def convolutions() -> Iterator[Case]:
    for o in grid(k=[1, 2, 3, 5], s=[1, 2, 3], d=[1, 2], p=[0, 1, 3], n=[23]):
        module = nn.Conv1d(2, 2, o["k"], o["s"], o["p"], o["d"])
        yield Case(f"conv {o}", module, o["n"])
    for o in grid(k=[2, 3, 4], d=[1, 2], mode=["zeros", "reflect", "replicate"]):
        module = nn.Conv1d(2, 2, o["k"], padding="same", dilation=o["d"], padding_mode=o["mode"])
        yield Case(f"same {o}", module, 21)


def transposed() -> Iterator[Case]:
    for o in grid(k=[1, 2, 3, 4, 5], s=[1, 2, 3], d=[1, 2], p=[0, 1], e=[0, 1]):
        # others leave outputs empty between those that read something
        if o["e"] < max(o["s"], o["d"]) and o["k"] >= o["s"] and (o["d"] == 1 or o["s"] == 1):
            module = nn.ConvTranspose1d(2, 2, o["k"], o["s"], o["p"], o["e"], dilation=o["d"])
            yield Case(f"transposed {o}", module, 13)


def poolings() -> Iterator[Case]:
    for o in grid(k=[2, 3, 4], s=[1, 2, 3], p=[0, 1], ceil_mode=[False, True], n=[22, 23]):
        maximum = nn.MaxPool1d(o["k"], o["s"], o["p"], 1, False, o["ceil_mode"])
        yield Case(f"max {o}", maximum, o["n"])
        for include in (False, True):
            module = nn.AvgPool1d(o["k"], o["s"], o["p"], o["ceil_mode"], include)
            yield Case(f"avg {o} {include}", module, o["n"])
    for o in grid(k=[2, 3], s=[1, 2], d=[2, 3]):
        yield Case(f"max {o}", nn.MaxPool1d(o["k"], o["s"], 0, o["d"]), 25)
    for o in grid(k=[2, 3], s=[1, 2], ceil_mode=[False, True]):
        yield Case(f"lp {o}", nn.LPPool1d(2, o["k"], o["s"], o["ceil_mode"]), 23)
    for n, m in [*product([12, 24], [2, 3, 4, 6, 12]), (20, 8), (21, 6), (35, 14)]:
        yield Case(f"adaptive {n} {m}", nn.AdaptiveAvgPool1d(m), n)
        yield Case(f"adaptive max {n} {m}", nn.AdaptiveMaxPool1d(m), n)


def resamplings() -> Iterator[Case]:
    for mode, factor in product(["nearest", "linear", "nearest-exact"], [2, 3, 4]):
        yield Case(f"{mode} {factor}", nn.Upsample(scale_factor=factor, mode=mode), 12)
    for mode, n, m in product(["nearest", "area"], [12, 24], [6, 8, 4]):
        yield Case(f"{mode} {n} {m}", lambda x, m=m, mode=mode: F.interpolate(x, m, mode=mode), n)
    for before, after in product([0, 1, 3, -2], [0, 2, -1]):
        for mode in ("constant", "reflect", "replicate", "circular"):
            if max(before, after) > 0 and mode != "constant":
                continue  # what is mirrored at the border belongs to no window
            yield Case(
                f"pad {before} {after} {mode}",
                lambda x, pads=(before, after), mode=mode: F.pad(x, pads, mode),
                20,
            )
    for shift in (1, 3, -2):
        yield Case(f"roll {shift}", lambda x, s=shift: x.roll(s, -1)[..., 4:-4], 20)
    for start, step in product([0, 1, 3], [1, 2, 3]):
        yield Case(f"slice {start} {step}", lambda x, a=start, b=step: x[..., a::b], 20)
    for times in (2, 3):
        yield Case(f"repeat {times}", lambda x, n=times: x.repeat_interleave(n, -1), 12)
    for n in (1, 2):
        yield Case(f"diff {n}", lambda x, n=n: x.diff(n=n), 15)
    for size, step in product([2, 3, 5], [1, 2]):
        yield Case(f"unfold {size} {step}", lambda x, a=size, b=step: x.unfold(-1, a, b), 20)


def on_images() -> Iterator[Case]:
    """What only works on two axes: the second is a single position."""
    for o in grid(k=[2, 3], s=[1, 2], p=[0, 1], d=[1, 2]):

        def unfolded(x: Tensor, o: dict[str, int] = o) -> Tensor:
            return F.unfold(x[..., None], (o["k"], 1), (o["d"], 1), (o["p"], 0), (o["s"], 1))

        yield Case(f"im2col {o}", unfolded, 20)
    for k, s in [(2, 2), (3, 3), (4, 2), (3, 1)]:

        def folded(x: Tensor, k: int = k, s: int = s) -> Tensor:
            n = (x.shape[-1] - 1) * s + k
            return F.fold(x, (n, 1), (k, 1), stride=(s, 1))

        yield Case(f"fold {k} {s}", folded, 12, channels=2 * k)
    for r in (2, 3):
        yield Case(
            f"shuffle {r}",
            lambda x, r=r: F.pixel_shuffle(x[..., None], r).mean(-1),
            12,
            channels=2 * r * r,
        )
        yield Case(
            f"unshuffle {r}",
            lambda x, r=r: F.pixel_unshuffle(x[..., None].expand(-1, -1, -1, r), r)[..., 0],
            12,
        )


def inverse_spectra() -> Iterator[Case]:
    """Frequencies are channels, frames are the axis."""
    for o in grid(hop=[1, 2, 3, 4], center=[True, False], length=[None, 30]):

        def inverted(x: Tensor, o: dict[str, Any] = o) -> Tensor:
            options = o["hop"], None, torch.ones(8), o["center"], False, True, o["length"]
            return torch.istft(torch.complex(x, x), 8, *options)

        if o["length"] is None or o["hop"] > 1:  # torch warns of a signal that is filled up
            yield Case(f"istft {o}", inverted, 20, channels=5)


CASES = [
    *inverse_spectra(),
    *convolutions(),
    *transposed(),
    *poolings(),
    *resamplings(),
    *on_images(),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_window_is_what_a_nan_shows(case: Case) -> None:
    torch.manual_seed(0)
    x = torch.rand(1, case.channels, case.size)
    (field,) = said(case.function, x)
    reach = shown(case.function, x, 0)
    assert isinstance(reach, Window), reach
    assert field.r_max == field.r_min
    ((jump, span),) = field.spans.items()
    assert (field.r_max, jump) == (reach.size, reach.stride)
    if jump == int(jump):
        assert span.first == reach.start
    else:
        # between the inputs, a start is nominal: the mean over the phases
        assert abs(span.first - reach.start) <= 1


def test_fractional_pooling_reads_windows_as_far_apart_as_it_says_on_average() -> None:
    pool = nn.FractionalMaxPool2d(3, output_size=(9, 9))
    fields = said(pool, torch.rand(1, 2, 31, 31))
    assert [field.r_max for field in fields] == [3, 3]
    assert [field.jump for field in fields] == [Fraction(28, 8)] * 2


def test_a_probe_leaves_its_arguments_alone() -> None:
    x = torch.rand(1, 2, 8)
    before = x.clone()
    probe(lambda x: x.mul_(2), (x,), {}, 0, 2)
    assert torch.equal(x, before)


def test_a_probe_says_why_it_fails() -> None:
    def fails(x: Tensor) -> Tensor:
        raise RuntimeError("no kernel for this")

    with pytest.raises(CannotRun, match="no kernel for this"):
        probe(fails, (torch.rand(1, 2, 8),), {}, 0, 2)


def test_a_probe_ends_with_its_patience() -> None:
    patience = TimeBudget(seconds=0.0)
    with pytest.raises(CannotRun, match="takes too long"):
        probe(lambda x: x * 2, (torch.rand(1, 2, 8),), {}, 0, 2, patience)


def test_fewer_positions_show_the_same_window() -> None:
    """As many as there is time for, in the middle of the map."""

    class Little(TimeBudget):
        def affordable(self, once: float) -> int:
            return 40

    x = torch.rand(1, 2, 60)
    (reading,) = probe(lambda x: F.avg_pool1d(x, 3, 2, 1), (x,), {}, 0, 2, Little())
    assert reading.reach == Window(3, 2, -1)


def test_all_tensors_of_an_operator_count() -> None:
    with pytest.raises(CannotRun, match="too large"):
        check_sizes([(1 << 12, 1 << 11)] * 3)


def test_a_shape_that_depends_on_data_cannot_be_probed() -> None:
    with pytest.raises(CannotRun, match="depends on the data"):
        probe(lambda x: x[~x.isnan()], (torch.rand(1, 2, 8),), {}, 0, 2)
