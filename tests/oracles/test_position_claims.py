"""What RF202 and RF203 say, tried on the running network, in evaluation and in training.

Positions that are called unread: NaNs there reach no output. Sizes that are said to leave nothing
out: the model runs there, and a NaN at any position of the input reaches some output. Remedies that
are said to compute the same: the layer that they describe makes what was read of the other one.

`make fuzz` draws more networks than `make test` does: FUZZ_EXAMPLES says how many.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from rflint.rules.rf202_unread_positions import layer_and_message
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.unread_ends import unread_ends
from rflint.analysis.proofs.unread_maps import UnreadMap, unread_maps
from rflint.graph.layer import INPUT
from rflint.graph.taps import members
from rflint.linting.finding import Finding
from tests.helpers.layers import NORM, per_axis
from tests.helpers.modules import Lambda
from tests.helpers.positions import C, Position, positions_of, reaching
from tests.helpers.random_chains import chains, runs_on
from zoo.torchvision_import import import_torchvision

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))


# -- the oracle


def check_claims(model: nn.Module, size: tuple[int, ...], channels: int = C) -> int:
    """Try everything that is said of a model; how much was."""
    model = model.double().eval()
    report = rflint.lint(model, input=(1, channels, *size), select=["RF202", "RF203"])
    assert not report.failures
    (found,) = report.models
    for finding in report.findings:
        in_training = not finding.message.startswith("in evaluation, ")
        check_unread(model, found.analysis, finding, in_training=in_training, channels=channels)
        check_remedy(model, found.analysis, finding, channels)
        for other in sizes_named(finding.message):
            check_leaves_nothing(model, other, channels)
    return len(report.findings)


def check_unread(
    model: nn.Module, analysis: Analysis, finding: Finding, *, in_training: bool, channels: int
) -> None:
    """NaNs at all that one finding calls unread reach no output."""
    architecture = analysis.architecture
    for value, unread in said_unread(analysis, finding):
        layer = architecture.layers[value] if value != INPUT else None
        if layer is not None and not layer.is_module:
            continue
        name = layer.name if layer else ""
        for train in (False, True) if in_training else (False,):
            images = torch.rand(2, channels, *architecture.resolution, dtype=torch.double)
            assert not spoiled(model, images, name, unread, train=train), (finding, train)


def said_unread(analysis: Analysis, finding: Finding) -> Iterator[tuple[int, list[Position]]]:
    """The values that a finding is about, and the positions that it calls unread."""
    architecture = analysis.architecture
    if finding.code == "RF202":
        for left in unread_maps(architecture):
            if is_about(analysis, left, finding):
                positions = positions_of(left.region.sizes)
                yield left.value, [x for x in positions if x not in left.region]
        return
    for axis in range(architecture.axes):
        for value, left in unread_ends(architecture, axis).items():
            about_input = "input never influence" in finding.message
            if about_input == (value == INPUT):
                sizes = architecture.positions_of(value)
                positions = positions_of(sizes)
                yield value, [x for x in positions if x[axis] >= sizes[axis] - left]


def is_about(analysis: Analysis, left: UnreadMap, finding: Finding) -> bool:
    layer, message = layer_and_message(analysis, left)
    same = (layer.layer.name, layer.layer.call) == (finding.layer, finding.call)
    return same and message in finding.message


def spoiled(
    model: nn.Module, images: Tensor, name: str, positions: list[Position], *, train: bool
) -> bool:
    """Whether NaNs at these positions of what a module makes (or of the input) reach an output."""

    def spoil(value: Tensor) -> Tensor:
        value = value.clone()
        for position in positions:
            value[(slice(None), slice(None), *position)] = torch.nan
        return value

    running = copy.deepcopy(model).train(train)
    for module in running.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    with torch.no_grad():
        if not name:
            return has_nan(running(spoil(images)))
        handle = running.get_submodule(name).register_forward_hook(lambda *x: spoil(x[-1]))
        try:
            return has_nan(running(images))
        finally:
            handle.remove()


def has_nan(result: Any) -> bool:
    results = [result] if isinstance(result, Tensor) else list(result)
    return any(bool(x.isnan().any()) for x in results)


def sizes_named(message: str) -> list[tuple[int, ...]]:
    named = re.search(r"; inputs of (.*) leave nothing out$", message)
    sizes = named[1].split(" or ") if named else []
    return [tuple(map(int, size.split("x"))) for size in sizes]


def check_leaves_nothing(model: nn.Module, size: tuple[int, ...], channels: int) -> None:
    image = torch.rand(1, channels, *size, dtype=torch.double)
    positions = positions_of(size)
    read = reaching(model.eval(), image, "", positions[:: max(1, len(positions) // 200)])
    assert read == set(positions[:: max(1, len(positions) // 200)]), size


def check_remedy(model: nn.Module, analysis: Analysis, finding: Finding, channels: int) -> None:
    """A convolution that is built as the message says makes what was read of the other one."""
    padding = re.search(
        r"(?:F\.pad\(x, \(([-\d, ]+)\)\) in front of it.* and )?padding=0", finding.message
    )
    strides = re.search(r"; stride ([\dx]+) there and 1 ", finding.message)
    if not (padding or strides):
        return
    (left,) = [x for x in unread_maps(analysis.architecture) if is_about(analysis, x, finding)]
    maker = model.get_submodule(analysis.layers[left.value].layer.name)
    assert isinstance(maker, nn.modules.conv._ConvNd)
    given: list[Tensor] = []
    handle = maker.register_forward_hook(lambda _, inputs, __: given.append(inputs[0]))
    with torch.no_grad():
        model.eval()(torch.rand(2, channels, *analysis.architecture.resolution).double())
        handle.remove()
        whole = maker(given[0])
        remedied = copy.deepcopy(maker)
        x = given[0]
        if padding:
            remedied.padding = (0,) * analysis.architecture.axes
            remedied.__dict__["_reversed_padding_repeated_twice"] = [0] * (
                2 * len(remedied.padding)
            )
            x = F.pad(x, tuple(map(int, padding[1].split(", ")))) if padding[1] else x
        if strides:
            remedied.stride = tuple(map(int, strides[1].split("x")))
            remedied.padding = tuple(map(int, strides[2].split("x")))
        made = remedied(x)
    for axis in range(analysis.architecture.axes):
        places = torch.tensor(members(left.region.along(axis)))
        whole = whole.index_select(axis + 2, places)
    assert made.shape == whole.shape
    assert torch.allclose(made, whole)


# -- random networks


def unfolded(x: Tensor, size: int, step: int) -> Tensor:
    return x.unfold(2, size, step).amax(-1)


@st.composite
def windows(draw: st.DrawFn, axes: int) -> nn.Module:
    size, step = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return Lambda(lambda x: unfolded(x, size, step), (size, step))


@st.composite
def picks(draw: st.DrawFn, axes: int) -> nn.Module:
    """One position, kept or not."""
    place = draw(st.integers(-2, 1))
    spelling = draw(st.sampled_from(["select", "list", "unbind"]))
    picked: dict[str, Callable[[Tensor], Tensor]] = {
        "select": lambda x: x.select(2, place).unsqueeze(2),
        "list": lambda x: x[:, :, [place]],
        "unbind": lambda x: x.unbind(2)[place].unsqueeze(2),
    }

    def taken(x: Tensor) -> Tensor:
        if x.shape[2] < 2:
            raise RuntimeError("there is no such position")
        return picked[spelling](x)

    return Lambda(taken, (spelling, place))


@st.composite
def drawn(draw: st.DrawFn, axes: int) -> nn.Module:
    """A chain of what is followed exactly, with batch normalisation, and a mean, or without."""
    model = draw(chains(axes))
    modules = list(model) if isinstance(model, nn.Sequential) else [model]
    if draw(st.booleans()):
        modules.insert(draw(st.integers(0, len(modules))), NORM[axes](C))
    if draw(st.sampled_from([True, False, False])):
        modules.append(draw(windows(axes)))
    if draw(st.sampled_from([True, False, False])):
        modules.append(draw(picks(axes)))
    if draw(st.booleans()):
        modules.append(Lambda(lambda x: x.flatten(2).mean(2)))
    return nn.Sequential(*modules)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("axes", [1, 2])
def test_what_is_said_of_random_networks_is_true(axes: int) -> None:
    found = 0

    # networks this small need no shrinking, which takes longer than all the rest
    @settings(
        max_examples=EXAMPLES or {1: 40, 2: 25}[axes],
        deadline=None,
        phases=(Phase.reuse, Phase.generate),
        report_multiple_bugs=False,
    )
    @given(drawn(axes), per_axis(axes, st.integers(4, {1: 20, 2: 10}[axes])))
    def check(model: nn.Module, size: tuple[int, ...]) -> None:
        nonlocal found
        assume(runs_on(model, size) and trains_on(model, size))
        found += check_claims(model, size)

    check()
    assert found > 10


def trains_on(model: nn.Module, size: tuple[int, ...]) -> bool:
    """With numbers: a mean over nothing is none, nor a dilated maximum over padding alone."""
    try:
        with torch.no_grad():
            runs = copy.deepcopy(model).train()(torch.zeros(2, C, *size).double())
            return bool(
                runs.isfinite().all() and model(torch.zeros(1, C, *size).double()).isfinite().all()
            )
    except (RuntimeError, ValueError):
        return False  # statistics of a single value, say


# -- networks of others


NETWORKS = [
    ("resnet18", 33),
    ("resnet18", 47),
    ("mobilenet_v2", 50),
    ("shufflenet_v2_x0_5", 61),
    ("squeezenet1_1", 45),
    ("convnext_tiny", 50),
    ("regnet_y_400mf", 71),
]


@pytest.mark.parametrize(("name", "size"), NETWORKS if EXAMPLES else NETWORKS[:3])
def test_what_is_said_of_networks_of_others_is_true(name: str, size: int) -> None:
    model = getattr(import_torchvision().models, name)()
    check_claims(model, (size, size), channels=3)
