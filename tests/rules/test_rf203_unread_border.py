"""Ends of maps that no window reaches: against NaNs, and against linting every other size."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.analysis.proofs.fitting_sizes import sizes_that_may_fit
from rflint.analysis.proofs.unread_ends import unread_ends
from rflint.errors import RflintError
from rflint.graph.layer import INPUT
from tests.helpers.layers import AVG_POOL, CONV, MAX_POOL, per_axis
from tests.helpers.modules import Lambda
from tests.helpers.positions import C, maps, positions_of, reaching, traced
from tests.helpers.random_chains import runs_on
from zoo.torchvision_import import import_torchvision


def said(model: Any, res: Any) -> dict[str, str]:
    """What RF203 says, by layer."""
    (report,) = rflint.lint(model, res=res, select=["RF203"]).models
    return {found.layer: found.message for found in report.findings}


def suggested(message: str) -> list[tuple[int, ...]]:
    cure = re.search(r"; inputs of (.*) leave nothing out$", message)
    sizes = cure[1].split(" or ") if cure else []
    return [tuple(map(int, size.split("x"))) for size in sizes]


def patches(axes: int = 2, patch: int = 4) -> nn.Module:
    return nn.Sequential(CONV[axes](3, C, patch, patch), nn.ReLU(), CONV[axes](C, C, 3, padding=1))


def vgg(*, ceil: bool = False, pools: int = 4) -> nn.Module:
    stages: list[nn.Module] = []
    for stage in range(pools):
        stages += [nn.Conv2d(C if stage else 3, C, 3, padding=1), nn.ReLU()]
        stages.append(nn.MaxPool2d(2, ceil_mode=ceil))
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, 2))


class Normalised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = patches()

    def forward(self, x: Tensor) -> Tensor:
        return self.body((x - 0.5) / 0.2)


# -- what is said


def test_patches_of_4_at_30_pixels() -> None:
    assert said(patches(), 30) == {
        "0": "the last 2 rows and the last 2 columns of the 30x30 input never influence the output"
        "; inputs of 28x28 or 32x32 leave nothing out"
    }


def test_axes_count_each_for_itself() -> None:
    assert said(patches(), (30, 28)) == {
        "0": "the last 2 rows of the 30x28 input never influence the output"
        "; inputs of 28x28 or 32x28 leave nothing out"
    }


def test_frames_and_positions_have_their_names() -> None:
    (message,) = said(nn.Sequential(nn.Conv3d(3, C, (4, 2, 2), (4, 2, 2))), (10, 8, 9)).values()
    assert message.startswith("the last 2 frames and the last column of the 10x8x9 input never")
    (message,) = said(patches(1), 31).values()
    assert message.startswith("the last 3 positions of the 31 input never influence the output")


def test_a_map_inside_a_vgg_at_100_pixels() -> None:
    """100, 50, 25: the third pooling leaves a row and a column."""
    assert said(vgg(), 100) == {
        "8": "its windows end before the last row and the last column of the 25x25 map that 7 "
        "makes: computed and never read; inputs of 96x96 or 112x112 leave nothing out"
    }


def test_with_ceil_mode_nothing_is_left_out() -> None:
    assert said(vgg(ceil=True), 100) == {}


def test_what_is_done_to_the_input_first_is_not_told_twice() -> None:
    assert list(said(Normalised(), 30)) == ["body.0"]


def test_what_a_stride_jumps_over_is_no_end() -> None:
    """A 1x1 convolution with stride 2 leaves the last row of an even map, as every second one."""
    model = nn.Sequential(nn.Conv2d(3, C, 3, padding=1), nn.Conv2d(C, C, 1, 2))
    assert said(model, 16) == {}


def test_what_a_crop_leaves_out_is_no_end() -> None:
    crop = Lambda(lambda x: x[..., :-3])
    assert said(nn.Sequential(nn.Conv2d(3, C, 1), crop, nn.Conv2d(C, C, 2, 2)), (16, 19)) == {}


def test_no_size_is_named_that_the_model_cannot_take() -> None:
    """A linear layer behind a flatten, and an embedding of positions, want one size."""

    class Embedded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, C, 4, 4)
            self.positions = nn.Parameter(torch.zeros(1, C, 7, 7))

        def forward(self, x: Tensor) -> Tensor:
            return self.patches(x) + self.positions

    flat = nn.Sequential(nn.Conv2d(3, C, 2, 2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(49 * C, 2))
    for model in (flat, Embedded()):
        (message,) = {x.split(";")[-1] for x in said(model, 30).values()}
        assert message == " inputs of 28x28 leave nothing out"


def test_nothing_is_promised_where_sizes_behind_are_not_known() -> None:
    def resized(x: Tensor) -> Tensor:
        return F.interpolate(x, (x.shape[2] * 2 - 1, x.shape[3] * 2 - 1))

    model = nn.Sequential(nn.Conv2d(3, C, 4, 4), Lambda(resized), nn.Conv2d(C, C, 3, 2))
    (message,) = said(model, 30).values()
    assert suggested(message) == []


class Of(nn.Module):
    """Patches of 4 pixels, and a map of another size behind them."""

    def __init__(self, resizes: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.patches, self.resizes = nn.Conv2d(3, C, 4, 4), resizes

    def forward(self, x: Tensor) -> Tensor:
        return self.resizes(self.patches(x))


class Token(nn.Module):
    """Only a class token is read in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv1d(3, 8, 16, 10)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.mix = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).transpose(1, 2)
        return self.mix(torch.cat([self.token.expand(len(x), -1, -1), x], 1))[:, 0]


