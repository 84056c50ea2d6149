"""RF403 where branches have different steps: places measured position by position.

The oracle is the running network in double precision. Its kernels have ones at their centre and
zeros elsewhere, so that padding bends nothing, and its poolings take means: the gradient of an
output then has its centre of mass where the unit looks, at every position of the map. How far two
branches are apart is the difference of these centres, and the step is the distance of the centres
of neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint
from rflint.analysis.analyse import analyse
from rflint.analysis.proofs.drift import Drift, drifts
from rflint.linting.finding import Finding
from rflint.tracing.trace import trace
from zoo.torchvision_import import import_torchvision

# -- the oracle


def centred(model: nn.Module) -> nn.Module:
    """One or two ones in the middle of every kernel."""
    for module in model.modules():
        if isinstance(module, nn.Conv1d):
            size = module.kernel_size[0]
            nn.init.zeros_(module.weight)
            middle = slice((size - 1) // 2, size // 2 + 1)
            nn.init.constant_(module.weight[:, :, middle].data, 1 / (2 - size % 2))
    return model.double()


def centres(branch: Callable[[Tensor], Tensor], length: int) -> list[float]:
    """Where every position of a branch looks."""
    image = torch.ones(1, 1, length, dtype=torch.double, requires_grad=True)
    out = branch(image)[0, 0]
    found = []
    for position in out:
        (gradient,) = torch.autograd.grad(position, image, retain_graph=True)
        weights = gradient[0, 0]
        found.append(float((weights * torch.arange(length)).sum() / weights.sum()))
    return found


# -- networks


def conv(kernel: int, stride: int) -> nn.Module:
    return nn.Conv1d(1, 1, kernel, stride, (kernel - 1) // 2, bias=False)


class Resized(nn.Module):
    """A coarse branch beside a fine one, resized to its size, or by a factor and cropped."""

    def __init__(self, fine: nn.Module, coarse: nn.Module, factor: int = 0, **how: object) -> None:
        super().__init__()
        self.fine, self.coarse, self.factor, self.how = fine, coarse, factor, how

    def branches(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(x)
        coarse = self.coarse(fine)
        if not self.factor:
            return fine, F.interpolate(coarse, size=fine.shape[2:], **self.how)
        larger = F.interpolate(coarse, scale_factor=self.factor, **self.how)
        return fine, larger[:, :, : fine.shape[2]]

    def forward(self, x: Tensor) -> Tensor:
        fine, coarse = self.branches(x)
        return fine + coarse


def found_in(model: nn.Module, *size: int, channels: int = 1) -> list[Drift]:
    image = torch.empty(1, channels, *size, device="meta")
    return list(drifts(analyse(trace(model, [image])).architecture))


def exceeding(model: nn.Module, *size: int, channels: int = 1) -> list[Drift]:
    found = found_in(model, *size, channels=channels)
    return [x for x in found if x.exceeds(Fraction(3, 2))]


def findings(model: nn.Module, res: int | tuple[int, ...], **options: object) -> list[Finding]:
    report = rflint.lint(model, res=res, select="RF403", **options)
    return [x for x in report.findings if "steps differ" in x.message]


ints = st.integers
HALVING = st.one_of(
    st.builds(conv, ints(1, 5), st.just(2)),
    st.just(nn.AvgPool1d(2)),
    st.just(nn.AvgPool1d(3)),
)
LINEAR = [
    {"mode": "linear", "align_corners": False},
    {"mode": "linear", "align_corners": True},
]


@settings(max_examples=80, deadline=None)
@given(st.data(), ints(90, 200), st.sampled_from(LINEAR), st.booleans())
def test_steps_and_distances_are_those_of_the_running_network(
    data: st.DataObject, length: int, how: dict[str, object], by_factor: bool
) -> None:
    stages = data.draw(st.lists(HALVING, min_size=1, max_size=3))
    fine = nn.Sequential(conv(3, 1), *data.draw(st.lists(HALVING, max_size=1)))
    coarse = nn.Sequential(*stages)
    out = coarse(fine(torch.empty(1, 1, length))).shape[2]
    size = fine(torch.empty(1, 1, length)).shape[2]
    factor = -(-size // out) if by_factor and out > 1 else 0
    model = centred(Resized(fine, coarse, factor, **how))
    measured = [centres(lambda x, at=at: model.branches(x)[at], length) for at in (0, 1)]
    found = found_in(model, length)
    if not found:
        steps = [(c[size // 2 + 1] - c[size // 2 - 1]) / 2 for c in measured]
        alike = steps[0] == pytest.approx(steps[1]) or size <= 3
        assert alike or out == 1 or max(steps) >= 2 * min(steps) - 1e-9
        return
    (drift,) = found
    first, last = drift.compared
    for step, there in zip(drift.steps, measured, strict=True):
        assert (there[last] - there[first]) / (last - first) == pytest.approx(float(step))
    apart = [abs(a - b) for a, b in zip(*measured, strict=True)]
    assert [apart[first], apart[last]] == pytest.approx(list(map(float, drift.apart)))
    assert float(drift.pixels) == pytest.approx(max(apart[first : last + 1]))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area"])
def test_copies_of_the_nearest_position_drift_as_those_between_do(mode: str) -> None:
    """On average over the copies of a position: each looks up to half of its step elsewhere."""
    model = centred(
        Resized(conv(3, 4), nn.Sequential(conv(3, 2), conv(3, 2), conv(3, 2)), mode=mode)
    )
    (drift,) = found_in(model, 260)
    assert drift.steps == (4, Fraction(32 * 9, 65))
    fine, coarse = (centres(lambda x, at=at: model.branches(x)[at], 260) for at in (0, 1))
    slope = torch.linalg.lstsq(
        torch.stack([torch.arange(65.0), torch.ones(65)], 1), torch.tensor(coarse)[:, None]
    ).solution[0]
    assert float(slope) == pytest.approx(float(drift.steps[1]), rel=0.02)
    first, last = drift.compared
    for at, apart in zip((first, last), drift.apart, strict=True):
        assert abs(coarse[at] - fine[at]) == pytest.approx(float(apart), abs=16)


def encoder(down: Callable[[], nn.Module], times: int) -> nn.Module:
    return nn.Sequential(*(down() for _ in range(times)))


def strided() -> nn.Module:
    return nn.Conv2d(3, 3, 3, stride=2, padding=1)


def pooled() -> nn.Module:
    return nn.MaxPool2d(2)


def decoder(down: Callable[[], nn.Module], **how: object) -> nn.Module:
    """Steps of 4 and of 32 pixels."""
    return Resized(encoder(down, 2), encoder(down, 3), **how)


def test_9_positions_stretched_to_65_are_aligned_in_the_middle_only() -> None:
    (finding,) = findings(decoder(strided, mode="bilinear"), 260)
    assert "go on by 4 and 4.431 input pixels" in finding.message
    assert "towards the border of a 260x260 input they are 12.1 input pixels apart" in (
        finding.message
    )
    assert "(2.72 positions of the merged map)" in finding.message
    for drift in found_in(decoder(strided, mode="bilinear"), 260, 260, channels=3):
        first, last = drift.apart
        assert first == last  # so they meet half-way


def test_only_the_axis_that_does_not_fit_is_named() -> None:
    (finding,) = findings(decoder(pooled, mode="bilinear", align_corners=False), (280, 320))
    assert "apart along height" in finding.message


# -- remedies, each of which is measured


def measured_apart(model: Resized, length: int) -> float:
    """At most, in positions of the merged map, over those that do not read an end."""
    fine, coarse = (centres(lambda x, at=at: model.branches(x)[at], length) for at in (0, 1))
    inside = [i for i, c in enumerate(coarse) if min(coarse) < c < max(coarse)]
    return max(abs(fine[i] - coarse[i]) for i in inside) / (fine[1] - fine[0])


def as_sequence(down: str, **how: object) -> Resized:
    """The same as `decoder`, with one axis and known centres."""
    made = {"strided": lambda: conv(3, 2), "pooled": lambda: nn.AvgPool1d(2)}[down]
    model = Resized(encoder(made, 2), encoder(made, 3), **how)
    centred(model)
    return model


@pytest.mark.parametrize(
    ("down", "corners", "length", "remedy"),
    [
        ("strided", False, 260, "with align_corners=True they agree"),
        ("pooled", True, 256, "with align_corners=False they agree"),
        ("pooled", False, 280, "at 256 or 288 they agree: crop or pad the input"),
        ("strided", True, 256, "at 225 or 257 they agree: crop or pad the input"),
    ],
)
def test_remedies_bring_them_together(down: str, corners: bool, length: int, remedy: str) -> None:
    how = {"mode": "linear", "align_corners": corners}
    report = rflint.lint(as_sequence(down, **how), input=(1, 1, length), select="RF403")
    (finding,) = report.findings
    assert finding.message.endswith(f"; {remedy}")
    assert measured_apart(as_sequence(down, **how), length) > 1
    if "align_corners" in remedy:
        how["align_corners"] = not corners
        assert measured_apart(as_sequence(down, **how), length) < 1e-9
    for size in re.findall(r"\d+", remedy):
        assert measured_apart(as_sequence(down, **how), int(size)) < 1e-9


def test_where_no_remedy_is_known_none_is_named() -> None:
    """Corners are aligned of what was pooled, and the size does not fit either."""
    (finding,) = findings(decoder(pooled, mode="bilinear", align_corners=True), 260)
    assert finding.message.endswith("positions of the merged map)")


# -- what is silent


class UNet(nn.Module):
    """Four levels, each of which is resized to its skip connection."""

    def __init__(self, down: Callable[[], nn.Module], **how: object) -> None:
        super().__init__()
        self.downs = nn.ModuleList(down() for _ in range(4))
        self.ups = nn.ModuleList(nn.Conv2d(6, 3, 3, padding=1) for _ in range(4))
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        skips = [x]
        for down in self.downs:
            skips.append(down(skips[-1]))
        y = skips.pop()
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            y = up(torch.cat([F.interpolate(y, size=skip.shape[2:], **self.how), skip], 1))
        return y


HOWS = [
    {},
    {"mode": "bilinear"},
    {"mode": "bilinear", "align_corners": True},
    {"mode": "nearest-exact"},
    {"mode": "bicubic"},
]


@settings(max_examples=25, deadline=None)
@given(ints(48, 300), st.sampled_from([strided, pooled]), st.sampled_from(HOWS))
def test_a_unet_that_is_resized_level_by_level_is_silent_at_all_sizes(
    size: int, down: Callable[[], nn.Module], how: dict[str, object]
) -> None:
    assert exceeding(UNet(down, **how), size, size, channels=3) == []


@pytest.mark.parametrize("size", [256, 320])
@pytest.mark.parametrize("how", [{}, {"mode": "bilinear"}, {"mode": "nearest-exact"}])
def test_sizes_that_fit_are_silent(size: int, how: dict[str, object]) -> None:
    for down in (strided, pooled):
        assert found_in(decoder(down, **how), size, size, channels=3) == []


class Context(nn.Module):
    """A branch that gathers context of the map that it is joined to."""

    def __init__(self, gather: nn.Module, size: int, merge: str = "cat") -> None:
        super().__init__()
        self.front = nn.Sequential(strided(), strided())
        self.gather, self.merge = gather, merge

    def forward(self, x: Tensor) -> Tensor:
        x = self.front(x)
        y = F.interpolate(self.gather(x), size=x.shape[2:], mode="bilinear", align_corners=True)
        if self.merge == "gate":
            return x * y.sigmoid()
        return torch.cat([x, y], 1) if self.merge == "cat" else x + y


class GlobalMean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True)


class SelfAttention(nn.Module):
    """Non-local: every position reads every other, on a coarser map."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(x, 2)
        tokens = x.flatten(2)
        weights = (tokens.transpose(1, 2) @ tokens).softmax(-1)
        return (tokens @ weights).view(x.shape)


