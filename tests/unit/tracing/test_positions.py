"""Positions are followed through whatever code does to tensors, however it is spelled."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rflint.analysis.analyse import analyse
from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.inputs.tracing_options import TracingOptions
from rflint.tracing.trace import trace
from tests.helpers.probe import reached

Function = Callable[[Tensor], Tensor]

C = 8


class Followed(nn.Module):
    """A function of a map of C channels, and a 3x3 convolution behind it."""

    def __init__(self, function: Function, channels: int) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.rand(64, 64))
        self.last = nn.Conv2d(channels, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.function(x))


def last(function: Function, channels: int = C, size: tuple[int, ...] = (28, 28)) -> AnalysedLayer:
    shape = (1, C, *size)
    return analyse(trace(Followed(function, channels), [torch.empty(shape)])).layers[-1]


def sees(layer: AnalysedLayer) -> list[Any]:
    """(r_min, r_max, jump) of its input, per axis."""
    return [(axis.r_min, axis.r_max, axis.jump) for axis in layer.input_field]


def blocks(x: Tensor, size: int) -> Tensor:
    """(batch, rows, columns, size, size, channels)."""
    b, c, h, w = x.shape
    return x.view(b, c, h // size, size, w // size, size).permute(0, 2, 4, 3, 5, 1)


def unblocked(x: Tensor) -> Tensor:
    b, rows, columns, size, _, c = x.shape
    return x.permute(0, 5, 1, 3, 2, 4).reshape(b, c, rows * size, columns * size)


# -- blocks of positions


def by_slices(x: Tensor) -> Tensor:
    return torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)


def by_views(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    return (
        x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(b, -1, h // 2, w // 2)
    )


def by_unfolding(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    return F.unfold(x, 2, stride=2).view(b, 4 * c, h // 2, w // 2)


def by_windows(x: Tensor) -> Tensor:
    windows = x.unfold(2, 2, 2).unfold(3, 2, 2)
    return windows.permute(0, 1, 4, 5, 2, 3).flatten(1, 3)


@pytest.mark.parametrize(
    "function", [by_slices, by_views, by_unfolding, by_windows, lambda x: F.pixel_unshuffle(x, 2)]
)
def test_space_to_depth_is_a_window_however_it_is_spelled(function: Function) -> None:
    layer = last(function, 4 * C)
    assert [(axis.r_max, axis.jump) for axis in layer.output_field] == [(6, 2), (6, 2)]


@pytest.mark.parametrize("function", [by_views, by_windows, lambda x: F.pixel_unshuffle(x, 2)])
def test_what_was_gathered_counts_for_the_layer_that_mixes_it(function: Function) -> None:
    assert [axis.r_max for axis in last(function, 4 * C).input_field] == [2, 2]


def test_shifted_copies_are_no_blocks() -> None:
    layer = last(lambda x: torch.cat([x[..., 1:], x[..., :-1]], 1), 2 * C)
    assert [axis.r_max for axis in layer.input_field] == [1, 1]


def depth_by_views(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    return x.view(b, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2).reshape(b, c // 4, 2 * h, 2 * w)


@pytest.mark.parametrize("function", [depth_by_views, lambda x: F.pixel_shuffle(x, 2)])
def test_depth_to_space_halves_the_jump_however_it_is_spelled(function: Function) -> None:
    layer = last(function, C // 4)
    assert [(axis.r_max, axis.jump) for axis in layer.output_field] == [(2, 0.5), (2, 0.5)]
    assert layer.layer.geometry.kernel == (3, 3)


# -- channels that are moved between positions more than once


def depth_to_space(x: Tensor, factor: tuple[int, int]) -> Tensor:
    b, c, h, w = x.shape
    r, s = factor
    x = x.view(b, c // (r * s), r, s, h, w)
    return x.permute(0, 1, 4, 2, 5, 3).reshape(b, c // (r * s), h * r, w * s)


class Shuffled(nn.Module):
    """Positions four apart, channels moved between them twice, and a 3x3 convolution."""

    def __init__(self, factors: tuple[tuple[int, int], ...], between: str) -> None:
        super().__init__()
        self.factors = factors
        first, second = map(prod, factors)
        self.stem = nn.Conv2d(1, 2 * first * second, 4, stride=4)
        kernel = 3 if between == "residual" else 1
        self.between = nn.Conv2d(2 * second, 2 * second, kernel, padding=kernel // 2)
        self.join = between
        self.last = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.factors
        x = depth_to_space(self.stem(x), first)
        if self.join == "pointwise":
            x = self.between(x)
        twice = depth_to_space(x, second)
        if self.join == "residual":
            # of which only one has been worked on as positions before
            twice = twice + depth_to_space(self.between(x), second)
        return self.last(twice)


def assert_as_a_nan_shows(model: nn.Module, size: int, factors: tuple[int, int]) -> None:
    """Fields of the output, next to what NaNs of whole rows or columns of an input reach."""
    layer = analyse(trace(model, [torch.empty(1, 1, size, size)])).layers[-1]
    for axis, (factor, field) in enumerate(zip(factors, layer.output_field, strict=True)):
        ((jump, span),) = field.spans.items()
        assert jump == 4 / factor
        images = torch.rand(size, 1, size, size)
        for position in range(size):
            images[position].select(1 + axis, position)[...] = torch.nan
        seen = reached(model, images, axis)[""]
        assert seen.shape == (size, size * factor // 4)
        extents = []
        for position in range(2 * factor, seen.shape[1] - 2 * factor):  # none at the border
            inputs = seen[:, position].nonzero().flatten()
            first, last = int(inputs.min()), int(inputs.max())
            # where positions were made of channels, these begin and end at the coarser grid
            assert abs(first - (jump * position + span.first)) <= span.slack
            assert abs(last - (jump * position + span.last)) <= span.slack
            extents.append(last - first + 1)
        assert min(extents) <= span.r_max <= max(extents)


@pytest.mark.parametrize("between", ["", "pointwise", "residual"])
@pytest.mark.parametrize(
    "factors", [((1, 2), (1, 2)), ((2, 1), (2, 1)), ((2, 2), (2, 2)), ((1, 2), (2, 1))]
)
def test_depth_to_space_twice_is_told_apart(
    factors: tuple[tuple[int, int], ...], between: str
) -> None:
    torch.manual_seed(0)
    (a, b), (c, d) = factors
    assert_as_a_nan_shows(Shuffled(factors, between).eval(), 32, (a * c, b * d))


def test_depth_to_space_of_a_series_whose_other_axis_is_squeezed() -> None:
    """The axis of one position that is left beside the series is no channel of it."""

    class Series(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(1, 8, (1, 4), stride=(1, 4))
            self.last = nn.Conv1d(2, 2, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = depth_to_space(depth_to_space(self.stem(x), (1, 2)), (1, 2))
            return self.last(x.squeeze(2))

    layer = analyse(trace(Series(), [torch.empty(1, 1, 1, 32)])).layers[-1]
    assert [(axis.r_max, axis.jump) for axis in layer.output_field] == [(1, 1), (6, 1)]


def embedded(x: Tensor) -> Tensor:
    """Patches of 4x4, flattened and projected."""
    b, c, h, w = x.shape
    patches = x.view(b, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(b, -1, 16 * c)
    tokens = F.linear(patches, torch.rand(C, 16 * c))
    return tokens.transpose(1, 2).reshape(b, C, h // 4, w // 4)


@pytest.mark.parametrize(
    "function", [embedded, lambda x: F.conv2d(x, torch.rand(C, C, 4, 4), stride=4)]
)
def test_a_patch_embedding_is_a_strided_convolution(function: Function) -> None:
    assert sees(last(function)) == [(4, 4, 4)] * 2


# -- attention


def softmax_attention(tokens: Tensor) -> Tensor:
    return (tokens @ tokens.transpose(-1, -2)).softmax(-1) @ tokens


def einsum_attention(tokens: Tensor) -> Tensor:
    scores = torch.einsum("...qc,...kc->...qk", tokens, tokens)
    return torch.einsum("...qk,...kc->...qc", scores.softmax(-1), tokens)


def fused_attention(tokens: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(tokens, tokens, tokens)


ATTENTION = [softmax_attention, einsum_attention, fused_attention]


@pytest.mark.parametrize("attention", ATTENTION)
@pytest.mark.parametrize("shift", [0, 3])
def test_window_attention_is_a_window(attention: Function, shift: int) -> None:
    def windowed(x: Tensor) -> Tensor:
        x = x.roll((-shift, -shift), (2, 3)) if shift else x
        grouped = blocks(x, 7)
        tokens = grouped.reshape(-1, 49, C)
        x = unblocked(attention(tokens).view(grouped.shape))
        return x.roll((shift, shift), (2, 3)) if shift else x

    assert sees(last(windowed)) == [(7, 7, 1)] * 2


@pytest.mark.parametrize("attention", ATTENTION)
def test_attention_over_all_positions_is_unbounded(attention: Function) -> None:
    def everywhere(x: Tensor) -> Tensor:
        return attention(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape)

    assert sees(last(everywhere)) == [(None, None, None)] * 2
    residual = last(lambda x: x + everywhere(x))
    assert sees(residual) == [(1, None, 1)] * 2
    assert residual.is_judged


@pytest.mark.parametrize("attention", ATTENTION)
def test_attention_over_a_grid_that_spans_the_map_is_unbounded(attention: Function) -> None:
    def grid(x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        spread = x.view(b, c, 7, h // 7, 7, w // 7).permute(0, 3, 5, 2, 4, 1)
        mixed = attention(spread.reshape(-1, 49, c)).view(spread.shape)
        return mixed.permute(0, 5, 3, 1, 4, 2).reshape(b, c, h, w)

    assert sees(last(grid)) == [(None, None, None)] * 2


@pytest.mark.parametrize("attention", ATTENTION)
def test_attention_along_one_axis_is_unbounded_along_that_axis(attention: Function) -> None:
    def axial(x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(b * h, w, c)
        return attention(rows).view(b, h, w, c).permute(0, 3, 1, 2)

    assert sees(last(axial)) == [(1, 1, 1), (None, None, None)]


@pytest.mark.parametrize("attention", ATTENTION)
def test_attention_over_channels_compares_all_positions(attention: Function) -> None:
    """As in XCiT: channels attend to channels, and are compared over the whole map."""

    def crossed(x: Tensor) -> Tensor:
        return x + attention(x.flatten(2)).view(x.shape)

    assert sees(last(crossed)) == [(1, None, 1)] * 2


def test_multihead_attention_reads_its_keys() -> None:
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(C, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            tokens = x.flatten(2).transpose(1, 2)
            mixed, _ = self.attention(tokens, tokens, tokens, need_weights=False)
            return (tokens + mixed).transpose(1, 2).reshape(x.shape)

    assert sees(last(Attends())) == [(1, None, 1)] * 2


# -- sequences


def test_a_class_token_comes_and_goes() -> None:
    def with_token(x: Tensor) -> Tensor:
        tokens = torch.cat([torch.zeros(1, 1, C), x.flatten(2).transpose(1, 2)], 1)
        tokens = F.gelu(F.linear(tokens, torch.rand(C, C)))
        return tokens[:, 1:].transpose(1, 2).reshape(x.shape)

    assert sees(last(with_token)) == [(1, 1, 1)] * 2


def test_a_class_token_that_is_split_off() -> None:
    def with_token(x: Tensor) -> Tensor:
        tokens = torch.cat([torch.zeros(1, 1, C), x.flatten(2).transpose(1, 2)], 1)
        _, patches = tokens.split([1, tokens.shape[1] - 1], 1)
        return patches.transpose(1, 2).reshape(x.shape)

    assert sees(last(with_token)) == [(1, 1, 1)] * 2


def test_a_recurrent_layer_mixes_the_axis_that_it_runs_along() -> None:
    """A text recogniser: convolutions, then an LSTM over the columns."""

    class Columns(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(C, C // 2, bidirectional=True, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            b, c, h, w = x.shape
            columns = x.permute(0, 2, 3, 1).reshape(b * h, w, c)
            out, _ = self.rnn(columns)
            return out.view(b, h, w, c).permute(0, 3, 1, 2)

    assert sees(last(Columns())) == [(1, 1, 1), (None, None, None)]


def test_a_fourier_filter_is_unbounded_along_the_axes_that_it_transforms() -> None:
    def filtered(x: Tensor) -> Tensor:
        return torch.fft.irfft(torch.fft.rfft(x) * torch.rand(C, 28, 15), 28)

    assert sees(last(filtered)) == [(1, 1, 1), (None, None, None)]


def test_a_convolution_over_tokens_runs_along_the_rows() -> None:
    def scanned(x: Tensor) -> Tensor:
        return F.conv1d(x.flatten(2), torch.rand(C, C, 5), padding=2).view(x.shape)

    assert sees(last(scanned)) == [(1, 1, 1), (5, 5, 1)]


# -- axes of different lengths


@pytest.mark.parametrize(
    ("size", "verdict"),
    [
        ((28, 28), Verdict.PRODUCTIVE),
        ((4, 28), Verdict.PARTIAL),
        ((28, 4), Verdict.PARTIAL),
        ((4, 4), Verdict.UNPRODUCTIVE),
    ],
)
def test_axes_are_held_against_their_own_lengths(size: tuple[int, int], verdict: Verdict) -> None:
    def grown(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 5, 1, 2)

    assert last(grown, size=size).verdict is verdict


# -- frames, one by one

FRAMES = (6, 12, 12)


def filtered(frame: Tensor) -> Tensor:
    return F.conv2d(frame, torch.rand(C, C, 3, 3), padding=1)


def folded(x: Tensor) -> Tensor:
    b, c, t, h, w = x.shape
    frames = filtered(x.transpose(1, 2).reshape(b * t, c, h, w))
    return frames.view(b, t, c, h, w).transpose(1, 2)


def stacked(x: Tensor) -> Tensor:
    return torch.stack([filtered(x[:, :, t]) for t in range(x.shape[2])], 2)


def stacked_in_front(x: Tensor) -> Tensor:
    frames = [filtered(frame) for frame in x.permute(2, 0, 1, 3, 4)]
    return torch.stack(frames).permute(1, 2, 0, 3, 4)


def concatenated(x: Tensor) -> Tensor:
    return torch.cat([filtered(frame).unsqueeze(2) for frame in x.unbind(2)], 2)


def written(x: Tensor) -> Tensor:
    out = torch.zeros(x.shape)
    for t in range(x.shape[2]):
        out[:, :, t] = filtered(x[:, :, t])
    return out


def remembered(x: Tensor) -> Tensor:
    state, states = torch.zeros(x[:, :, 0].shape), []
    for t in range(x.shape[2]):
        state = filtered(torch.cat([x[:, :, t], state.relu()], 1)[:, :C])
        states.append(state)
    return torch.stack(states, 2)


class OfFrames(nn.Module):
    """A function of a video, and a convolution over time behind it."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function
        self.last = nn.Conv3d(C, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.function(x))


