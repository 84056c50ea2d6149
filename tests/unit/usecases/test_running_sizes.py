"""A model that does not run at the size that was asked for: the hint says at which size it does."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError
from rflint.usecases.running_sizes import say, tries
from tests.models.unet import UNet


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said does not depend on how busy the machine is."""
    monkeypatch.setattr(say, "_SECONDS", 300.0)


SEEN: list[int] = []
"""The sizes at which a Net has run; its own attributes are put back."""


class Net(nn.Module):
    """Convolutions, and code of a test behind them."""

    def __init__(self, head: Callable[[Any, Tensor], Any], *layers: nn.Module, **own: Any) -> None:
        super().__init__()
        self.body = nn.Sequential(*(layers or (nn.Conv2d(3, 8, 8, 8),)))
        self.table = own.pop("table", None)
        self.fc = nn.Linear(own.pop("features", 8), 10)
        self.head = head
        vars(self).update(own)

    def forward(self, x: Tensor) -> Any:
        SEEN.append(x.shape[-1])
        return self.head(self, self.body(x))


def flat(net: Any, x: Tensor) -> Any:
    return net.fc(x.flatten(1))


def viewed(net: Any, x: Tensor) -> Any:
    return net.fc(x.view(len(x), net.fc.in_features))


def placed(net: Any, x: Tensor) -> Any:
    return net.fc(x.flatten(2).transpose(1, 2) + net.table)


def with_class_token(net: Any, x: Tensor) -> Any:
    tokens = x.flatten(2).transpose(1, 2)
    return net.fc(torch.cat([tokens[:, :1], tokens], 1) + net.table)


def asserts(net: Any, x: Tensor) -> Any:
    assert x.shape[-1] == 20
    return x


def refuses(net: Any, x: Tensor) -> Any:
    if x.shape[-1] != 50:
        raise ValueError(f"Input image size ({8 * x.shape[-1]}) doesn't match model (400)")
    return x


def divides(net: Any, x: Tensor) -> Any:
    if x.shape[-1] % 3:
        raise ValueError("sides must be divisible by 24")
    return x


def grown_up(net: Any, x: Tensor) -> Any:
    """A text recogniser, whose features have to be of height 1."""
    assert x.shape[2] == 1, "features must have height 1"
    return x


