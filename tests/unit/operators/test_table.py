"""The operator table against PyTorch: shapes, multiply-accumulates, parameters, dead weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.errors import InputMismatch
from rflint.graph.layer import Kind
from rflint.operators.table import known_row, spellings
from rflint.tracing.trace import trace
from tests.helpers.against_torch import assert_refused, assert_same_shape, shapes_of, traced
from tests.helpers.modules import Lambda
from tests.helpers.operator_examples import ELSEWHERE, Function, axes_in, example, image
from tests.helpers.random_convolutions import (
    Case,
    convolutions,
    one_or_per_axis,
    shapes,
    transposed_convolutions,
)

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


# -- convolutions


@settings(max_examples=80, deadline=None)
@given(convolutions())
def test_a_convolution_has_the_shape_that_torch_gives(case: Case) -> None:
    options = {k: v for k, v in case.options.items() if k != "kernel_size"}
    module = getattr(nn, f"Conv{case.axes}d")(4, 8, **case.options)
    assert_same_shape(module, case.input)
    function = getattr(F, f"conv{case.axes}d")
    assert_same_shape(lambda x: function(x, module.weight, **options), case.input)
    assert_same_shape(
        lambda x: function(x, module.weight, module.bias, *options.values()), case.input
    )


@pytest.mark.parametrize("padding_mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [1, 2, 3, (0, 2), "same"])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_convolution_that_pads_with_the_map_has_the_shape_that_torch_gives(
    padding_mode: str, padding: Any, size: int
) -> None:
    module = nn.Conv2d(4, 8, 3, padding=padding, padding_mode=padding_mode)
    assert_same_shape(module, image(2, size))


@settings(max_examples=80, deadline=None)
@given(transposed_convolutions())
def test_a_transposed_convolution_has_the_shape_that_torch_gives(case: Case) -> None:
    options = {k: v for k, v in case.options.items() if k != "kernel_size"}
    module = getattr(nn, f"ConvTranspose{case.axes}d")(4, 8, **case.options)
    assert_same_shape(module, case.input)
    function = getattr(F, f"conv_transpose{case.axes}d")
    assert_same_shape(lambda x: function(x, module.weight, **options), case.input)
    assert_same_shape(
        lambda x: function(x, module.weight, module.bias, *options.values()), case.input
    )


def test_a_lazy_convolution_has_the_shape_that_torch_gives() -> None:
    model = Lambda(nn.LazyConv2d(8, 3, stride=2))
    x = image(2)
    assert trace(model, [x]).output_shapes == shapes_of(model(x))


# -- pooling


@st.composite
def poolings(draw: st.DrawFn, dilated: bool = True) -> Case:
    axes = draw(st.integers(1, 3))
    options = {
        "kernel_size": draw(one_or_per_axis(axes, 1, 4)),
        "stride": draw(st.one_of(st.none(), one_or_per_axis(axes, 1, 4))),
        "padding": draw(one_or_per_axis(axes, 0, 2)),
        "dilation": draw(one_or_per_axis(axes, 1, 3)),
        "ceil_mode": draw(st.booleans()),
    }
    # an average in 3-d wants a map that fills its window without padding
    low = 1 if dilated or axes < 3 else 4
    return Case(axes, draw(shapes(axes, 4, low)), options)


@settings(max_examples=80, deadline=None)
@given(poolings(), st.booleans())
def test_max_pooling_has_the_shape_that_torch_gives(case: Case, return_indices: bool) -> None:
    module = getattr(nn, f"MaxPool{case.axes}d")
    assert_same_shape(module(**case.options, return_indices=return_indices), case.input)
    function = getattr(F, f"max_pool{case.axes}d")
    assert_same_shape(
        lambda x: function(x, **case.options, return_indices=return_indices), case.input
    )
    assert_same_shape(lambda x: function(x, *case.options.values(), return_indices), case.input)


@settings(max_examples=80, deadline=None)
@given(poolings(dilated=False))
def test_average_pooling_has_the_shape_that_torch_gives(case: Case) -> None:
    options = {k: v for k, v in case.options.items() if k != "dilation"}
    module = getattr(nn, f"AvgPool{case.axes}d")
    assert_same_shape(module(**options), case.input)
    function = getattr(F, f"avg_pool{case.axes}d")
    assert_same_shape(lambda x: function(x, **options), case.input)
    assert_same_shape(lambda x: function(x, *options.values()), case.input)


@settings(max_examples=80, deadline=None)
@given(poolings(dilated=False))
def test_power_average_pooling_has_the_shape_that_torch_gives(case: Case) -> None:
    options = {k: v for k, v in case.options.items() if k not in ("dilation", "padding")}
    if case.axes == 1:  # takes no tuples
        options |= {k: max(v) for k, v in options.items() if isinstance(v, tuple)}
    module = getattr(nn, f"LPPool{case.axes}d")
    assert_same_shape(module(2, **options), case.input)
    function = getattr(F, f"lp_pool{case.axes}d")
    assert_same_shape(lambda x: function(x, 2.0, **options), case.input)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 3), st.booleans())
def test_adaptive_pooling_has_the_shape_that_torch_gives(
    data: st.DataObject, axes: int, return_indices: bool
) -> None:
    size = st.integers(1, 9)
    kept = st.one_of(size, st.none()) if axes > 1 else size
    output_size = data.draw(st.one_of(size, st.tuples(*[kept] * axes)))
    x = torch.rand(data.draw(shapes(axes, 4)))
    assert_same_shape(getattr(nn, f"AdaptiveAvgPool{axes}d")(output_size), x)
    assert_same_shape(lambda x: getattr(F, f"adaptive_avg_pool{axes}d")(x, output_size), x)
    assert_same_shape(getattr(nn, f"AdaptiveMaxPool{axes}d")(output_size, return_indices), x)
    assert_same_shape(
        lambda x: getattr(F, f"adaptive_max_pool{axes}d")(x, output_size, return_indices), x
    )


# -- matrices


small = st.integers(1, 3)


@settings(max_examples=80, deadline=None)
@given(st.lists(small, min_size=1, max_size=4), st.lists(small, min_size=1, max_size=4))
def test_matmul_broadcasts_as_torch_does(a: list[int], b: list[int]) -> None:
    assert_same_shape(torch.matmul, torch.rand(a), torch.rand(b))
    assert_same_shape(lambda x, y: x @ y, torch.rand(a), torch.rand(b))
    assert_same_shape(lambda x, y: x.matmul(y), torch.rand(a), torch.rand(b))


@settings(max_examples=100, deadline=None)
@given(st.tuples(small, small, small), st.tuples(small, small, small))
def test_mm_and_bmm_take_what_torch_takes(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    assert_same_shape(torch.bmm, torch.rand(a), torch.rand(b))
    assert_same_shape(lambda x, y: x.bmm(y), torch.rand(a), torch.rand(b))
    assert_same_shape(torch.mm, torch.rand(a[1:]), torch.rand(b[1:]))


@settings(max_examples=100, deadline=None)
@given(st.lists(small, min_size=1, max_size=5), small, st.booleans())
def test_linear_replaces_the_last_dimension(shape: list[int], features: int, bias: bool) -> None:
    x = torch.rand(shape)
    module = nn.Linear(features, 7, bias=bias)
    assert_same_shape(module, x)
    assert_same_shape(lambda x: F.linear(x, module.weight, module.bias), x)


@pytest.mark.parametrize(
    ("query", "key", "value"),
    [
        ((2, 3, 5, 8), (2, 3, 5, 8), (2, 3, 5, 8)),
        ((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 4)),
        ((5, 8), (7, 8), (7, 4)),
        ((2, 5, 8), (2, 7, 8), (2, 7, 8)),
        ((2, 3, 5, 8), (1, 1, 7, 8), (1, 1, 7, 8)),
        ((1, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8)),
    ],
)
def test_attention_has_the_shape_that_torch_gives(
    query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...]
) -> None:
    attention = F.scaled_dot_product_attention
    tensors = [torch.rand(shape) for shape in (query, key, value)]
    assert_same_shape(attention, *tensors)
    mask = torch.zeros(query[-2], key[-2])
    assert_same_shape(lambda q, k, v: attention(q, key=k, value=v, attn_mask=mask), *tensors)


# -- joins


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(small, small, small, small), min_size=1, max_size=3), st.integers(-4, 3))
def test_cat_has_the_shape_that_torch_gives(parts: list[tuple[int, ...]], dim: int) -> None:
    tensors = [torch.rand(shape) for shape in parts]
    aligned = [
        torch.rand(
            tuple(
                a if d == dim % 4 else b
                for d, (a, b) in enumerate(zip(shape, parts[0], strict=True))
            )
        )
        for shape in parts
    ]
    for inputs in (tensors, aligned):
        assert_same_shape(lambda *xs: torch.cat(xs, dim), *inputs)
        assert_same_shape(lambda *xs: torch.cat(list(xs), dim=dim), *inputs)
        assert_same_shape(lambda *xs: torch.concat(xs, axis=dim), *inputs)


@settings(max_examples=100, deadline=None)
@given(st.tuples(small, small, small), st.tuples(small, small, small), st.integers(-4, 3))
def test_stack_has_the_shape_that_torch_gives(
    a: tuple[int, ...], b: tuple[int, ...], dim: int
) -> None:
    assert_same_shape(lambda x, y: torch.stack([x, y], dim), torch.rand(a), torch.rand(b))
    assert_same_shape(lambda x, y: torch.stack((x, y), dim=dim), torch.rand(a), torch.rand(a))


@settings(max_examples=80, deadline=None)
@given(st.lists(small, min_size=1, max_size=4), st.lists(small, min_size=0, max_size=4))
def test_arithmetic_broadcasts_as_torch_does(a: list[int], b: list[int]) -> None:
    inputs = torch.rand(a), torch.rand(b)
    assert_same_shape(lambda x, y: x + y, *inputs)
    assert_same_shape(lambda x, y: y * x, *inputs)
    assert_same_shape(lambda x, y: torch.where(x > y, x, y), *inputs)
    assert_same_shape(lambda x, y: torch.max(x, y), *inputs)


# -- reductions


@st.composite
def reductions(draw: st.DrawFn) -> tuple[list[int], Any, bool]:
    shape = draw(st.lists(small, min_size=1, max_size=4))
    dims = st.integers(-len(shape), len(shape) - 1)
    several = st.lists(dims, min_size=1, max_size=len(shape), unique_by=lambda d: d % len(shape))
    return shape, draw(st.one_of(dims, several.map(tuple))), draw(st.booleans())


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("name", ["mean", "sum", "amax", "amin", "logsumexp", "std", "var"])
@settings(max_examples=60, deadline=None)
@given(case=reductions())
def test_a_reduction_has_the_shape_that_torch_gives(
    name: str, case: tuple[list[int], Any, bool]
) -> None:
    shape, dim, keepdim = case
    x = torch.rand(shape)
    assert_same_shape(lambda x: getattr(x, name)(dim=dim, keepdim=keepdim), x)
    assert_same_shape(lambda x: getattr(torch, name)(x, dim, keepdim=keepdim), x)


@pytest.mark.parametrize(
    "name", ["max", "min", "median", "mode", "argmax", "argmin", "prod", "all", "any"]
)
@settings(max_examples=30, deadline=None)
@given(shape=st.lists(small, min_size=2, max_size=4), dim=st.integers(-2, 1), keepdim=st.booleans())
def test_a_reduction_of_one_dimension_has_the_shape_that_torch_gives(
    name: str, shape: list[int], dim: int, keepdim: bool
) -> None:
    x = torch.rand(shape)
    assert_same_shape(lambda x: getattr(x, name)(dim, keepdim), x)
    assert_same_shape(lambda x: getattr(torch, name)(x, dim=dim, keepdim=keepdim), x)


@pytest.mark.parametrize(
    "reduce",
    [
        lambda x: x.mean(),
        lambda x: x.sum(dtype=torch.double),
        lambda x: x.mean(None),
        lambda x: x.mean([2, 3], True),
        lambda x: x.mean((-1, -2), keepdim=True),
        lambda x: x.sum(axis=1),
        lambda x: x.sum(axis=(1, 2), keepdims=True),
        lambda x: x.amax(),
        lambda x: x.amax(dim=()),
        lambda x: x.argmax(),
        lambda x: x.argmax(keepdim=True),
        lambda x: x.max(),
        lambda x: x.max(1)[0],
        lambda x: x.max(dim=1, keepdim=True).values,
        lambda x: torch.max(x, 1, keepdim=True)[1],
        lambda x: torch.max(x, dim=2).indices,
        lambda x: x.max(x.mean()),
        lambda x: x.min(-1).values + x.max(-1).values,
        lambda x: x.median(),
        lambda x: x.norm(dim=1),
        lambda x: x.norm(2, 1, True),
        lambda x: x.std(),
        lambda x: x.var(1, False),
        lambda x: x.var((2, 3), unbiased=False, keepdim=True),
        lambda x: torch.var_mean(x, (2, 3)),
        lambda x: torch.std_mean(x, dim=1, keepdim=True),
        lambda x: x.count_nonzero((1, 2)),
    ],
)
def test_reductions_in_all_their_spellings(reduce: Function) -> None:
    assert_same_shape(reduce, torch.rand(2, 3, 4, 5))


# -- resampling


_MODES = {1: ["nearest", "linear"], 2: ["nearest", "bilinear", "bicubic"], 3: ["trilinear"]}


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(1, 3))
def test_interpolation_has_the_shape_that_torch_gives(data: st.DataObject, axes: int) -> None:
    mode = data.draw(st.sampled_from([*_MODES[axes], "area", "nearest-exact"]))
    x = torch.rand(2, 4, *data.draw(st.tuples(*[st.integers(4, 9)] * axes)))
    options: dict[str, Any] = {"mode": mode}
    if data.draw(st.booleans()):
        options["size"] = data.draw(one_or_per_axis(axes, 1, 12))
    else:
        factor = st.sampled_from([0.3, 0.5, 1.0, 1.5, 2.0, 2.7, 3.0])
        options["scale_factor"] = data.draw(st.one_of(factor, st.tuples(*[factor] * axes)))
        options["recompute_scale_factor"] = data.draw(st.sampled_from([None, True, False]))
    assert_same_shape(lambda x: F.interpolate(x, **options), x)
    assert_same_shape(nn.Upsample(**options), x)


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize(
    "shape",
    [(2, 36, 6, 6), (36, 6, 6), (1, 4, 6, 12), (2, 8, 5, 7), (2, 1, 1, 1), (2, 3, 36, 1, 2)],
)
def test_pixel_shuffles_have_the_shape_that_torch_gives(
    factor: int, shape: tuple[int, ...]
) -> None:
    x = torch.rand(shape)
    assert_same_shape(lambda x: F.pixel_shuffle(x, factor), x)
    assert_same_shape(lambda x: F.pixel_unshuffle(x, factor), x)
    assert_same_shape(nn.PixelShuffle(factor), x)
    assert_same_shape(nn.PixelUnshuffle(factor), x)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(1, 3))
def test_padding_has_the_shape_that_torch_gives(data: st.DataObject, axes: int) -> None:
    x = torch.rand(data.draw(shapes(axes, 3, high=5)))
    amounts = data.draw(
        st.lists(st.integers(-2, 4), min_size=1, max_size=axes).map(
            lambda drawn: tuple(n for n in drawn for _ in range(2))
        )
    )
    assert_same_shape(lambda x: F.pad(x, amounts), x)
    assert_same_shape(lambda x: F.pad(x, list(amounts), mode="constant", value=1.0), x)
    every = data.draw(st.one_of(st.integers(0, 4), st.tuples(*[st.integers(-1, 4)] * 2 * axes)))
    for mode in ("Zero", "Replication"):
        assert_same_shape(getattr(nn, f"{mode}Pad{axes}d")(every), x)
    assert_same_shape(getattr(nn, f"ConstantPad{axes}d")(every, 1.0), x)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    "amounts", [(1, 1), (3, 0), (0, 5), (1, 2, 3, 4), (4, 4, 4, 4), (5, 5, 0, 0)]
)
def test_padding_with_the_map_itself_has_the_shape_that_torch_gives(
    mode: str, amounts: tuple[int, ...]
) -> None:
    axes = len(amounts) // 2
    x = torch.rand(2, 3, *(5,) * axes)
    assert_same_shape(lambda x: F.pad(x, amounts, mode=mode), x)
    module = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}[mode]
    assert_same_shape(getattr(nn, f"{module}Pad{axes}d")(amounts), x)


# -- activations


@pytest.mark.parametrize("dim", [-1, 0, 1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 4, 6, 8), (2, 3, 5, 7), (2, 1, 3, 4)])
def test_glu_halves_one_dimension(dim: int, shape: tuple[int, ...]) -> None:
    x = torch.rand(shape)
    assert_same_shape(lambda x: F.glu(x, dim), x)
    assert_same_shape(nn.GLU(dim=dim), x)


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
@pytest.mark.parametrize("dim", [-1, 0, 1, 3, None])
def test_softmax_keeps_the_shape(dim: int | None) -> None:
    x = image(2)
    assert_same_shape(nn.Softmax(dim), x)
    assert_same_shape(lambda x: F.softmax(x, dim), x)
    assert_same_shape(lambda x: F.log_softmax(x, dim=dim), x)
    if dim is not None:
        assert_same_shape(lambda x: x.softmax(dim), x)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.relu(x, inplace=True),
        lambda x: F.relu_(x),
        lambda x: x.relu_(),
        nn.ReLU(inplace=True),
        lambda x: x.clone().mul_(2),
        lambda x: F.dropout(x, 0.5, inplace=True),
        lambda x: torch.sigmoid_(x),
    ],
)
def test_what_works_in_place_returns_what_it_changed(function: Function) -> None:
    def changed(x: Tensor) -> Tensor:
        y = x * 1
        function(y)
        return y

    assert_same_shape(function, image(2))
    assert_same_shape(changed, image(2))


def test_what_is_changed_in_place_depends_on_the_change() -> None:
    def forward(x: Tensor) -> Tensor:
        y = x * 1
        y += F.avg_pool2d(x, 3, 1, 1)
        F.relu(y, inplace=True)
        return y

    last = analyse(traced(forward, image(2))).layers[-1]
    assert last.layer.operation == "relu"
    assert [axis.r_max for axis in last.output_field] == [3, 3]
    assert [axis.r_min for axis in last.output_field] == [1, 1]


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


# -- multiply-accumulates and parameters


class Attention(nn.Module):
    """Attention over positions, spelled out and fused."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.qkv = nn.Conv2d(4, 24, 1)
        self.out = nn.Linear(8, 4)
        self.fused = fused

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).flatten(2).transpose(1, 2).chunk(3, -1)
        if self.fused:
            mixed = F.scaled_dot_product_attention(query, key, value)
        else:
            mixed = (query @ key.transpose(-1, -2)).softmax(-1) @ value
        return self.out(mixed)


