"""Which dimensions of a model's inputs are axes: those that its convolutions slide over.

Every model here is held against the same convolutions on an input of the usual layout, (batch,
channels, *spatial): what they see, and what is said of them, has to be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.analysis.analysis import Analysis
from tests.helpers.axes import Before, Shape, analysis, judged, stack


def findings(model: nn.Module, shape: Shape) -> list[tuple[str, str]]:
    """Code and message of every finding."""
    return [(x.code, x.message) for x in rflint.lint(model, input=shape).findings]


ALIKE: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[], nn.Module], Shape, Shape, str]] = {
    "waveforms": (lambda x: x.unsqueeze(1), lambda: stack(nn.Conv1d, 1), (1, 60), (1, 1, 60), "BT"),
    "sequences of features": (
        lambda x: x.transpose(1, 2),
        lambda: stack(nn.Conv1d, 7),
        (1, 60, 7),
        (1, 7, 60),
        "BTC",
    ),
    "time first": (
        lambda x: x.permute(1, 2, 0),
        lambda: stack(nn.Conv1d, 7),
        (60, 1, 7),
        (1, 7, 60),
        "TBC",
    ),
    "grey images": (
        lambda x: x[:, None],
        lambda: stack(nn.Conv2d, 1),
        (1, 40, 24),
        (1, 1, 40, 24),
        "BHW",
    ),
    "grey images in three channels": (
        lambda x: x.unsqueeze(1).repeat(1, 3, 1, 1),
        lambda: stack(nn.Conv2d, 3),
        (1, 40, 24),
        (1, 3, 40, 24),
        "BHW",
    ),
    "grey images, expanded": (
        lambda x: x[:, None].expand(-1, 3, -1, -1),
        lambda: stack(nn.Conv2d, 3),
        (1, 40, 24),
        (1, 3, 40, 24),
        "BHW",
    ),
    "channels last": (
        lambda x: x.permute(0, 3, 1, 2),
        lambda: stack(nn.Conv2d, 3),
        (1, 40, 24, 3),
        (1, 3, 40, 24),
        "BHWC",
    ),
    "volumes, channels last": (
        lambda x: x.movedim(-1, 1),
        lambda: stack(nn.Conv3d, 2),
        (1, 8, 12, 16, 2),
        (1, 2, 8, 12, 16),
        "BTHWC",
    ),
    "frames one by one": (
        lambda x: x.flatten(0, 1),
        lambda: stack(nn.Conv2d, 3),
        (1, 5, 3, 40, 24),
        (5, 3, 40, 24),
        "BTCHW",
    ),
    "frames in a view": (
        lambda x: x.view(-1, *x.shape[2:]),
        lambda: stack(nn.Conv2d, 3),
        (2, 5, 3, 40, 24),
        (10, 3, 40, 24),
        "BTCHW",
    ),
    "frames in the channels": (
        lambda x: x.flatten(1, 2),
        lambda: stack(nn.Conv2d, 15),
        (1, 5, 3, 40, 24),
        (1, 15, 40, 24),
        "BTCHW",
    ),
    "frames, channels last": (
        lambda x: x.flatten(0, 1).permute(0, 3, 1, 2),
        lambda: stack(nn.Conv2d, 3),
        (1, 5, 40, 24, 3),
        (5, 3, 40, 24),
        "BTHWC",
    ),
    "clips": (
        lambda x: x.transpose(1, 2),
        lambda: stack(nn.Conv3d, 3),
        (1, 8, 3, 40, 24),
        (1, 3, 8, 40, 24),
        "BTCHW",
    ),
    "electrodes": (
        lambda x: x.unsqueeze(1),
        lambda: stack(nn.Conv2d, 1),
        (1, 22, 90),
        (1, 1, 22, 90),
        "BHW",
    ),
    "a hyperspectral cube": (
        lambda x: x.unsqueeze(1),
        lambda: stack(nn.Conv3d, 1),
        (1, 30, 9, 12),
        (1, 1, 30, 9, 12),
        "BTHW",
    ),
    "an image without a batch": (
        lambda x: x[None, None],
        lambda: stack(nn.Conv2d, 1),
        (40, 24),
        (1, 1, 40, 24),
        "HW",
    ),
    "the usual": (
        lambda x: x * 2,
        lambda: stack(nn.Conv2d, 3),
        (1, 3, 40, 24),
        (1, 3, 40, 24),
        "BCHW",
    ),
}


@pytest.mark.parametrize("name", ALIKE)
def test_convolutions_are_judged_along_what_they_slide_over(name: str) -> None:
    """Wherever that lies in the input."""
    prepare, convs, shape, usual, letters = ALIKE[name]
    found = analysis(Before(prepare, convs()), shape)
    same = analysis(Before(lambda x: x, convs()), usual)
    assert judged(found) == judged(same)
    assert found.architecture.resolution == same.architecture.resolution
    assert found.architecture.layouts == (letters,)
    assert found.feasible_min == same.feasible_min
    assert found.totals.convs > 0
    assert findings(Before(prepare, convs()), shape) == findings(
        Before(lambda x: x, convs()), usual
    )


def test_the_report_says_what_was_assumed() -> None:
    report = rflint.lint(Before(lambda x: x.transpose(1, 2), stack(nn.Conv1d, 7)), input=(1, 60, 7))
    (model,) = report.to_dict()["models"]
    assert model["inputs_layout"] == ["BTC"]
    assert model["resolution"] == [60]


# -- axes that begin inside of the model


class Spectrograms(nn.Module):
    """A network on spectrograms, which it makes itself or is given."""

    def __init__(self, *, inside: bool, mel: int = 0) -> None:
        super().__init__()
        self.inside = inside
        self.convs = stack(nn.Conv2d, 1)
        self.register_buffer("window", torch.ones(64))
        self.register_buffer("bank", torch.ones(mel, 33) if mel else None)

    def forward(self, x: Tensor) -> Tensor:
        if self.inside:
            x = torch.stft(x, 64, 16, window=self.window, return_complex=True).abs()
            if self.bank is not None:
                x = torch.matmul(self.bank, x)
        out: Tensor = self.convs(x.unsqueeze(1))
        return out.mean((2, 3))


@pytest.mark.parametrize("mel", [0, 20])
def test_a_spectrum_made_inside_is_an_axis(mel: int) -> None:
    """Along it, convolutions see what they see of the same spectrogram as an input."""
    bins = mel or 33
    inside = analysis(Spectrograms(inside=True, mel=mel), (1, 800))
    outside = analysis(Spectrograms(inside=False), (1, bins, 51))
    assert inside.architecture.resolution == (bins, 800)
    assert [r[0] for _, r, *_ in judged(inside)] == [r[0] for _, r, *_ in judged(outside)]
    assert inside.unproductive == ()


def test_filters_become_an_axis_where_convolutions_slide_over_them() -> None:
    """A filter bank whose outputs lie side by side, as a map of one channel."""

    class RawWave(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bank = nn.Conv1d(1, 40, 16, 8)
            self.convs = stack(nn.Conv2d, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.convs(self.bank(x).unsqueeze(1))
            return out

    found = analysis(RawWave(), (1, 1, 600))
    same = analysis(stack(nn.Conv2d, 1), (1, 1, 40, 74))
    assert found.architecture.resolution == (40, 600)
    assert [r[0] for _, r, *_ in judged(found)[1:]] == [r[0] for _, r, *_ in judged(same)]
    bank = next(x for x in found.layers if x.layer.name == "bank")
    assert bank.verdict.value == "productive"
    assert [x.axis for x in bank.compared_axes] == [1]


def test_channels_that_a_gate_slides_over_stay_channels() -> None:
    """ECA and triplet attention convolve over channels; to the trunk these are no axis."""

    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.over_channels = nn.Conv1d(1, 1, 3, padding=1)
            self.over_rows = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            eca = self.over_channels(x.mean((2, 3))[:, None]).transpose(1, 2)[..., None]
            rows = self.over_rows(x.permute(0, 2, 1, 3).mean(1, keepdim=True)).permute(0, 2, 1, 3)
            return x * eca.sigmoid() * rows.sigmoid()

    trunk = [nn.Conv2d(3, 4, 3, 2, 1), Gate(), nn.Conv2d(4, 4, 3, 2, 1)]
    found = analysis(nn.Sequential(*trunk), (1, 3, 16, 16))
    assert found.architecture.resolution == (16, 16)
    assert found.architecture.layouts == ("BCHW",)


@pytest.mark.parametrize(
    "narrow",
    [
        lambda x: x.squeeze(2),
        lambda x: x[:, :, 0],
        lambda x: x.flatten(2),
        lambda x: x.view(1, 4, -1),
        lambda x: x.permute(0, 3, 1, 2).squeeze(-1).transpose(1, 2),
    ],
)
def test_an_axis_of_one_position_does_not_hide_the_other(
    narrow: Callable[[Tensor], Tensor],
) -> None:
    """Electrodes are summed up, and a causal network over time follows."""

    class Causal(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.electrodes = nn.Conv2d(1, 4, (9, 1))
            self.first = nn.Conv1d(4, 4, 4, padding=3)
            self.second = nn.Conv1d(4, 4, 4, dilation=2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(narrow(self.electrodes(x.unsqueeze(1))))[..., :-3]
            out: Tensor = self.second(nn.functional.pad(x, (6, 0)))
            return out

    found = analysis(Causal(), (1, 9, 60))
    assert found.complete
    seen = [x.input_field for x in found.layers if x.layer.kind.is_convolution]
    assert [[axis.r_min for axis in x] for x in seen] == [[1, 1], [9, 1], [9, 4]]


# -- several inputs


class Two(nn.Module):
    """Two branches that meet behind global pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3, padding=1)
        self.b = nn.Sequential(nn.Conv2d(3, 4, 17, padding=8), nn.Conv2d(4, 4, 5, padding=2))
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        pooled = torch.cat([self.a(x).mean((2, 3)), self.b(y).mean((2, 3))], 1)
        out: Tensor = self.head(pooled)
        return out