def cut(net: Any, x: Tensor) -> Any:
    batch, channels, height, width = x.shape
    return x.view(batch, channels, height // 7, 7, width // 7, 7)


LENET = (nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2))
DISCRIMINATOR = (nn.Conv2d(3, 8, 4, 2, 1), nn.Conv2d(8, 8, 4, 2, 1), nn.Conv2d(8, 1, 4))
SMALLEST = "the smallest is 1x3x8x8"
SMALL_MAP = "The map has become too small on the way. "
ONE_APART = (
    "The maps that meet here differ by one position, as where a stride does not divide a size: "
    "pad or crop one of them, or take another size. "
)
NETS: dict[str, tuple[Callable[[], nn.Module], Any, str]] = {
    "flatten": (
        lambda: Net(flat, features=8 * 49),
        96,
        "It runs on 1x3x63x63, the nearest smaller size that does; the smallest is 1x3x56x56: "
        "res=63",
    ),
    "flatten, from below": (
        lambda: Net(flat, features=8 * 49),
        16,
        "It runs on 1x3x56x56, the smallest size that does: res=56",
    ),
    "flatten, and code that asks for no size": (
        lambda: nn.Sequential(*LENET, nn.Flatten(), nn.Linear(400, 10)),
        64,
        "It runs on 1x1x35x35, the largest size that does; the smallest is 1x1x32x32: res=35",
    ),
    "flatten, and a rectangle": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.Flatten(), nn.Linear(8 * 28, 10)),
        (34, 50),
        "It runs on 1x3x34x56, the nearest larger size that does: res=(34, 56)",
    ),
    "a usual size of several": (
        lambda: Net(flat, nn.Conv2d(3, 8, 32, 32), features=8 * 49),
        100,
        "It runs on 1x3x224x224, the smallest size that does: res=224",
    ),
    "a series": (
        lambda: nn.Sequential(nn.Conv1d(1, 8, 10, stride=5), nn.Flatten(), nn.Linear(25592, 2)),
        8000,
        "It runs on 1x1x16000, the smallest size that does: res=16000",
    ),
    "one length alone": (
        lambda: nn.Sequential(nn.Conv1d(1, 8, 9), nn.Flatten(), nn.Linear(8 * 92, 2)),
        80,
        "It runs on 1x1x100, and on no other length: res=100",
    ),
    "a volume": (
        lambda: nn.Sequential(nn.Conv3d(1, 2, 3), nn.MaxPool3d(2), nn.Conv3d(2, 2, 4)),
        6,
        SMALL_MAP + "It runs on 1x1x10x10x10, the smallest size that does: res=10",
    ),
    "a table": (
        lambda: Net(placed, table=nn.Parameter(torch.zeros(1, 169, 8))),
        64,
        # one patch is added to every row of the table
        "It runs on 1x3x15x15 and 1x3x104x104, the nearest sizes that do; the smallest is "
        "1x3x8x8: res=15 or res=104",
    ),
    "a table, with a class token": (
        lambda: Net(with_class_token, table=nn.Parameter(torch.zeros(1, 1 + 169, 8))),
        64,
        "It runs on 1x3x104x104, the smallest size that does: res=104",
    ),
    "an assertion": (
        lambda: Net(asserts),
        96,
        "It runs on 1x3x160x160, the smallest size that does: res=160",
    ),
    "an attribute": (
        lambda: Net(refuses, img_size=(400, 400), features=8),
        300,
        "It runs on 1x3x400x400, the smallest size that does: res=400",
    ),
    "a number in the message": (
        lambda: Net(refuses),
        300,
        "It runs on 1x3x400x400, the smallest size that does: res=400",
    ),
    "a number that divides": (
        lambda: Net(divides),
        80,
        "It runs on 1x3x79x79 and 1x3x96x96, the nearest sizes that do; the smallest is "
        "1x3x24x24: res=79 or res=96",
    ),
    "flat images": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
        32,
        "It runs on 1x1x28x28, and on no other square: res=28",
    ),
    "small maps": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.Conv2d(8, 8, 4)),
        16,
        SMALL_MAP + "It runs on 1x3x32x32, the smallest size that does: res=32",
    ),
    "mirrored padding": (
        lambda: nn.Sequential(nn.ReflectionPad2d((3, 10, 10, 3)), nn.Conv2d(3, 4, 3)),
        8,
        "It runs on 1x3x11x11, the smallest size that does: res=11",
    ),
    "a head that is made for what comes": (
        lambda: nn.Sequential(*LENET, nn.Flatten(), nn.LazyLinear(10)),
        9,
        SMALL_MAP + "It runs on 1x1x16x16, the smallest size that does: res=16",
    ),
    "a discriminator": (
        lambda: nn.Sequential(*DISCRIMINATOR),
        (12, 50),
        SMALL_MAP + "It runs on 1x3x16x50, the nearest size that does; the smallest is "
        "1x3x16x16: res=(16, 50)",
    ),
    "a U-Net": (
        UNet,
        50,
        ONE_APART + "It runs on 1x3x48x48 and 1x3x56x56, the nearest sizes that do; the smallest "
        "is 1x3x8x8: res=48 or res=56",
    ),
    "a U-Net on rectangles": (
        UNet,
        (50, 70),
        ONE_APART + "It runs on 1x3x48x64 and 1x3x56x72, the nearest sizes that do; the smallest "
        "is 1x3x8x8: res=(48, 64) or res=(56, 72)",
    ),
    "a U-Net, one axis of which fits": (
        UNet,
        (64, 68),
        ONE_APART
        + "It runs on 1x3x64x64 and 1x3x64x72, the nearest sizes that do; the smallest is 1x3x8x8: "
        "res=64 or res=(64, 72)",
    ),
    "a recogniser of text": (
        lambda: Net(grown_up, nn.Conv2d(1, 8, (8, 2), (8, 2))),
        (32, 40),
        "It runs on 1x1x15x40, the nearest smaller size that does: res=(15, 40)",
    ),
    "windows": (
        lambda: Net(cut, nn.Conv2d(3, 8, 4, 4)),
        100,
        "It runs on 1x3x87x87 and 1x3x112x112, the nearest sizes that do; the smallest is "
        "1x3x28x28: res=87 or res=112",
    ),
}