def over_time(function: Function, tracer: str = "symbolic") -> AnalysedLayer:
    video = torch.empty(2, C, *FRAMES)
    return analyse(trace(OfFrames(function), [video], TracingOptions(tracer=tracer))).layers[-1]


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize(
    "function", [folded, stacked, stacked_in_front, concatenated, written, remembered]
)
def test_frames_that_are_put_together_again_are_the_time_axis(
    function: Function, tracer: str
) -> None:
    layer = over_time(function, tracer)
    assert layer.layer.geometry.kernel == (3, 3, 3)
    assert [(axis.r_min, axis.jump) for axis in layer.input_field] == [(1, 1), (3, 1), (3, 1)]


@pytest.mark.parametrize(
    ("frames", "jump"), [(range(1, 6, 2), 2), (range(5, -1, -1), 1), (range(2, 5), 1)]
)
def test_every_second_frame_is_a_stride(frames: range, jump: int) -> None:
    layer = over_time(lambda x: torch.stack([x[:, :, t] for t in frames], 2))
    assert [(axis.r_max, axis.jump) for axis in layer.output_field] == [
        (1 + 2 * jump, jump),
        (3, 1),
        (3, 1),
    ]


def test_one_frame_many_times_is_no_time_axis() -> None:
    layer = over_time(lambda x: torch.stack([x[:, :, 0]] * 4, 2))
    assert layer.layer.geometry.kernel == (1, 3, 3)