class Shared(nn.Module):
    """One convolution called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.max_pool2d(self.conv(x), 2))


class OwnWeights(nn.Module):
    """Functions on parameters that belong to no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(6, 2, 3, 3))
        self.matrix = nn.Parameter(torch.rand(6, 5))
        self.unused = nn.Parameter(torch.rand(7))

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, self.kernel, stride=2, groups=2)
        return x.mean((2, 3)) @ self.matrix


def heads(model: nn.Module) -> nn.Module:
    return nn.Sequential(model, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "convolutions in 1-d": (
        lambda: nn.Sequential(nn.Conv1d(4, 8, 5, stride=2), nn.ReLU(), nn.Conv1d(8, 3, 3)),
        (1, 4, 40),
    ),
    "convolutions in 2-d": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, (3, 5), stride=(2, 1), padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 2, 3)
        ),
        (1, 4, 16, 20),
    ),
    "convolutions in 3-d": (
        lambda: nn.Sequential(nn.Conv3d(4, 8, 3, dilation=2, bias=False), nn.Conv3d(8, 8, 1)),
        (1, 4, 8, 9, 10),
    ),
    "grouped and depthwise": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, 3, groups=2), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 16, 1)
        ),
        (1, 4, 12, 12),
    ),
    "transposed in 1-d": (
        lambda: nn.Sequential(nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1)),
        (1, 4, 11),
    ),
    "transposed in 2-d": (
        lambda: nn.Sequential(
            nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1), nn.ConvTranspose2d(6, 2, 2)
        ),
        (1, 4, 7, 9),
    ),
    "transposed in groups in 3-d": (
        lambda: nn.Sequential(nn.ConvTranspose3d(4, 6, 3, stride=2, groups=2)),
        (1, 4, 4, 5, 6),
    ),
    "a classifier": (lambda: heads(nn.Conv2d(4, 8, 3)), (1, 4, 16, 16)),
    "a flattened map": (
        lambda: nn.Sequential(nn.Conv2d(4, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 10)),
        (1, 4, 8, 8),
    ),
    "linear on every position": (
        lambda: nn.Sequential(nn.Linear(9, 5), nn.GELU(), nn.Linear(5, 9)),
        (1, 4, 6, 9),
    ),
    "attention spelled out": (lambda: Attention(fused=False), (1, 4, 5, 6)),
    "fused attention": (lambda: Attention(fused=True), (1, 4, 5, 6)),
    "a layer called twice": (Shared, (1, 4, 8, 8)),
    "functions on parameters": (OwnWeights, (1, 4, 9, 9)),
    "a product of two maps": (lambda: Lambda(lambda x: x @ x.transpose(2, 3)), (1, 4, 5, 6)),
    "a weight-normalised layer": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 8, 3))),
        (1, 4, 8, 8),
    ),
    "a batch": (lambda: heads(nn.Conv2d(4, 8, 3)), (5, 4, 16, 16)),
    "attention in a batch": (lambda: Attention(fused=True), (3, 4, 5, 6)),
}