def verdicts(found: Analysis) -> dict[str, str]:
    return {x.layer.name: x.verdict.value for x in found.layers if x.layer.kind.is_convolution}


def test_every_layer_is_held_against_the_input_that_it_sees() -> None:
    small, large = (1, 3, 8, 8), (1, 3, 64, 64)
    assert verdicts(analysis(Two(), small, large)) == {
        "a": "productive",
        "b.0": "productive",
        "b.1": "productive",
    }
    report = rflint.lint(Two(), input=[large, small])
    found = report.models[0].analysis
    assert verdicts(found) == {"a": "productive", "b.0": "critical", "b.1": "unproductive"}
    assert found.architecture.resolution == (64, 64)
    (message,) = [x.message for x in report.findings if x.code == "RF101"]
    assert "the 8x8 input" in message


def test_behind_a_merge_no_input_must_be_left_to_be_seen() -> None:
    """A layer is done once its receptive field is larger than every input that it sees."""

    class Pyramid(nn.Module):
        """The image at half its size joins the image behind a convolution of stride two."""

        def __init__(self) -> None:
            super().__init__()
            self.down = nn.Conv2d(3, 3, 3, 2, 1)
            self.first = nn.Conv2d(3, 3, 9, padding=4)
            self.second = nn.Conv2d(3, 3, 9, padding=4)
            self.third = nn.Conv2d(3, 3, 9, padding=4)

        def forward(self, image: Tensor, half: Tensor) -> Tensor:
            out: Tensor = self.third(self.second(self.first(self.down(image) + half)))
            return out

    # in front of the last one, 35 of 32 pixels of the image are seen, and 17 of 16 of its half
    assert verdicts(analysis(Pyramid(), (1, 3, 32, 32), (1, 3, 16, 16))) == {
        "down": "productive",
        "first": "productive",
        "second": "critical",
        "third": "unproductive",
    }