def hint(model: Any, **options: Any) -> str:
    with pytest.raises(RflintError) as raised:
        rflint.lint(model, **options)
    return raised.value.hint


@pytest.mark.parametrize(("build", "asked", "said"), NETS.values(), ids=NETS)
def test_the_sizes_that_fit_are_named(build: Any, asked: Any, said: str) -> None:
    assert hint(build(), res=asked) == said


@pytest.mark.parametrize(("build", "asked", "said"), NETS.values(), ids=NETS)
def test_what_is_proposed_can_be_copied(build: Any, asked: Any, said: str) -> None:
    sizes = [ast.literal_eval(text) for text in re.findall(r"res=(\d+|\(.*?\))", said)]
    assert sizes
    assert all(rflint.lint(build(), res=size).models for size in sizes)


@pytest.mark.parametrize(
    ("name", "shape", "size"),
    [("flatten", "1x3x56x56", 56), ("an attribute", "1x3x400x400", 400)],
)
def test_one_is_named_as_well_where_no_size_is_asked_for(name: str, shape: str, size: int) -> None:
    assert hint(NETS[name][0]()) == f"It runs on {shape}: res={size}"


def test_whoever_runs_at_any_size_is_asked_for_one() -> None:
    assert hint(nn.Conv2d(3, 8, 3)).startswith("Give one with res=224")


@pytest.mark.parametrize(
    ("given", "proposed"),
    [
        ((1, 3, 50, 70), "input=(1, 3, 48, 64) or input=(1, 3, 56, 72)"),
        ("1x3x50x70:BCHW", 'input="1x3x48x64:BCHW" or input="1x3x56x72:BCHW"'),
        ((torch.rand(1, 3, 50, 70),), "input=(1, 3, 48, 64) or input=(1, 3, 56, 72)"),
        ({"x": (1, 3, 50, 50)}, "input=(1, 3, 48, 48) or input=(1, 3, 56, 56)"),
    ],
)
def test_the_same_input_is_proposed_at_other_sizes(given: Any, proposed: str) -> None:
    assert hint(UNet(), input=given).endswith(f"the nearest sizes that do; {SMALLEST}: {proposed}")


def test_of_several_inputs_the_one_is_changed_that_does_not_fit() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = Net(flat, features=8 * 49), Net(flat, features=8 * 16)

        def forward(self, image: Tensor, *, thumbnail: Tensor, clip: Tensor) -> Any:
            return self.a(image), self.b(thumbnail), clip

    clip = "clip=1x3x5x96x96"
    said = hint(Both, input=["image=1x3x56x56", "thumbnail=1x3x64x64", clip])
    texts = ["image=1x3x56x56", "thumbnail=1x3x39x39", clip]
    options = ", ".join(f'"{text}"' for text in texts)
    assert said == (
        "It runs on 1x3x39x39, the nearest smaller size that does; the smallest is 1x3x32x32: "
        f"input=[{options}]"
    )
    assert rflint.lint(Both, input=texts).models