def analysed(model: nn.Module, shape: Sequence[int]) -> Analysis:
    return analyse(trace(model, [torch.empty(tuple(shape), device="meta")]))


@pytest.mark.parametrize("name", MODELS)
def test_macs_are_half_of_what_the_flop_counter_counts(name: str) -> None:
    build, shape = MODELS[name]
    model = build().eval()
    layers = analysed(model, shape).layers
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        model(torch.rand(shape))
    assert counter.get_total_flops() > 0
    assert 2 * shape[0] * sum(x.layer.macs for x in layers) == counter.get_total_flops()


@pytest.mark.parametrize("name", MODELS)
def test_params_are_those_of_the_model(name: str) -> None:
    build, shape = MODELS[name]
    model = build()
    analysis = analysed(model, shape)
    assert analysis.totals.params == sum(p.numel() for p in model.parameters())
    unused = sum(p.numel() for name, p in model.named_parameters() if name == "unused")
    assert sum(x.layer.params for x in analysis.layers) == analysis.totals.params - unused


def test_a_layer_called_twice_counts_its_work_twice_and_its_parameters_once() -> None:
    first, _, second = analysed(Shared(), (1, 4, 8, 8)).layers
    assert (first.layer.call, second.layer.call) == (0, 1)
    assert (first.layer.params, second.layer.params) == (4 * 4 * 9 + 4, 0)
    assert (first.layer.macs, second.layer.macs) == (16 * 9 * 64, 16 * 9 * 16)
