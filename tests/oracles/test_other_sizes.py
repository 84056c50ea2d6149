"""What is said of a model at other sizes, against the model really traced there.

A size is either said to be unknown, or what is said of it is what a fresh analysis finds: that the
model runs, or does not; every verdict; the work; the receptive fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.behaviours import has_same_fields
from rflint.analysis.sizes.facts import SizeFacts, SizeState, held
from rflint.analysis.sizes.find import find_size_facts
from rflint.errors import RflintError
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.tracing.model.build import build
from rflint.tracing.traced_model import trace_model
from rflint.usecases.analysed_model import analyse_model
from tests.helpers.positions import C
from tests.helpers.random_chains import chains
from zoo.paper.attention import SqueezeExcitation
from zoo.paper.resnet import resnet18
from zoo.torchvision_import import import_torchvision

import_torchvision()

from torchvision import models as tv  # noqa: E402

Size = tuple[int, ...]


def facts_of(model: nn.Module, size: Size, channels: int = 3) -> SizeFacts:
    there = analyse_model(
        build(model, {}, "model"), None, [(1, channels, *size)], TracingOptions(), RuleOptions()
    )
    facts = find_size_facts(there.analysis, seconds=60.0)
    assert facts is not None
    return facts


def fresh(model: nn.Module, size: Size, channels: int) -> Analysis | None:
    try:
        traced = trace_model(model, None, [(1, channels, *size)], TracingOptions())
    except RflintError:
        return None
    return analyse(traced.architecture)


def check(model: nn.Module, facts: SizeFacts, numbers: Sequence[int], channels: int = 3) -> None:
    """Hold everything that is said of these sizes against fresh analyses."""
    for number in numbers:
        state = facts.state(number)
        if state is SizeState.UNKNOWN:
            continue
        there = fresh(model, facts.sizes[number], channels)
        assert (there is not None) == (state is SizeState.RUNS), facts.sizes[number]
        if there is None:
            continue
        said = [facts.verdict(index, number) for index in range(len(there.layers))]
        assert said == [x.verdict for x in there.layers], facts.sizes[number]
        assert facts.macs[number] in (None, there.totals.macs), facts.sizes[number]
        for index, runs in facts.layers:
            assert has_same_fields(held(runs, number, runs[0][1]), there.layers[index])


def spread(facts: SizeFacts, count: int) -> list[int]:
    """Some of the sizes: the ends, the linted one, and others between them."""
    last = len(facts.sizes) - 1
    return sorted({facts.linted, *(round(last * i / (count - 1)) for i in range(count))})


def known_share(facts: SizeFacts) -> float:
    states = [facts.state(number) for number in range(len(facts.sizes))]
    return sum(state is not SizeState.UNKNOWN for state in states) / len(states)


class UNet(nn.Module):
    """Two steps down, two up; maps are put together by concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in ((3, 8), (8, 8), (8, 8))
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(8, 8, 2, 2) for _ in range(2))
        self.join = nn.ModuleList(nn.Conv2d(16, 8, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for step in self.down:
            x = F.relu(step(x))
            kept.append(x)
            x = F.max_pool2d(x, 2)
        x = kept.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), kept.pop()], 1))
        return x


class Resizing(UNet):
    """The same, whose maps are resized to those that they meet: it runs at every size."""

    def forward(self, x: Tensor) -> Tensor:
        one = F.relu(self.down[0](x))
        two = F.relu(self.down[1](F.max_pool2d(one, 2)))
        return self.join[0](torch.cat([F.interpolate(two, size=one.shape[2:]), one], 1))


class AsksForItsSize(nn.Module):
    """Small images take another way, and so do those of one odd size."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, padding=1)
        self.two = nn.Conv2d(8, 8, 5, padding=2)
        self.three = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.one(x)
        if x.shape[-1] >= 64 and x.shape[-1] != 100:
            x = F.max_pool2d(x, 4)
        return self.three(self.two(x))


class Embedded(nn.Module):
    """A table of positions, which holds it to one size without asking for it."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, 2, padding=1)
        self.table = nn.Parameter(torch.zeros(1, 8, 16, 16))
        self.two = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one(x) + self.table)


def flattening() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(8, 8, 5, padding=2), nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(8 * 3 * 3, 10),
    )  # fmt: skip