def test_the_mean_of_all_frames_sees_all_of_time() -> None:
    layer = over_time(lambda x: torch.stack(list(x.unbind(2))).mean(0).unsqueeze(2))
    assert sees(layer) == [(None, None, None), (1, 1, 1), (1, 1, 1)]


def test_a_frame_that_is_added_to_all_frames_is_seen_by_all() -> None:
    layer = over_time(lambda x: x[:, :, ::2] - x[:, :, -1].unsqueeze(2))
    assert sees(layer) == [(1, None, 2), (1, 1, 1), (1, 1, 1)]


def test_an_unknown_operator_on_single_frames_is_pointwise() -> None:
    video = torch.empty(1, C, *FRAMES)
    model = OfFrames(lambda x: torch.stack([torch.special.i0(f) for f in x.unbind(2)], 2))
    layer = analyse(trace(model, [video])).layers[-1]
    assert layer.layer.geometry.kernel == (3, 3, 3)
    assert sees(layer) == [(1, 1, 1)] * 3


# -- values that become indices


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.gather(1, x.argsort(1)),
        lambda x: torch.rand(300, C)[(x[:, 0] * 255).long()].permute(0, 3, 1, 2),
        lambda x: F.embedding(x[:, 0].mul(255).int(), torch.rand(300, C)).permute(0, 3, 1, 2),
    ],
)
def test_indices_computed_from_values_are_whole_numbers(function: Function) -> None:
    assert sees(last(function)) == [(1, 1, 1)] * 2