RESIZED: dict[str, Callable[[Tensor], Tensor]] = {
    "pooled to a size": lambda x: F.adaptive_avg_pool2d(x, 7),
    "pooled to more than there is": lambda x: F.adaptive_avg_pool2d(x, 9),
    "resized": lambda x: F.interpolate(x, size=(20, 20), mode="bilinear"),
}


@pytest.mark.parametrize("name", RESIZED)
def test_maps_of_a_given_size_behind_do_not_matter(name: str) -> None:
    (message,) = said(Of(RESIZED[name]), 30).values()
    assert suggested(message) == [(28, 28), (32, 32)]


def written_into(x: Tensor) -> Tensor:
    canvas = x.new_zeros(x.shape[0], x.shape[1], 9, 9)
    canvas[:, :, : x.shape[2], : x.shape[3]] = x
    return canvas


def test_sizes_that_are_not_certain_are_not_named() -> None:
    """What is written into a canvas, and what a token has seen, is not followed exactly."""
    report = rflint.lint(Token, input=(1, 3, 1004), select=["RF203"])
    (found,) = report.findings
    assert not report.failures
    assert found.message.startswith("the last 8 positions of the 1004 input never influence")
    (message,) = said(Of(written_into), 30).values()
    assert suggested(message) == []


def test_windows_that_unfold_count() -> None:
    """A step larger than the window leaves something at every size; blocks do not."""

    class Unfolds(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            x = F.max_pool2d(F.interpolate(x, scale_factor=1.5), 2, 2)
            return x.unfold(3, 2, 3).amax(-1).mean((2, 3))

    report = rflint.lint(Unfolds(), input=(1, 3, 6, 10), select=["RF203"])
    assert {found.layer for found in report.findings} == {"max_pool2d", "unfold"}
    assert all(suggested(found.message) == [] for found in report.findings)
    blocks = Lambda(lambda x: x.unfold(2, 4, 4).unfold(3, 4, 4).flatten(4).mean(-1))
    for message in said(nn.Sequential(nn.Conv2d(3, C, 1), blocks), 30).values():
        assert suggested(message) == [(28, 28), (32, 32)]
    columns = nn.Sequential(nn.Conv2d(3, C, 1), nn.Unfold(4, stride=4))
    for message in said(columns, (30, 28)).values():
        assert suggested(message) == [(28, 28), (32, 28)]


def test_samples_behind_the_last_frame_of_a_spectrogram() -> None:
    """Made inside of the model: of the two axes of the spectrogram, the input has one."""

    class Spectrogram(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, C, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            window = torch.hann_window(16)
            frames = torch.stft(x[:, 0], 16, 4, window=window, center=False, return_complex=True)
            return self.conv(frames.abs()[:, None])

    (found,) = rflint.lint(Spectrogram(), input=(1, 1, 66), select=["RF203"]).findings
    assert found.message.startswith(
        "the last 2 positions of the 66 input never influence the output"
    )


def test_the_model_has_to_run_at_the_sizes_named() -> None:
    class Refuses(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = patches()

        def forward(self, x: Tensor) -> Tensor:
            if x.shape[2] == 28:
                raise ValueError("not this one")
            return self.body(x)

    (message,) = said(Refuses(), 30).values()
    assert suggested(message) == [(24, 24), (32, 32)]


def test_statistics_of_a_batch_read_the_ends_in_training() -> None:
    """Of the input; of the normalised map, which pooling reads, they do not."""
    norm = nn.Sequential(nn.Conv2d(3, C, 1), nn.BatchNorm2d(C), nn.Conv2d(C, C, 4, 4))
    (message,) = said(norm, 30).values()
    assert message.startswith("in evaluation, the last 2 rows")
    pooled = nn.Sequential(nn.Conv2d(3, C, 3, padding=1), nn.BatchNorm2d(C), nn.MaxPool2d(2))
    (inside,) = [x for x in said(pooled, 31).values() if "windows" in x]
    assert inside.startswith("its windows end before the last row and the last column")


# -- against the running network


@st.composite
def plain(draw: st.DrawFn, axes: int) -> nn.Module:
    """Convolutions and pooling, whose windows overlap or adjoin: none jumps over anything."""
    modules: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 4))):
        kernel = draw(per_axis(axes, st.integers(1, 4)))
        stride = tuple(draw(st.integers(1, k)) for k in kernel)
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        kind = draw(st.sampled_from(["conv", "max", "avg"]))
        if kind == "conv":
            modules.append(CONV[axes](C, C, kernel, stride, padding))
        else:
            pool = MAX_POOL if kind == "max" else AVG_POOL
            modules.append(pool[axes](kernel, stride, padding, ceil_mode=draw(st.booleans())))
    return nn.Sequential(*modules)


