"""Habits of real code that a recorder has to follow as torch does, with modules and tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import rflint
from rflint.analysis.analysis import Analysis
from rflint.errors import RflintError


class Two(nn.Module):
    """A 3x3 and a 5x5 convolution, and code between and around them."""

    def __init__(self, code: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 5, padding=2)
        self.head, self.identity = nn.Conv2d(8, 2, 1), nn.Identity()
        self.norm, self.act = nn.BatchNorm2d(8), nn.ReLU()
        self.code = code

    def forward(self, x: Tensor) -> Any:
        return self.code(self, x)


def analysis(model: Any, shape: tuple[int, ...] = (1, 3, 16, 24), **options: Any) -> Analysis:
    return rflint.lint(model, input=shape, **options).models[0].analysis


def seen(found: Analysis, name: str) -> tuple[Any, ...]:
    """How much the input of a layer has seen, along both axes."""
    (layer,) = [x for x in found.layers if x.layer.name == name]
    return tuple((axis.r_min, axis.r_max) for axis in layer.input_field)


# -- modules are called as torch lets them be called


def a_tuple(m: Any, x: Tensor) -> Tensor:
    a = m.a(x)
    maps = m.identity((a, m.b(a)))
    assert isinstance(maps, tuple)
    return m.head(maps[-1])


def a_list(m: Any, x: Tensor) -> Tensor:
    a = m.a(x)
    maps = m.identity([a, m.b(a)])
    assert len(maps) == 2
    return m.head(maps[1])


def a_dictionary(m: Any, x: Tensor) -> Tensor:
    a = m.a(x)
    return m.head(m.identity({"low": a, "high": m.b(a)})["high"])


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize("code", [a_tuple, a_list, a_dictionary])
def test_identity_gives_back_what_it_gets(code: Callable[..., Any], tracer: str) -> None:
    assert seen(analysis(Two(code), tracer=tracer), "head") == ((7, 7), (7, 7))


@pytest.mark.parametrize(
    "code",
    [
        lambda m, x: m.identity(m.a(x), x),
        lambda m, x: m.identity(),
        lambda m, x: m.identity(m.a(x), scale=2),
        lambda m, x: m.act([m.a(x)]),
        lambda m, x: m.act(m.a(x), True),
        lambda m, x: m.norm((m.a(x),)),
        lambda m, x: m.head([m.a(x)]),
        lambda m, x: m.head(m.a(x), None),
        lambda m, x: F.relu([m.a(x)]),  # type: ignore[arg-type]
        lambda m, x: F.max_pool2d((m.a(x),), 2),
    ],
)
def test_what_torch_refuses_is_refused(code: Callable[..., Any]) -> None:
    model = Two(code)
    with pytest.raises((TypeError, AttributeError)) as refused:
        model(torch.rand(1, 3, 16, 24))
    with pytest.raises(RflintError) as raised:
        analysis(model)
    assert raised.value.kind == "trace"
    assert type(refused.value).__name__ in raised.value.message


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
def test_a_module_with_a_forward_of_its_own_is_followed_into(tracer: str) -> None:
    def build() -> nn.Module:
        model = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU())
        own = model[0].forward
        model[0].forward = lambda x: own(own(x))  # type: ignore[method-assign]
        return model

    found = analysis(build, tracer=tracer)
    assert found.totals.macs == 2 * 81 * 16 * 24
    assert found.layers[-1].output_field[0].r_max == 5


# -- tensors that change in place


def turned(m: Any, x: Tensor) -> Tensor:
    x = m.a(x)
    x.transpose_(2, 3)
    x.swapaxes_(2, 3)
    x.unsqueeze_(2)
    x.squeeze_(2)
    x.swapdims_(2, 3)
    return m.b(x)


def test_views_in_place_change_the_tensor_and_no_other() -> None:
    model = Two(turned)
    assert model(torch.rand(1, 3, 16, 24)).shape == (1, 8, 24, 16)
    found = analysis(model)
    layers = {x.layer.name: x.layer for x in found.layers}
    assert layers["a"].out_shape == (1, 8, 16, 24)
    assert layers["b"].in_shape == (1, 8, 24, 16)
    assert found.architecture.output_shapes == ((1, 8, 24, 16),)
    assert seen(found, "b") == ((3, 3), (3, 3))


def test_a_turned_matrix_keeps_its_other_views() -> None:
    def code(m: Any, x: Tensor) -> Tensor:
        rows = m.a(x)[0, :, 0]
        other = rows.t()
        rows.t_()
        assert rows.shape == other.shape == (24, 8)
        return rows + other

    assert analysis(Two(code)).architecture.output_shapes == ((24, 8),)


def test_what_is_assigned_to_data_takes_its_place() -> None:
    def code(m: Any, x: Tensor) -> Tensor:
        y = m.a(x)
        y.data = m.b(y)
        return m.head(y)

    assert seen(analysis(Two(code)), "head") == ((7, 7), (7, 7))


def test_storage_may_be_freed() -> None:
    """As reversible blocks do, which compute it again for the gradients."""

    def code(m: Any, x: Tensor) -> Tensor:
        y = m.a(x)
        z = m.b(y)
        y.untyped_storage().resize_(0)
        return m.head(z)

    assert seen(analysis(Two(code)), "head") == ((7, 7), (7, 7))


# -- what wraps code


class Squared(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return F.conv2d(x, weight, padding=2) ** 2

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        raise NotImplementedError


def autograd_function(m: Any, x: Tensor) -> Tensor:
    return m.head(Squared.apply(m.a(x), m.b.weight))


def checkpointed(m: Any, x: Tensor) -> Tensor:
    return m.head(checkpoint(m.b, m.a(x), use_reentrant=True))


def called_by_func(m: Any, x: Tensor) -> Tensor:
    return m.head(torch.func.functional_call(m.b, dict(m.b.named_parameters()), (m.a(x),)))


@torch.no_grad()
def without_gradients(m: Any, x: Tensor) -> Tensor:
    return m.head(m.b(m.a(x)))


@torch.inference_mode()
def in_inference(m: Any, x: Tensor) -> Tensor:
    return m.head(m.b(m.a(x)))


@pytest.mark.parametrize(
    "code", [autograd_function, checkpointed, called_by_func, without_gradients, in_inference]
)
def test_wrapped_code_is_followed(code: Callable[..., Any]) -> None:
    found = analysis(Two(code))
    assert found.complete
    assert seen(found, "head") == ((7, 7), (7, 7))


# -- what stands for a tensor, a module or a batch by another name


def copies_modules(m: Any, x: Tensor) -> Tensor:
    copies = copy.deepcopy({"a": m.a, "rest": [m.b, m.head]})
    return copies["rest"][1](copies["rest"][0](copies["a"](x)))


def copies_tensors(m: Any, x: Tensor) -> Tensor:
    first = m.a(x)
    both = copy.deepcopy([first, first])
    assert both[0] is both[1]
    return m.head(m.b(both[0]))


def makes_parameters(m: Any, x: Tensor) -> Tensor:
    weight = nn.Parameter(m.b.weight * 2)
    return m.head(F.conv2d(m.a(x), weight, padding=2))


def maps_over_samples(m: Any, x: Tensor) -> Tensor:
    return torch.vmap(lambda one: m.head(m.b(m.a(one[None])))[0])(x)


def maps_over_two(m: Any, x: Tensor) -> Tensor:
    def both(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        return m.b(m.a(one)), other * 2

    maps, _ = torch.func.vmap(both, in_dims=(2, None), out_dims=(1, 0))(x[:, :, None], x)
    return m.head(maps.transpose(0, 1)[0])


def yields(m: Any, x: Tensor) -> Any:
    a = m.a(x)
    yield a
    yield m.head(m.b(a))


def promises(m: Any, x: Tensor) -> Any:
    return (module(m.b(m.a(x))) for module in [m.head])


@pytest.mark.parametrize(
    "code",
    [
        copies_modules,
        copies_tensors,
        makes_parameters,
        maps_over_samples,
        maps_over_two,
        yields,
        promises,
    ],
)
def test_layers_are_found_whatever_stands_for_them(code: Callable[..., Any]) -> None:
    found = analysis(Two(code))
    assert found.complete
    convolutions = [x for x in found.layers if x.layer.kind.is_convolution]
    assert [[axis.r_min for axis in x.input_field] for x in convolutions] == [
        [1, 1],
        [3, 3],
        [7, 7],
    ]
    assert all(x.layer.parameters for x in convolutions if code is not copies_modules)


def test_a_function_that_is_mapped_over_many_samples_is_refused_with_their_number() -> None:
    with pytest.raises(RflintError, match="maps a function over 384 samples"):
        analysis(Two(lambda m, x: torch.vmap(lambda one: one * 2)(m.a(x)[0, 0].flatten())))


def test_what_torch_export_made_is_linted_as_what_it_was_made_of() -> None:
    """It knows no mode, and refuses to be asked for one."""

    def exported() -> nn.Module:
        plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)).eval()
        return torch.export.export(plain, (torch.rand(1, 3, 16, 24),)).module()

    for model in (exported, exported()):
        found = analysis(model)
        assert found.complete
        assert [x.input_field[0].r_min for x in found.layers] == [1, 3, 3]
        assert not rflint.lint(model, input=(1, 3, 16, 24), select=["RF3"]).findings


def test_how_often_every_number_occurs_is_known_at_run_time_only() -> None:
    """The number of counts depends on the largest value."""
    found = analysis(Two(lambda m, x: torch.bincount(m.a(x).int().flatten())))
    assert found.architecture.left_out is not None
    assert "bincount()" in found.architecture.left_out.reason


@pytest.mark.parametrize(
    "code",
    [
        lambda m, x: m.head(m.b(m.a(x) / np.sqrt(64))),
        lambda m, x: m.head(m.b(np.float32(2) * m.a(x))),
        lambda m, x: m.head(m.b(m.a(x).clamp(min=np.float64(0)) + np.pi)),
        lambda m, x: m.head(m.b(torch.mul(m.a(x), np.int64(2)))),
    ],
    ids=["divided", "in front", "keyword", "function"],
)
def test_numbers_of_numpy_are_numbers(code: Callable[..., Any]) -> None:
    found = analysis(Two(code))
    assert found.complete
    assert seen(found, "head") == ((7, 7), (7, 7))


def test_an_encoder_that_is_given_a_padding_mask_is_followed_in_evaluation() -> None:
    """PyTorch looks at the mask to choose between two ways to the same result."""

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv1d(16, 32, 3, padding=1)
            layer = nn.TransformerEncoderLayer(32, 4, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2)

        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            sequence = self.stem(x).transpose(1, 2)
            encoded: torch.Tensor = self.encoder(sequence, src_key_padding_mask=mask)
            return encoded

    report = rflint.lint(Encoder, input=["2x16x50", "2x50:bool"]).models[0]
    names = {layer.layer.name for layer in report.layers}
    assert report.analysis.complete
    assert not report.findings
    assert report.analysis.architecture.tracer == "symbolic"
    assert {"encoder.layers.0.linear1", "encoder.layers.1.linear2"} <= names
