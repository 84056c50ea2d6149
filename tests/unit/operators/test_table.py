"""Every row of the operator table under each of its names, and what cannot run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rflint.analysis.analyse import analyse
from rflint.errors import InputMismatch
from rflint.graph.layer import Kind
from rflint.operators.table import known_row, spellings
from rflint.tracing.trace import trace
from tests.helpers.against_torch import assert_refused, shapes_of, traced
from tests.helpers.modules import Lambda
from tests.helpers.operator_examples import ELSEWHERE, Function, axes_in, example, image

# -- every row, under each of its names

ALL = sorted(spellings())


@pytest.mark.parametrize("spelling", [name for name in ALL if name not in ELSEWHERE])
def test_every_row_gives_the_shape_that_torch_gives(spelling: str) -> None:
    function, x = example(spelling), image(axes_in(spelling))
    expected = shapes_of(Lambda(function).eval()(x.clone()))
    architecture = traced(function, x)
    assert architecture.output_shapes == expected


@pytest.mark.parametrize("spelling", [name for name in ALL if name not in {"data", *ELSEWHERE}])
def test_every_row_is_found_under_each_of_its_names(spelling: str) -> None:
    """No call falls through to an operator that nobody knows, or out of the graph."""
    architecture = traced(example(spelling), image(axes_in(spelling)))
    row = known_row(spelling)
    assert row is not None
    assert analyse(architecture).complete
    plumbing = row.kind in (Kind.RESHAPE, Kind.SLICE) and not hasattr(nn, spelling)
    assert plumbing or row.kind in {layer.kind for layer in architecture.layers}


def test_moving_to_an_accelerator_changes_no_shape() -> None:
    assert traced(lambda x: x.cuda(), image(2)).output_shapes == ((2, 4, 6, 6),)


# -- what cannot run


class Product(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x * y


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        pytest.param(nn.MaxPool2d(3), [(1, 4, 2, 2)], id="a map smaller than the pooling window"),
        pytest.param(nn.AvgPool2d(3), [(1, 4, 2, 8)], id="a map too small along one axis"),
        pytest.param(
            lambda x: F.max_pool2d(x, 2, dilation=4), [(1, 4, 4, 4)], id="a dilated pooling window"
        ),
        pytest.param(nn.MaxPool1d(2), [(1, 4, 1)], id="one position to pool two"),
        pytest.param(nn.AvgPool3d(2, padding=1), [(1, 4, 1, 8, 8)], id="an average in 3-d"),
        pytest.param(nn.LPPool2d(2, 4), [(1, 4, 3, 3)], id="a power-average pooling"),
        pytest.param(nn.MaxPool2d(3, padding=2), [(1, 4, 8, 8)], id="more padding than half"),
        pytest.param(nn.AvgPool2d(2, padding=2), [(1, 4, 8, 8)], id="more average than half"),
        pytest.param(nn.ReflectionPad2d(4), [(1, 4, 4, 4)], id="a reflection beyond the map"),
        pytest.param(nn.CircularPad2d(5), [(1, 4, 4, 4)], id="a map wound more than once"),
        pytest.param(
            lambda x: F.pad(x, (3, 3), mode="reflect"), [(1, 4, 3)], id="a functional reflection"
        ),
        pytest.param(nn.Conv2d(3, 8, 3), [(1, 4, 8, 8)], id="wrong channels"),
        pytest.param(nn.Conv2d(3, 8, 3), [(1, 3, 8)], id="a dimension short"),
        pytest.param(nn.Conv1d(3, 8, 3), [(1, 3, 8, 8)], id="a dimension long"),
        pytest.param(nn.ConvTranspose2d(3, 8, 3), [(1, 4, 8, 8)], id="wrong channels, transposed"),
        pytest.param(
            nn.ConvTranspose2d(4, 8, 1, padding=2), [(1, 4, 4, 4)], id="an empty transposed output"
        ),
        pytest.param(
            nn.ConvTranspose2d(4, 8, 3, output_padding=1),
            [(1, 4, 4, 4)],
            id="output padding without stride",
        ),
        pytest.param(
            lambda x: F.conv2d(x, torch.rand(8, 2, 3, 3)), [(1, 4, 8, 8)], id="wrong weights"
        ),
        pytest.param(nn.Conv2d(4, 8, 5), [(1, 4, 4, 8)], id="a kernel larger than the map"),
        pytest.param(
            nn.Conv2d(4, 8, 3, dilation=4, padding=1), [(1, 4, 6, 6)], id="a kernel dilated too far"
        ),
        pytest.param(nn.BatchNorm2d(8), [(1, 4, 8, 8)], id="the wrong batch normalisation"),
        pytest.param(nn.BatchNorm2d(4), [(1, 4, 8)], id="a dimension short to normalise"),
        pytest.param(nn.GroupNorm(2, 8), [(1, 4, 8, 8)], id="the wrong group normalisation"),
        pytest.param(nn.LayerNorm(5), [(1, 4, 8, 8)], id="the wrong layer normalisation"),
        pytest.param(nn.PReLU(3), [(1, 4, 8, 8)], id="a slope for other channels"),
        pytest.param(
            lambda x, y: torch.cat([x, y], 1), [(1, 4, 8, 8), (1, 4, 7, 7)], id="maps of two sizes"
        ),
        pytest.param(
            lambda x, y: torch.cat([x, y], 2), [(1, 4, 8, 8), (1, 3, 8, 8)], id="cat of channels"
        ),
        pytest.param(
            lambda x, y: torch.cat([x, y]), [(1, 4, 8, 8), (1, 4, 8)], id="cat of other ranks"
        ),
        pytest.param(lambda x: torch.cat([x, x], 4), [(1, 4, 8, 8)], id="cat along no dimension"),
        pytest.param(
            lambda x, y: torch.stack([x, y]), [(1, 4, 8, 8), (1, 4, 7, 8)], id="stack of two sizes"
        ),
        pytest.param(
            lambda x, y: x + y, [(1, 4, 8, 8), (1, 3, 8, 8)], id="a sum of other channels"
        ),
        pytest.param(Product(), [(1, 4, 8, 8), (1, 4, 4, 4)], id="a product of other sizes"),
        pytest.param(nn.Linear(8, 2), [(1, 4, 8, 7)], id="linear of other features"),
        pytest.param(
            lambda x: F.linear(x.flatten(1), torch.rand(2, 64)), [(1, 4, 8, 8)], id="too many flat"
        ),
        pytest.param(
            lambda x, y: x @ y, [(1, 4, 8, 8), (1, 4, 7, 8)], id="matrices that do not fit"
        ),
        pytest.param(torch.bmm, [(2, 4, 8), (3, 8, 4)], id="batches that do not fit"),
        pytest.param(torch.bmm, [(4, 8), (8, 4)], id="bmm without batches"),
        pytest.param(torch.mm, [(2, 4, 8), (2, 8, 4)], id="mm of batches"),
        pytest.param(lambda x, y: x.mul_(y), [(1, 1, 8, 8), (1, 4, 8, 8)], id="growing in place"),
        pytest.param(
            F.scaled_dot_product_attention,
            [(1, 2, 5, 8), (1, 2, 5, 4), (1, 2, 5, 8)],
            id="keys of other features",
        ),
        pytest.param(nn.PixelShuffle(2), [(1, 6, 4, 4)], id="too few channels to shuffle"),
        pytest.param(nn.PixelUnshuffle(2), [(1, 4, 5, 4)], id="an odd map to unshuffle"),
        pytest.param(nn.GLU(1), [(1, 3, 4, 4)], id="an odd number to halve"),
        pytest.param(lambda x: x.mean(4), [(1, 3, 4, 4)], id="a mean over no dimension"),
        pytest.param(lambda x: F.softmax(x, 4), [(1, 3, 4, 4)], id="a softmax over no dimension"),
        pytest.param(lambda x: x.view(1, 5, -1), [(1, 3, 4, 4)], id="a view that does not fit"),
        pytest.param(
            lambda x: F.interpolate(x, scale_factor=0.1), [(1, 3, 4, 4)], id="nothing left"
        ),
        pytest.param(
            lambda x: F.interpolate(x, (4, 4, 4)), [(1, 3, 4, 4)], id="a size with an axis too many"
        ),
    ],
)
def test_what_torch_refuses_is_refused(
    function: Function, shapes: Sequence[tuple[int, ...]]
) -> None:
    inputs = [torch.rand(shape) for shape in shapes]
    with pytest.raises((RuntimeError, ValueError, IndexError)):
        Lambda(function).eval()(*inputs)
    assert_refused(function, *inputs)


def test_a_refusal_names_the_layer_and_the_shape() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(4))
    with pytest.raises(InputMismatch, match=r"layer 1 \(MaxPool2d\) cannot run on 1x8x3x3"):
        trace(model, [torch.rand(1, 3, 5, 5)])
