"""`train-res`: what is different at the size of training, held against linting each size by itself.

What strided layers leave, and what adaptive poolings read, is counted in the running network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint
from rflint.analysis.sizes.difference import windows_of_pooling
from rflint.errors import RflintError
from rflint.report.train_size import TrainSize
from rflint.tracing import traced_model


def compared(build: Callable[[], nn.Module], res: Any, train_res: Any, **options: Any) -> TrainSize:
    (model,) = rflint.lint(build, res=res, train_res=train_res, **options).models
    assert model.train_size is not None
    return model.train_size


def codes(build: Callable[[], nn.Module], res: Any) -> set[tuple[str, str, int]]:
    return {(x.code, x.layer, x.call) for x in rflint.lint(build, res=res).findings}


@st.composite
def networks(draw: st.DrawFn) -> nn.Module:
    """Convolutions and poolings with strides, and an adaptive pooling in front of a classifier."""
    odd, number = st.sampled_from([1, 3, 5]), st.integers(1, 3)

    def conv() -> nn.Module:
        kernel = draw(odd)
        return nn.Conv2d(4, 4, kernel, draw(number), kernel // 2 * draw(st.booleans()))

    parts: list[nn.Module] = [nn.Conv2d(3, 4, 3, draw(number), 1)]
    for _ in range(draw(st.integers(1, 4))):
        parts.append(
            conv() if draw(st.booleans()) else nn.MaxPool2d(2, ceil_mode=draw(st.booleans()))
        )
        parts.append(nn.ReLU())
    bins = draw(st.integers(1, 4))
    return nn.Sequential(
        *parts, nn.AdaptiveAvgPool2d(bins), nn.Flatten(), nn.Linear(4 * bins * bins, 5)
    )


def runs(model: nn.Module, res: int) -> bool:
    try:
        return bool(model(torch.rand(2, 3, res, res)).numel())
    except RuntimeError:
        return False


@settings(max_examples=40, deadline=None)
@given(networks(), st.integers(9, 48), st.integers(9, 48))
def test_it_tells_what_only_one_of_the_sizes_has(model: nn.Module, res: int, trained: int) -> None:
    assume(res != trained and runs(model, res) and runs(model, trained))
    found = compared(lambda: model, res, trained)
    here, there = codes(lambda: model, res), codes(lambda: model, trained)
    assert {(x.code, x.layer, x.call) for x in found.findings} == there - here
    assert {(x.code, x.layer, x.call) for x in found.not_there} == here - there
    entry = found.to_dict()
    assert entry["resolution"] == [trained, trained]
    for name, size in (("trained", trained), ("here", res)):
        layers = rflint.lint(model, res=size).to_dict()["models"][0]["layers"]
        last = next(x for x in layers if x["name"] == entry["last_map"]["layer"])
        assert entry["last_map"][name] == last["out_shape"][2:]
        assert entry["last_map"][f"sees_{name}"] == last["r_out_max"]


def left_over(module: nn.Module, given: int) -> int:
    """How many positions of the padded map lie behind the last window that fits."""
    padding, kernel = (
        x[0] if isinstance(x, tuple) else x for x in (module.padding, module.kernel_size)
    )
    stride = module.stride[0] if isinstance(module.stride, tuple) else module.stride
    padded = F.pad(torch.arange(given).float(), (padding, padding))
    assume(len(padded) >= kernel)  # else a window that is rounded up to reads less than there is
    places = torch.arange(len(padded)).unfold(0, int(kernel), int(stride))
    return len(padded) - 1 - int(places[-1, -1])


@settings(max_examples=40, deadline=None)
@given(networks(), st.integers(9, 48), st.integers(9, 48))
def test_grids_are_what_the_last_window_leaves(model: nn.Module, res: int, trained: int) -> None:
    assume(res != trained and runs(model, res) and runs(model, trained))
    inputs: dict[int, dict[str, int]] = {res: {}, trained: {}}
    for size, seen in inputs.items():
        hooks = [
            part.register_forward_pre_hook(
                lambda _, x, name=name, seen=seen: seen.update({name: x[0].shape[2]})
            )
            for name, part in model.named_children()
            if isinstance(part, nn.Conv2d | nn.MaxPool2d)
        ]
        model(torch.rand(2, 3, size, size))
        for hook in hooks:
            hook.remove()
    expected, same = {}, 0
    for name, part in model.named_children():
        if not isinstance(part, nn.Conv2d | nn.MaxPool2d) or part.stride in (1, (1, 1)):
            continue
        rests = [left_over(part, inputs[size][name]) for size in (trained, res)]
        if rests[0] == rests[1]:
            same += 1
        else:
            expected[name] = rests
    found = compared(lambda: model, res, trained).difference
    assert {x.layer: [x.trained[0], x.used[0]] for x in found.grids} == expected
    assert found.same_grids == same


@given(st.integers(1, 20), st.integers(1, 20))
def test_windows_of_adaptive_poolings(length: int, bins: int) -> None:
    x = torch.ones(1, 1, length, requires_grad=True)
    pooled = F.adaptive_avg_pool1d(x, bins)[0, 0]
    sizes = set()
    for value in pooled:
        (gradient,) = torch.autograd.grad(value, x, retain_graph=True)
        sizes.add(int(gradient.count_nonzero()))
    assert windows_of_pooling(length, bins) == tuple(sorted(sizes))


def vgg_like() -> nn.Module:
    """For 32 pixels: at 8, its head repeats the one position that is left."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(128, 5),
    )