def dilated() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3 if d == 1 else 8, 8, 3, padding=d, dilation=d) for d in (1, 2, 4, 8, 16)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    )  # fmt: skip


def mirrored() -> nn.Module:
    return nn.Sequential(
        nn.ReflectionPad2d(5), nn.Conv2d(3, 8, 11, 2), nn.ReLU(), nn.Conv2d(8, 8, 3, 2),
        nn.InstanceNorm2d(8), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(8, 8, 3),
    )  # fmt: skip


def windowed_head() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, padding=1),
        nn.AvgPool2d(8), nn.Conv2d(8, 10, 1), nn.Flatten(),
    )  # fmt: skip


def excited() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), SqueezeExcitation(16), nn.Conv2d(16, 16, 3, 2, 1),
        SqueezeExcitation(16), nn.Conv2d(16, 16, 3, 2, 1), nn.AdaptiveAvgPool2d(1),
    )  # fmt: skip


def dense() -> nn.Module:
    return tv.DenseNet(growth_rate=4, block_config=(2, 2, 2, 2), num_init_features=8, bn_size=2)


def googlenet() -> nn.Module:
    with torch.device("meta"):
        return tv.googlenet(weights=None, aux_logits=False, init_weights=False)


def vgg16() -> nn.Module:
    with torch.device("meta"):
        return tv.vgg16(weights=None, init_weights=False)


def alexnet() -> nn.Module:
    with torch.device("meta"):
        return tv.alexnet(weights=None)


PLAIN: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet18": (resnet18, 32),
    "densenet": (dense, 32),
    "googlenet": (googlenet, 32),
    "vgg16": (vgg16, 32),
    "alexnet": (alexnet, 224),
    "dilated": (dilated, 48),
    "mirrored": (mirrored, 48),
    "unet": (UNet, 32),
}
OTHERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "flattening": (flattening, 64),
    "windowed head": (windowed_head, 32),
    "excited": (excited, 32),
    "resizing": (Resizing, 32),
    "asks for its size": (AsksForItsSize, 32),
    "asks for its size, and is large": (AsksForItsSize, 128),
    "embedded": (Embedded, 32),
}


@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
def test_what_is_said_of_a_size_is_what_a_trace_finds(name: str) -> None:
    builder, size = (PLAIN | OTHERS)[name]
    model = builder().eval()
    facts = facts_of(model, (size, size))
    assert facts.state(facts.linted) is SizeState.RUNS
    check(model, facts, spread(facts, 9))


@pytest.mark.parametrize("name", PLAIN)
def test_of_plain_models_nearly_all_sizes_are_known(name: str) -> None:
    builder, size = PLAIN[name]
    facts = facts_of(builder().eval(), (size, size))
    assert known_share(facts) >= 0.9
    assert facts.tried <= 41


def test_a_model_that_asks_for_its_size_is_known_only_where_it_was_traced() -> None:
    for size in (32, 128):
        facts = facts_of(AsksForItsSize(), (size, size))
        known = [n for n in range(len(facts.sizes)) if facts.state(n) is not SizeState.UNKNOWN]
        assert len(known) <= facts.tried
        assert facts.linted in known


def test_one_that_is_held_to_a_size_by_a_table_is_said_to_run_only_where_it_fits() -> None:
    facts = facts_of(Embedded(), (32, 32))
    runs = [facts.sizes[n] for n in range(len(facts.sizes)) if facts.state(n) is SizeState.RUNS]
    assert {(31, 31), (32, 32)} <= set(runs)
    # a map of one position is broadcast over the table
    assert set(runs) <= {(1, 1), (2, 2), (31, 31), (32, 32)}


@settings(max_examples=25)
@given(st.data())
def test_of_random_networks_nothing_wrong_is_said(data: st.DataObject) -> None:
    axes = data.draw(st.sampled_from([1, 2]))
    model = data.draw(chains(axes, most=5)).eval()
    size = tuple(data.draw(st.integers(8, 24)) for _ in range(axes))
    if fresh(model, size, C) is None:
        return
    facts = facts_of(model, size, C)
    numbers = data.draw(
        st.lists(st.integers(0, min(60, len(facts.sizes) - 1)), min_size=4, max_size=4)
    )
    check(model, facts, [*numbers, len(facts.sizes) - 1], C)