def test_an_input_without_axes_is_no_shorter_path() -> None:
    """A time step that is added to a map brings no pixels."""

    class Conditioned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.time = nn.Linear(6, 4)
            self.first = nn.Conv2d(3, 4, 9, padding=4)
            self.second = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            out: Tensor = self.second(self.first(x) + self.time(t)[:, :, None, None])
            return out

    found = analysis(Conditioned(), (1, 3, 8, 8), (1, 6))
    assert verdicts(found)["second"] == "unproductive"


def both_sizes(shapes: Sequence[Shape]) -> list[str]:
    return list(analysis(Two(), *shapes).architecture.layouts)


def test_inputs_of_one_size_are_one_source() -> None:
    """As ever: further inputs are no layers then."""
    found = analysis(Two(), (1, 3, 32, 32), (1, 3, 32, 32))
    assert [x.layer.kind.value for x in found.layers].count("input") == 0
    assert both_sizes([(1, 3, 32, 32), (1, 3, 16, 16)]) == ["BCHW", "BCHW"]


# -- in networks of all kinds


def test_generators_and_heads_are_rightly_not_judged() -> None:
    """A latent of one position has no context; that is no reason for a finding."""

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.start = nn.Linear(10, 4 * 4 * 4)
            self.convs = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 3, 3, padding=1))

        def forward(self, z: Tensor) -> Tensor:
            out: Tensor = self.convs(self.start(z).view(-1, 4, 4, 4))
            return out

    report = rflint.lint(Generator(), input=(1, 10))
    assert report.findings == ()
    assert report.models[0].analysis.complete
    assert report.models[0].analysis.architecture.layouts == ("BC",)


