"""Stems in front of the first convolution: its channels are not the input's."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.errors import RflintError
from rflint.report.formats.text import write


def focus(x: Tensor) -> Tensor:
    rows = x[..., ::2, :], x[..., 1::2, :]
    return torch.cat([part for row in rows for part in (row[..., ::2], row[..., 1::2])], 1)


def blocks(x: Tensor, side: int = 4) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, c, h // side, side, w // side, side).permute(0, 1, 3, 5, 2, 4)
    return x.reshape(n, c * side * side, h // side, w // side)


def colour_blocks(x: Tensor) -> Tensor:
    return blocks(x.view(x.shape[0], 3, *x.shape[2:]))


def wavelets(x: Tensor) -> Tensor:
    filters = torch.rand(4, 1, 2, 2).repeat(x.shape[1], 1, 1, 1)
    return F.conv2d(x, filters, stride=2, groups=x.shape[1])


def with_coordinates(x: Tensor) -> Tensor:
    rows = torch.linspace(-1, 1, x.shape[2])[:, None].expand(len(x), 1, *x.shape[2:])
    return torch.cat([x, rows, rows.transpose(2, 3)], 1)


class Stem(nn.Module):
    """A function in front of a convolution of so many channels."""

    def __init__(self, stem: Callable[[Tensor], Tensor], channels: int, axes: int = 2) -> None:
        super().__init__()
        self.stem = stem
        self.conv = getattr(nn, f"Conv{axes}d")(channels, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Any:
        return self.conv(self.stem(x))


@pytest.mark.parametrize(
    ("stem", "channels", "expected", "r"),
    [
        pytest.param(focus, 12, 3, 6, id="slices side by side"),
        pytest.param(lambda x: F.pixel_unshuffle(x, 2), 4, 1, 6, id="unshuffled grey images"),
        pytest.param(lambda x: F.pixel_unshuffle(x, 4), 48, 3, 12, id="unshuffled colour images"),
        pytest.param(nn.PixelUnshuffle(3), 27, 3, 9, id="blocks of 3x3"),
        pytest.param(nn.PixelUnshuffle(4), 32, 2, 12, id="two channels"),
        pytest.param(blocks, 48, 3, 12, id="views"),
        pytest.param(colour_blocks, 48, 3, 12, id="a view that names the channels"),
        pytest.param(wavelets, 12, 3, 6, id="wavelets"),
        pytest.param(with_coordinates, 5, 3, 3, id="coordinates"),
        pytest.param(lambda x: torch.cat([x, -x], 1), 2, 1, 3, id="both signs"),
        pytest.param(lambda x: x, 64, 64, 3, id="no stem"),
    ],
)
def test_the_input_is_what_the_stem_takes(
    stem: Callable[[Tensor], Tensor], channels: int, expected: int, r: int
) -> None:
    report = rflint.lint(Stem(stem, channels), res=48)
    assert report.to_dict()["models"][0]["inputs"] == [[1, expected, 48, 48]]
    assert [axis.r_max for axis in report.layers[-1].output_field] == [r, r]


def test_frames_of_a_signal_are_channels() -> None:
    def framed(x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, 16)).transpose(-1, -2).flatten(1, 2)

    report = rflint.lint(Stem(framed, 16, axes=1), res=480)
    assert report.to_dict()["models"][0]["inputs"] == [[1, 1, 480]]
    assert report.layers[-1].output_field[0].r_max == 48


@pytest.mark.parametrize("colours", [3, 1])
def test_patches_in_front_of_a_linear_layer(colours: int) -> None:
    class Patches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(colours * 64)
            self.embed = nn.Linear(colours * 64, 32)

        def forward(self, x: Tensor) -> Tensor:
            return self.embed(self.norm(blocks(x, 8).flatten(2).transpose(1, 2)))

    report = rflint.lint(Patches, res=48)
    assert report.to_dict()["models"][0]["inputs"] == [[1, colours, 48, 48]]
    assert [axis.r_max for axis in report.layers[-1].output_field] == [8, 8]


def test_where_nothing_fits_the_first_layer_is_named() -> None:
    def refused(x: Tensor) -> Tensor:
        raise ValueError("not like this")

    with pytest.raises(rflint.RflintError, match=r"1x7x48x48.*not like this"):
        rflint.lint(Stem(refused, 7), res=48)


# -- inputs that are found by trying


class Patches(nn.Module):
    """Reads patches, of several frames or one, as features of its first linear layer."""

    def __init__(self, frames: int = 1, together: int = 1, size: int = 32, side: int = 8) -> None:
        super().__init__()
        self.side, self.together = side, together
        self.embed = nn.Linear(3 * together * side**2, 16)
        patches = (frames // together) * (size // side) ** 2
        self.positions = nn.Parameter(torch.zeros(1, patches + 1, 16))
        self.token = nn.Parameter(torch.zeros(1, 1, 16))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        side, together = self.side, self.together
        if clip.dim() == 4:
            clip = clip.unsqueeze(2)
        b, c, t, h, w = clip.shape
        x = clip.view(b, c, t // together, together, h // side, side, w // side, side)
        x = x.permute(0, 2, 4, 6, 3, 5, 7, 1).flatten(4).flatten(1, 3)
        x = torch.cat([self.token.expand(b, -1, -1), self.embed(x)], 1)
        return x + self.positions


class Electrodes(nn.Module):
    """Adds its dimension of channels itself."""

    def __init__(self, electrodes: int = 22) -> None:
        super().__init__()
        self.temporal = nn.Conv2d(1, 4, (1, 9), padding=(0, 4))
        self.spatial = nn.Conv2d(4, 8, (electrodes, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.spatial(self.temporal(x.unsqueeze(1)))
        return out


class Tokens(nn.Module):
    """Looks up words, and mixes features of which no image has as many."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(100, 36)
        self.mix = nn.Linear(36, 36)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.mix(self.words(words))
        return out