@pytest.mark.parametrize(
    ("mode", "extents"), [("bilinear", (4, 8)), ("bicubic", (8, 16)), ("area", (2, 4))]
)
def test_antialiasing_widens_the_kernel(mode: str, extents: tuple[int, int]) -> None:
    def resized(x: Tensor) -> Tensor:
        return F.interpolate(x, size=(14, 7), mode=mode, antialias=mode != "area")

    assert sees(last(resized)) == [
        (extent, extent, jump) for extent, jump in zip(extents, (2, 4), strict=True)
    ]


@pytest.mark.parametrize(
    "pick",
    [
        lambda x: x[:, :, torch.arange(0, 28, 2) ** 2 % 28],
        lambda x: x.index_select(2, torch.arange(0, 28, 2) ** 2 % 28),
        lambda x: x.gather(2, torch.arange(0, 28, 2).view(1, 1, 14, 1).expand(1, C, 14, 28)),
    ],
)
def test_positions_that_a_constant_picks_are_unknown_and_not_unbounded(pick: Function) -> None:
    """Whoever reads everything is judged unproductive; not so whoever is not known."""
    layer = last(pick)
    assert layer.input_field[0].unknown
    assert layer.verdict is Verdict.NOT_JUDGED


@pytest.mark.parametrize(
    "pick",
    [
        lambda x: x[:, :, torch.arange(0, 28, 2)],
        lambda x: x[:, :, list(range(0, 28, 2))],
        lambda x: x.index_select(2, torch.arange(0, 28, 2)),
        lambda x: x.index_select(-2, index=torch.arange(0, 28, 2)),
    ],
)
def test_evenly_spaced_positions_that_a_constant_picks_are_a_slice(pick: Function) -> None:
    assert sees(last(pick)) == sees(last(lambda x: x[:, :, ::2])) == [(1, 1, 2), (1, 1, 1)]


def test_positions_that_the_data_picks_may_be_any() -> None:
    assert last(lambda x: x.gather(2, x.argsort(2))).input_field[0].unbounded