def test_repairs_know_the_axes() -> None:
    """What is offered for a model of another layout is what is offered for the usual one."""

    def layers() -> nn.Module:
        return nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(3 if i == 0 else 4, 4, 3, 2, 1), nn.ReLU())
                for i in range(6)
            ),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, 2),
        )

    usual = rflint.repairs(Before(lambda x: x, layers()), input=(1, 3, 16, 16))
    last = Before(lambda x: x.permute(0, 3, 1, 2), layers())
    assert usual
    assert [(x.title, x.after) for x in rflint.repairs(last, input=(1, 16, 16, 3))] == [
        (x.title, x.after) for x in usual
    ]
    (model,) = rflint.lint(last, input=(1, 16, 16, 3)).to_dict()["models"]
    (same,) = rflint.lint(Before(lambda x: x, layers()), input=(1, 3, 16, 16)).to_dict()["models"]
    assert model["larger_input"] == same["larger_input"]
    assert model["larger_input"]


def test_every_spectrum_has_its_own_size() -> None:
    """Three resolutions of one signal: what is one axis to the report is as long as it is made."""

    class Resolutions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stacks = nn.ModuleList([stack(nn.Conv2d, 1) for _ in range(2)])

        def forward(self, x: Tensor) -> Tensor:
            return sum(
                convs(
                    torch.stft(x, n, n // 4, window=torch.ones(n), return_complex=True).abs()[
                        :, None
                    ]
                ).mean((2, 3))
                for convs, n in zip(self.stacks, (32, 128), strict=True)
            )

    found = analysis(Resolutions(), (1, 4000))
    last = [x for x in found.layers if x.layer.kind.is_convolution][3::4]
    assert [x.input_sizes[0] for x in last] == [17, 65]
    assert [x.input_field[0].r_min for x in last] == [29, 29]
    assert [x.verdict.value for x in last] == ["partial", "productive"]