def ends_shown(
    model: nn.Module, size: tuple[int, ...], name: str, of: tuple[int, ...]
) -> list[int]:
    """Per axis, how many of the last positions a NaN at which reaches no output."""
    image = torch.rand(1, C, *size, dtype=torch.double)
    read = reaching(model, image, name, positions_of(of))
    return [n - 1 - max(x[axis] for x in read) for axis, n in enumerate(of)]


@pytest.mark.parametrize("axes", [1, 2])
def test_ends_are_unread_and_the_rest_is_not(axes: int) -> None:
    """Of the input, by any output; of maps inside, by the next layer."""

    @settings(max_examples={1: 40, 2: 15}[axes], deadline=None)
    @given(plain(axes), per_axis(axes, st.integers(6, {1: 24, 2: 12}[axes])))
    def check(model: nn.Module, size: tuple[int, ...]) -> None:
        assume(runs_on(model, size))
        architecture = traced(model, size)
        found = [unread_ends(architecture, axis) for axis in range(axes)]
        for index, name, sizes in maps(architecture):
            told = [along.get(index, 0) for along in found]
            if index == INPUT:
                # where the first layer has no stride, a later one leaves the ends
                assert told == ends_shown(model, size, name, sizes)
            else:
                behind = model[int(name) + 1 : int(name) + 2]
                if not len(behind):
                    assert told == [0] * axes
                    continue
                assert told == ends_shown(behind, sizes, "", sizes)

    check()


@pytest.mark.parametrize("axes", [1, 2])
def test_sizes_that_are_tried_are_the_next_that_leave_nothing(axes: int) -> None:
    """Held against linting every size between half and twice as much."""

    @settings(max_examples={1: 15, 2: 6}[axes], deadline=None)
    @given(plain(axes), st.integers(8, 16))
    def check(model: nn.Module, side: int) -> None:
        size = (side,) * axes
        assume(runs_on(model, size))
        architecture = traced(model, size)
        # one that covers its map may end the network, and is then taken to need its size
        assume(not any(layer.covers_map for layer in architecture.layers))
        for axis in range(axes):
            if not unread_ends(architecture, axis):
                continue
            free = [
                n
                for n in range(side // 2 + 1, 2 * side)
                if leaves_nothing(model, (*size[:axis], n, *size[axis + 1 :]), axis)
            ]
            smaller = [n for n in reversed(free) if n < side][:3]
            larger = [n for n in free if n > side][:3]
            assert sizes_that_may_fit(architecture, axis) == (smaller, larger)

    check()


def leaves_nothing(model: nn.Module, size: tuple[int, ...], axis: int) -> bool:
    try:
        return not unread_ends(traced(model, size), axis, count_jumps=True)
    except RflintError:
        return False  # too small for some window


MODELS: dict[str, tuple[Callable[..., nn.Module], Any]] = {
    "patches": (patches, 30),
    "patches, uneven": (patches, (30, 45)),
    "vgg": (vgg, 52),
    "vgg, uneven": (vgg, (52, 75)),
    "normalised": (Normalised, 30),
}


@pytest.mark.parametrize("name", MODELS)
def test_at_the_sizes_named_nothing_is_found(name: str) -> None:
    build, res = MODELS[name]
    (sizes,) = {tuple(suggested(message)) for message in said(build(), res).values()}
    assert len(sizes) == 2
    assert all(said(build(), size) == {} for size in sizes)


# -- networks of others


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet50", 224),
        ("vgg16", 224),
        ("densenet121", 224),
        ("convnext_tiny", 224),
        ("inception_v3", 299),
    ],
)
def test_networks_at_their_own_size_leave_nothing(name: str, size: int) -> None:
    options = {"init_weights": False} if name == "inception_v3" else {}
    assert said(lambda: getattr(import_torchvision().models, name)(**options), size) == {}


def test_efficientnet_at_its_own_size_leaves_nothing() -> None:
    import_torchvision()
    timm = pytest.importorskip("timm")
    assert said(lambda: timm.create_model("efficientnet_b0"), 224) == {}