def test_a_model_of_tokens_asks_for_tokens() -> None:
    with pytest.raises(RflintError, match="no input size") as raised:
        rflint.lint(Tokens)
    assert 'input="1x128:int64"' in str(raised.value.hint)


@pytest.mark.parametrize(
    ("build", "res", "shape"),
    [
        (Tokens, 16, [1, 16]),
        (Patches, 32, [1, 3, 32, 32]),
        (partial(Patches, frames=12, together=2), 32, [1, 3, 12, 32, 32]),
        (Electrodes, 128, [1, 22, 128]),
    ],
)
def test_sizes_are_found_by_trying(build: Any, res: int, shape: list[int]) -> None:
    model = rflint.lint(build, res=res).models[0]
    assert model.to_dict()["inputs"] == [shape]


def test_what_was_assumed_is_in_the_header() -> None:
    stream = io.StringIO()
    found = rflint.lint(Electrodes, res=128)
    assert found.models[0].assumption == "its shape was found by trying"
    write(found, stream, False)
    assert "Assumed of the input: its shape was found by trying." in stream.getvalue()
    plain = rflint.lint(nn.Conv2d(3, 4, 3), res=8)
    assert plain.models[0].assumption == ""


def test_the_first_error_is_told_where_nothing_fits() -> None:
    """And not that of an attempt which nobody asked for."""
    with pytest.raises(RflintError) as raised:
        rflint.lint(Patches, res=24)
    assert "cannot run on 1x10x16 and 1x17x16" in raised.value.message
    assert "It runs on 1x3x32x32" in raised.value.hint  # and on clips of 8x8, but who asks?


class Samples(nn.Module):
    """A convolution over samples that come without channels."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(1, 4, 8, 4), nn.Conv1d(4, 4, 8, 4), nn.Conv1d(4, 4, 8))

    def forward(self, samples: Tensor) -> Any:
        return self.net(samples.unsqueeze(1))


def test_the_error_is_that_of_the_inputs_with_which_the_model_gets_furthest() -> None:
    with pytest.raises(RflintError) as raised:
        rflint.lint(Samples(), res=100)
    assert "layer net.2 (Conv1d) cannot run on 1x4x5" in raised.value.message
    assert "The input 1x100 is the one of those tried" in raised.value.hint


class Frames(nn.Module):
    """An image network for each frame, and something over the frames."""

    def __init__(self, over_frames: nn.Module) -> None:
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.over_frames = over_frames

    def forward(self, clip: Tensor) -> Any:
        b, t, _, _, _ = clip.shape
        each = self.cnn(clip.flatten(0, 1)).flatten(1).view(b, t, -1)
        if isinstance(self.over_frames, nn.LSTM):
            return self.over_frames(each)[0]
        return self.over_frames(each.transpose(1, 2))


class EightFrames(nn.Module):
    """Volumes with something for each of eight frames."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Conv3d(3, 8, 3, padding=1)
        self.times = nn.Parameter(torch.zeros(1, 8, 8, 1, 1))

    def forward(self, clip: Tensor) -> Any:
        return self.net(clip) + self.times


class Turned(nn.Module):
    """Volumes whose frames come in front of the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Conv3d(3, 8, 3, padding=1)

    def forward(self, clip: Tensor) -> Any:
        return self.net(clip.permute(0, 2, 1, 3, 4))


@pytest.mark.parametrize(
    ("net", "res", "shape"),
    [
        (Frames(nn.Conv1d(16, 8, 3)), 32, [1, 8, 3, 32, 32]),
        (Frames(nn.LSTM(16, 8, batch_first=True)), 32, [1, 8, 3, 32, 32]),
        (Turned(), 32, [1, 8, 3, 32, 32]),
        (EightFrames(), 32, [1, 3, 8, 32, 32]),
    ],
    ids=["frames", "recurrent", "frames first", "so many frames"],
)
def test_clips_of_a_few_frames_are_tried(net: nn.Module, res: Any, shape: list[int]) -> None:
    report = rflint.lint(net, res=res)
    assert report.to_dict()["models"][0]["inputs"] == [shape]
    text = io.StringIO()
    write(report, text, False)
    assert "a clip of 8 frames" in " ".join(text.getvalue().split())


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.LSTM(7, 16, batch_first=True), [1, 400, 7]),
        (nn.GRU(7, 16), [400, 1, 7]),
    ],
    ids=["batch first", "steps first"],
)
def test_a_recurrent_layer_in_front_says_how_many_features_a_step_has(
    net: nn.Module, shape: list[int]
) -> None:
    class Forecast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = net, nn.Linear(16, 1)

        def forward(self, x: Tensor) -> Any:
            return self.out(self.rnn(x)[0])

    assert rflint.lint(Forecast(), res=400).to_dict()["models"][0]["inputs"] == [shape]


class Graph(nn.Module):
    """Sums over the edges of a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(16, 8)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Any:
        x = self.lin(x)
        source, target = edge_index
        x = torch.zeros_like(x).index_add(0, target, x[source])
        return torch.zeros(4, 8).index_add(0, batch, x)


def test_what_graphs_consist_of_is_known_by_its_names() -> None:
    with pytest.raises(RflintError) as raised:
        rflint.lint(Graph(), res=32)
    proposed = ["x=32x16", "edge_index=2x64:int64", "batch=32:int64:B"]
    assert all(text in raised.value.hint for text in proposed)
    assert rflint.lint(Graph(), input=proposed).to_dict()["models"][0]["complete"]