@pytest.mark.parametrize(
    "gather",
    [
        *(nn.AdaptiveAvgPool2d(bins) for bins in (1, 2, 3, 6)),
        *(nn.AvgPool2d(60 // bins) for bins in (1, 2, 3, 6)),
        nn.AdaptiveMaxPool2d(2),
        GlobalMean(),
        SelfAttention(),
    ],
    ids=str,
)
@pytest.mark.parametrize("merge", ["cat", "add", "gate"])
def test_context_has_no_place(gather: nn.Module, merge: str) -> None:
    assert exceeding(Context(gather, 60, merge), 240, 240, channels=3) == []


def test_a_crop_that_zooms_is_another_view() -> None:
    class Glimpses(nn.Module):
        """The middle of the image as it is, beside all of it at half the size."""

        def forward(self, x: Tensor) -> Tensor:
            quarter = x.shape[2] // 4
            middle = x[:, :, quarter:-quarter, quarter:-quarter]
            return torch.cat([middle, F.interpolate(x, scale_factor=0.5, mode="bilinear")], 1)

    assert exceeding(Glimpses(), 64, 64, channels=3) == []


def test_a_second_input_has_a_grid_of_its_own() -> None:
    class Fused(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + F.interpolate(y, size=x.shape[2:], mode="bilinear", align_corners=True)

    images = [torch.empty(1, 3, n, n, device="meta") for n in (64, 17)]
    assert drifts(analyse(trace(Fused(), images)).architecture) == ()


def test_what_was_reported_once_is_not_reported_again() -> None:
    """A residual block and a head that reads both branches, behind the merge."""

    class Behind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.merge = decoder(strided, mode="bilinear")
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.merge(x)
            return y + self.conv(y)

    assert len(findings(Behind(), 260)) == 1


@pytest.mark.parametrize(("drift", "reported"), [(2.7, True), (2.8, False)])
def test_the_setting_says_from_when_on(drift: float, reported: bool) -> None:
    given = {"RF403": {"drift": drift}}
    model = decoder(strided, mode="bilinear")
    assert bool(findings(model, 260, settings=given)) == reported


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize("corners", [False, True])
def test_both_tracers_see_how_corners_are_aligned(tracer: str, corners: bool) -> None:
    model = decoder(strided, mode="bilinear", align_corners=corners)
    assert bool(findings(model, 260, tracer=tracer)) is not corners


@pytest.mark.parametrize(
    ("name", "size"),
    [("deeplabv3_resnet50", 520), ("fcn_resnet50", 520), ("lraspp_mobilenet_v3_large", 520)],
)
def test_segmentation_networks_do_not_drift_at_their_size(name: str, size: int) -> None:
    build = getattr(import_torchvision().models.segmentation, name)
    model = build(weights=None, weights_backbone=None)
    assert exceeding(model.eval(), size, size, channels=3) == []


def test_high_resolution_networks_do_not_drift_at_their_size() -> None:
    import_torchvision()  # timm imports it
    timm = pytest.importorskip("timm")
    model = timm.create_model("hrnet_w18_small").eval()
    assert found_in(model, 224, 224, channels=3) == []


def test_a_pyramid_that_is_gone_through_again_and_again_has_too_many_steps_to_tell() -> None:
    """As EfficientDet does; each time round at an odd size makes steps of its own."""

    class Pyramid(nn.Module):
        def __init__(self, rounds: int) -> None:
            super().__init__()
            self.levels = nn.ModuleList(strided() for _ in range(7))
            self.rounds = rounds

        def forward(self, x: Tensor) -> list[Tensor]:
            maps = []
            for level in self.levels:
                x = level(x)
                maps.append(x)
            maps = maps[2:]
            for _ in range(self.rounds):
                down = [maps[-1]]
                for finer in reversed(maps[:-1]):
                    down.append(finer + F.interpolate(down[-1], size=finer.shape[2:]))
                down.reverse()
                up = [down[0]]
                for coarser, lateral in zip(down[1:], maps[1:], strict=True):
                    up.append(coarser + lateral + F.max_pool2d(up[-1], 3, 2, 1))
                maps = up
            return maps

    assert found_in(Pyramid(1), 613, 777, channels=3)
    for rounds in (1, 2, 7):
        assert exceeding(Pyramid(rounds), 613, 777, channels=3) == []
