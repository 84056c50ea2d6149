"""What the paper reports, by layer name. Every expected value follows from Eq. 1 by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from torch import nn

import rflint
from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.roles import Role
from tests.helpers.linted import analysis
from zoo.paper.attention import (
    ConvolutionalSqueezeExcitation,
    SpatialAttention,
    SqueezeExcitation,
    cbam,
)
from zoo.paper.mpnet import mpnet18, mpnet36
from zoo.paper.resnet import resnet18, resnet34
from zoo.paper.vgg import vgg

ATTENTION = {
    "SE": SqueezeExcitation,
    "SE with convolutions": ConvolutionalSqueezeExcitation,
    "spatial attention": SpatialAttention,
    "CBAM": cbam,
}


def convolution(build: Callable[[], nn.Module], number: int) -> str:
    """Name of the n-th convolution of a sequential model, counted from one."""
    names = [name for name, module in build().named_modules() if isinstance(module, nn.Conv2d)]
    return names[number - 1]


@pytest.mark.parametrize(
    ("depth", "border", "unproductive"), [(11, 6, 3), (13, 7, 4), (16, 8, 6), (19, 8, 9)]
)
def test_vgg(depth: int, border: int, unproductive: int) -> None:
    build = partial(vgg, depth)
    found = analysis(build)
    assert found.border_min is not None
    assert found.border_min.layer.name == convolution(build, border)
    assert found.totals.unproductive == unproductive


def test_vgg19_with_every_convolution_dilated_by_three() -> None:
    build = partial(vgg, 19, dilation=3)
    found = analysis(build)
    assert found.border_min is not None
    assert found.border_min.layer.name == convolution(build, 5)
    assert found.totals.unproductive == 12


def test_resnet18_without_skip_connections_loses_thirteen_convolutions() -> None:
    found = analysis(partial(resnet18, skip=False))
    assert found.border_min is not None
    assert found.border_min.layer.name == "layer1.1.conv2"
    assert found.totals.unproductive == 13


@pytest.mark.parametrize(("build", "unproductive"), [(resnet18, 3), (resnet34, 8)])
def test_resnet_with_skip_connections(build: Callable[[], nn.Module], unproductive: int) -> None:
    found = analysis(build)
    assert found.border_min is not None
    assert found.border_min.layer.name == "layer3.1.conv2"
    assert found.totals.unproductive == unproductive


@pytest.mark.parametrize("attention", ATTENTION.values(), ids=ATTENTION.keys())
def test_attention_does_not_move_the_border(attention: Any) -> None:
    found = analysis(partial(resnet18, attention=attention))
    plain = analysis(resnet18)
    assert found.border_min is not None
    assert found.border_min.layer.name == "layer3.1.conv2"
    assert found.totals.unproductive == 3
    assert found.totals.convs == plain.totals.convs == 20
    assert found.feasible_min == plain.feasible_min
    assert found.feasible_max == plain.feasible_max


@pytest.mark.parametrize("attention", ATTENTION.values(), ids=ATTENTION.keys())
def test_attention_does_not_move_the_border_without_skip_connections(attention: Any) -> None:
    found = analysis(partial(resnet18, attention=attention, skip=False))
    assert found.border_min is not None
    assert found.border_min.layer.name == "layer1.1.conv2"
    assert found.totals.unproductive == 13


def test_layers_on_an_attention_gate_are_not_judged() -> None:
    found = analysis(partial(resnet18, attention=cbam))
    gates = [x for x in found.layers if ".attention." in x.layer.name and x.layer.op == "Conv2d"]
    assert len(gates) == 8 * 5, "two calls of two 1x1 convolutions and a 7x7, in eight blocks"
    assert {x.role for x in gates} == {Role.ATTENTION}
    assert {x.verdict for x in gates} == {Verdict.NOT_JUDGED}


def test_mpnet18() -> None:
    found = analysis(mpnet18)
    assert found.border_min is not None
    assert found.border_max is not None
    assert found.border_min.layer.name == "stages.2.0.small.1.0"
    assert found.border_max.layer.name == "stages.1.0.large.1.0"
    assert found.totals.unproductive == 14


def test_mpnet36_crosses_at_its_shortest_path() -> None:
    """By hand: a module adds 2 * j by its 3x3, with j = 1, 2, 4, 8 in the four stages.

    The stem sees 3, stage 1 ends with 3 + 4 * 2 = 11, stage 2 with 11 + 4 * 4 = 27. In its last
    module the first 7x7 sees 23 + 12 = 35 > 32, so the second is the border layer; likewise in the
    first module of stage 3 (27 + 24). That module ends with 27 + 8 = 35, and nothing behind it is
    productive.
    """
    found = analysis(mpnet36)
    assert found.border_min is not None
    assert found.border_min.layer.name == "stages.1.3.large.1.0"
    assert found.totals.unproductive == 1 + 1 + 3 * 3 + 4 * 3


def test_resnet18_sees_what_equation_one_says() -> None:
    found = analysis(resnet18)
    by_name = {x.layer.name: x for x in found.layers}
    border = by_name["layer3.1.conv2"]
    assert [axis.r_min for axis in border.input_field] == [43, 43]
    assert [axis.r_max for axis in border.input_field] == [179, 179]
    assert [axis.r_min for axis in border.output_field] == [75, 75]
    assert [axis.r_max for axis in border.output_field] == [211, 211]
    assert [axis.jump for axis in border.output_field] == [16, 16]
    assert found.feasible_min == (75, 75)
    assert found.feasible_max == (435, 435)
    assert found.totals.unproductive_params == 5_308_416
    assert round(100 * found.totals.unproductive_params / found.totals.params) == 47


def test_the_layer_in_front_of_the_border_is_critical() -> None:
    found = analysis(resnet18)
    by_name = {x.layer.name: x.verdict for x in found.layers}
    assert by_name["layer3.1.conv1"] is Verdict.CRITICAL
    assert by_name["conv1"] is Verdict.PRODUCTIVE
    assert by_name["fc"] is Verdict.NOT_JUDGED


def test_no_unproductive_layer_from_the_feasible_resolution_on() -> None:
    found = analysis(resnet18)
    assert analysis(resnet18, res=found.feasible_min[0]).totals.unproductive == 0
    assert analysis(resnet18, res=found.feasible_min[0] - 1).totals.unproductive > 0


@pytest.mark.parametrize(
    ("build", "giga_macs"),
    [
        (resnet18, 0.037),
        (partial(resnet18, stem_downsampling=False), 0.56),
        (resnet34, 0.075),
        (partial(resnet34, stem_downsampling=False), 1.167),
    ],
)
def test_macs_are_what_the_paper_calls_flops(
    build: Callable[[], nn.Module], giga_macs: float
) -> None:
    assert analysis(build).totals.macs / 1e9 == pytest.approx(giga_macs, abs=0.006)


@pytest.mark.parametrize("build", [resnet18, resnet34])
def test_without_the_stems_downsampling_every_layer_contributes(
    build: Callable[..., nn.Module],
) -> None:
    assert analysis(partial(build, stem_downsampling=False)).totals.unproductive == 0


@pytest.mark.parametrize(
    "build",
    [
        *(partial(vgg, depth) for depth in (11, 13, 16, 19)),
        resnet18,
        resnet34,
        mpnet18,
        mpnet36,
    ],
)
def test_truncation_before_the_border_leaves_no_unproductive_layer(
    build: Callable[[], nn.Module],
) -> None:
    repairs = rflint.lint(build, res=32).models[0].repairs
    truncation = next(repair for repair in repairs if repair.kind == "truncate")
    assert truncation.verified
    assert truncation.after.unproductive == 0
    assert truncation.after.params < truncation.before.params
    assert truncation.after.macs < truncation.before.macs


@pytest.mark.parametrize(("build", "giga_macs"), [(resnet18, 0.56), (resnet34, 1.167)])
def test_removing_the_stems_downsampling_is_what_the_paper_did(
    build: Callable[[], nn.Module], giga_macs: float
) -> None:
    repairs = rflint.lint(build, res=32).models[0].repairs
    (removal,) = [
        repair
        for repair in repairs
        if repair.edits == ("m.conv1.stride = (1, 1)", "m.maxpool = nn.Identity()")
    ]
    assert (removal.kind, removal.verified) == ("remove-downsampling", True)
    assert removal.after.unproductive == 0
    assert removal.after.macs / 1e9 == pytest.approx(giga_macs, abs=0.006)
    assert removal.after.params == removal.before.params


@pytest.mark.parametrize(
    ("build", "dead"),
    [
        (resnet18, 6_946_816),
        (resnet34, 11_141_120),
        (partial(vgg, 19, dilation=3), 8_388_608),
        (partial(vgg, 16), 0),
    ],
)
def test_kernel_taps_that_only_ever_meet_padding(build: Callable[[], nn.Module], dead: int) -> None:
    assert analysis(build).totals.dead_weights == dead