def test_an_input_that_has_to_be_as_large_as_another_one_is() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.mask = UNet(), nn.Conv2d(1, 2, 3, padding=1)

        def forward(self, image: Tensor, mask: Tensor) -> Any:
            return self.net(image) + self.mask(mask)

    said = hint(Masked, input=["image=1x3x16x24", "mask=1x1x17x25"])
    assert "It runs on 1x1x16x24, the nearest" in said
    assert said.endswith('input=["image=1x3x16x24", "mask=1x1x16x24"]')


@pytest.mark.parametrize(
    ("options", "proposed"),
    [
        ({"input": "1x50x70x3:BHWC"}, 'input="1x48x64x3:BHWC" or input="1x56x72x3:BHWC"'),
        ({"res": (50, 70), "layout": "BHWC"}, "res=(48, 64) or res=(56, 72)"),
    ],
)
def test_channels_may_come_last(options: dict[str, Any], proposed: str) -> None:
    class Last(UNet):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.permute(0, 3, 1, 2))

    assert hint(Last, **options).endswith(f"the smallest is 1x8x8x3: {proposed}")


@pytest.mark.parametrize(
    ("options", "proposed"),
    [
        ({"res": (15, 50, 50)}, "res=(14, 50, 50) or res=(16, 50, 50)"),
        ({"input": (1, 1, 15, 50, 50)}, "input=(1, 1, 14, 50, 50) or input=(1, 1, 16, 50, 50)"),
    ],
)
def test_the_depth_of_a_volume_is_searched_too(options: dict[str, Any], proposed: str) -> None:
    class Volumes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv3d(1, 4, 3, padding=1)
            self.down, self.up = nn.MaxPool3d(2), nn.Upsample(scale_factor=2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            return x + self.up(self.down(x))

    assert hint(Volumes, **options).endswith(proposed)


def test_at_the_size_of_training_the_option_is_another() -> None:
    (failure,) = rflint.lint(UNet(), res=32, train_res=(50, 70)).failures
    assert failure.error.hint == (
        ONE_APART + "It runs on 1x3x48x64 and 1x3x56x72, the nearest sizes that do; the smallest "
        "is 1x3x8x8: --train-res 48x64 or --train-res 56x72"
    )


def code(do: Callable[[Any, Tensor], Any]) -> Callable[[], Net]:
    return lambda: Net(do)


NO_SIZES = {
    "channels": lambda: Net(lambda net, x: x, nn.Conv2d(3, 8, 3), nn.Conv2d(9, 8, 3)),
    "an attribute": code(lambda net, x: net.nothing_like_it(x)),
    "another error": code(lambda net, x: {}["size"]),
    "another mode": code(lambda net, x: _raised(ValueError("unknown mode"))),
    "another argument": code(lambda net, x: torch.relu(x, 3, 4)),  # type: ignore[call-arg]
    "a missing argument": code(lambda net, x: net.fc()),
}


def _raised(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize("build", NO_SIZES.values(), ids=NO_SIZES)
def test_nothing_is_tried_where_the_mistake_is_another(
    build: Callable[[], Net], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []
    monkeypatch.setattr(say, "trace", lambda *args: tried.append(args))
    assert "It runs" not in hint(build(), res=32)
    assert not tried


def test_features_that_do_not_depend_on_the_size_are_noticed() -> None:
    SEEN.clear()
    net = Net(flat, nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), features=9)
    assert "It runs" not in hint(net, res=32)
    assert len({*SEEN} - {3}) == 4  # 3: channels last


def test_there_is_an_end_to_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is a second later."""
    monkeypatch.setattr(say, "_SECONDS", 5.0)
    now = iter(range(1000))
    for module in (say, tries):
        monkeypatch.setattr(module, "process_time", lambda: float(next(now)))

    def never(net: Any, x: Tensor) -> Any:
        raise ValueError("this size is not supported")

    SEEN.clear()
    net = Net(never)
    with pytest.raises(RflintError, match=r"on a 1x3x96x96 input.*this size is not supported"):
        rflint.lint(net, res=96)
    assert 3 < len(set(SEEN)) < 9
