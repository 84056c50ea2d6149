"""The shapes that operators give, against those that PyTorch gives, for random arguments."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from rflint.analysis.analyse import analyse
from rflint.tracing.trace import trace
from tests.helpers.against_torch import assert_same_shape, shapes_of, traced
from tests.helpers.modules import Lambda
from tests.helpers.operator_examples import Function, image
from tests.helpers.random_convolutions import (
    Case,
    convolutions,
    one_or_per_axis,
    shapes,
    transposed_convolutions,
)

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