def test_filter_banks_side_by_side_are_one_axis() -> None:
    class Banks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.banks = nn.ModuleList([nn.Conv1d(1, 16, k, 8, k // 2) for k in (11, 51)])
            self.convs = stack(nn.Conv2d, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.convs(torch.cat([bank(x) for bank in self.banks], 1)[:, None])
            return out

    assert analysis(Banks(), (1, 1, 800)).architecture.resolution == (32, 800)


def test_frames_are_an_axis_where_a_later_layer_slides_over_them() -> None:
    """A 2-d network for every frame, and a 1-d network over what it made of them."""

    class OverFrames(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.frames = stack(nn.Conv2d, 3, depth=2)
            self.time = nn.Conv1d(4, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            features = self.frames(x.flatten(0, 1)).mean((2, 3)).view(*x.shape[:2], -1)
            out: Tensor = self.time(features.transpose(1, 2))
            return out

    found = analysis(OverFrames(), (1, 6, 3, 32, 24))
    assert found.architecture.layouts == ("BTCHW",)
    assert found.architecture.resolution == (6, 32, 24)


def test_a_mask_has_the_axes_of_its_image() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = stack(nn.Conv2d, 4)

        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            out: Tensor = self.convs(torch.cat([x, mask[:, None]], 1))
            return out

    found = analysis(Masked(), (1, 3, 32, 24), (1, 32, 24))
    assert found.architecture.layouts == ("BCHW", "BHW")
    assert judged(found) == judged(analysis(stack(nn.Conv2d, 4), (1, 4, 32, 24)))


def test_what_is_left_of_any_input_is_said_of_the_input() -> None:
    """And not of a map that somebody computes in vain."""

    class Jumps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Conv2d(3, 4, 3, padding=1)
            self.b = nn.Conv2d(3, 4, 5, 4)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.a(x).mean((2, 3)) + self.b(y).mean((2, 3))

    report = rflint.lint(Jumps(), input=[(1, 3, 33, 33), (1, 3, 64, 64)], select="RF203")
    (found,) = report.findings
    assert "the last 3 rows and the last 3 columns of the 64x64 input" in found.message


class Text(nn.Module):
    """A look-up of tokens, and a stack over them."""

    def __init__(self) -> None:
        super().__init__()
        self.look_up = nn.Embedding(50, 7)
        self.convs = stack(nn.Conv1d, 7)

    def forward(self, tokens: Tensor) -> Tensor:
        assert not tokens.is_floating_point()
        out: Tensor = self.convs(self.look_up(tokens).transpose(1, 2))
        return out


def test_tokens_are_an_axis_and_whole_numbers() -> None:
    found = analysis(Text(), (1, 60))
    assert found.architecture.layouts == ("BT",)
    assert judged(found) == judged(analysis(stack(nn.Conv1d, 7), (1, 7, 60)))
    assert rflint.lint(Text(), 60).models[0].analysis.architecture.inputs == ((1, 60),)
    assert judged(analysis(Text(), "1x60:int32")) == judged(found)
    with pytest.raises(rflint.RflintError, match="AssertionError"):
        rflint.lint(Text(), input="1x60:float32")


def test_a_look_up_that_is_convolved_over_makes_an_axis() -> None:
    """As in a network that slides over the rows of a table of words, all features at once."""

    class Sentences(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.look_up = nn.Embedding(50, 7)
            self.rows = nn.Conv2d(1, 4, (3, 7))
            self.more = nn.Conv2d(4, 4, (3, 1))

        def forward(self, tokens: Tensor) -> Tensor:
            out: Tensor = self.more(self.rows(self.look_up(tokens)[:, None]))
            return out

    found = analysis(Sentences(), (1, 20))
    assert found.architecture.resolution == (20, 7)
    assert [x.input_field[1].r_min for x in found.layers if x.layer.kind.is_convolution] == [1, 7]