def test_a_head_that_repeats_positions_at_one_size() -> None:
    found = compared(vgg_like, 32, 8)
    assert [x.code for x in found.findings] == ["RF508"]
    (pooling,) = found.to_dict()["poolings"]
    assert pooling == {
        "layer": "6",
        "trained": {"reads": [1, 1], "makes": [4, 4]},
        "here": {"reads": [4, 4], "makes": [4, 4]},
    }
    (model,) = rflint.lint(vgg_like, res=32, train_res=8).models
    assert "RF508" not in [x.code for x in model.findings]
    assert "Only there, RF508 (enlarging-pooling) finds something: 6." in str(
        rflint.lint(vgg_like, res=32, train_res=8)
    )


@pytest.mark.parametrize("train_res", [None, 32, (32, 32)])
def test_of_one_size_it_says_nothing(train_res: Any) -> None:
    (model,) = rflint.lint(vgg_like, res=32, train_res=train_res).models
    assert model.train_size is None
    assert model.to_dict()["train_size"] is None


def test_inputs_of_a_given_shape_are_resized() -> None:
    found = compared(vgg_like, None, 8, input=(1, 3, 32, 32))
    assert found.difference.trained == (8, 8)
    assert [x.code for x in found.findings] == ["RF508"]
    wide = compared(vgg_like, (32, 64), (16, 32))
    assert wide.difference.last_map
    assert wide.difference.last_map.trained == (8, 16)
    assert wide.difference.last_map.used == (16, 32)


class ForOneSize(nn.Module):
    """It refuses other sizes, as models with tables of positions do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2] == 32, "made for 32 pixels"
        y: Tensor = self.conv(x)
        return y


@pytest.mark.parametrize(
    ("train_res", "says"),
    [
        (64, "at the size of training (--train-res): the forward pass fails on a 1x3x64x64 input"),
        ((8, 8, 8), "8x8x8 has 3 axes, the model's input 2"),
    ],
)
def test_a_model_that_does_not_run_at_the_size_of_training_is_told(
    train_res: Any, says: str
) -> None:
    report = rflint.lint(ForOneSize, res=32, train_res=train_res)
    assert report.models[0].train_size is None
    (failure,) = report.failures
    assert isinstance(failure.error, RflintError)
    assert says in failure.error.message


def test_it_costs_one_more_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[tuple[int, ...]] = []
    trace = traced_model.trace

    def counted(model: nn.Module, inputs: Any, *args: Any) -> Any:
        traced.append(tuple(inputs[0].shape[2:]))
        return trace(model, inputs, *args)

    def sound() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU())

    monkeypatch.setattr(traced_model, "trace", counted)
    rflint.lint(sound, res=32)
    alone = traced.copy()
    traced.clear()
    rflint.lint(sound, res=32, train_res=48)
    assert sorted(traced) == sorted([*alone, (48, 48)])
