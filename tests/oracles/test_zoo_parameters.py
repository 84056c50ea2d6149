"""What is said of the parameters of real networks at small inputs is true, in both modes.

The oracle is PyTorch, with weights and numbers at random: weights that are called dead have a
gradient of exactly zero, and another bias that is called redundant changes nothing but rounding.
"""

from __future__ import annotations

import os

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.report.model_report import ModelReport
from zoo.models import ZooModel
from zoo.sample import SAMPLE

FEW = [
    ("torchvision/resnet18", 32),
    ("torchvision/alexnet", 64),
    ("timm/ghostnet_050", 33),
    ("timm/lambda_resnet26t", 64),
    ("timm/skresnet18", 32),
]
OF_TWO_IMAGES = "torchvision/raft_small"
MANY = [(title, size) for title in SAMPLE if title != OF_TWO_IMAGES for size in (32, 33, 64)]
"""`FUZZ_EXAMPLES` is set by `make fuzz`; most models refuse some of these sizes."""


@pytest.mark.parametrize(("title", "size"), MANY if "FUZZ_EXAMPLES" in os.environ else FEW)
def test_what_is_said_of_parameters_is_true(
    title: str, size: int, zoo: dict[str, ZooModel]
) -> None:
    torch.manual_seed(0)
    model = zoo[title].builder()
    x = torch.rand(2, 3, size, size)
    if any(run(model, x, training=training) is None for training in (False, True)):
        assert "FUZZ_EXAMPLES" in os.environ, "torch does not run it"
        return
    model.eval()
    (report,) = rflint.lint(model, input=tuple(x.shape), select="RF201,RF301,RF303").models
    for training in (False, True):
        assert not_dead(model, report, x, training=training) == {}
        assert not_redundant(model, report, x, training=training) == []


def test_some_of_them_have_dead_weights_and_redundant_biases(zoo: dict[str, ZooModel]) -> None:
    (report,) = rflint.lint(zoo["timm/lambda_resnet26t"].builder, res=64, select="RF301").models
    assert report.analysis.totals.dead_weights > 0


def run(model: nn.Module, x: Tensor, *, training: bool) -> Tensor | None:
    """The first result; None where torch refuses the size."""
    torch.manual_seed(1)
    model.train(training)
    try:
        found = model(x)
    except (RuntimeError, ValueError, AssertionError):
        return None
    while not isinstance(found, Tensor):
        found = next(iter(found.values())) if isinstance(found, dict) else found[0]
    return found


def not_dead(
    model: nn.Module, report: ModelReport, x: Tensor, *, training: bool
) -> dict[str, tuple[int, int]]:
    """Layers of which more weights are called dead than have no gradient: both numbers."""
    model.zero_grad(set_to_none=True)
    result = run(model, x, training=training)
    assert result is not None
    (result * torch.rand_like(result)).sum().backward()
    parameters = dict(model.named_parameters())
    found = {}
    for layer in report.layers:
        gradients = [parameters[name].grad for name in layer.layer.weight if layer.dead_weights]
        zeros = sum(int((g == 0).sum()) for g in gradients if g is not None)
        if gradients and None not in gradients and zeros < layer.dead_weights:
            found[layer.layer.name] = (layer.dead_weights, zeros)
    return found


def not_redundant(model: nn.Module, report: ModelReport, x: Tensor, *, training: bool) -> list[str]:
    """Biases that are called redundant, and whose gradient in training is more than rounding."""
    parameters = dict(model.named_parameters())
    layers = [finding.layer for finding in report.findings if finding.code == "RF303"]
    biases = [parameters[f"{layer}.bias"] for layer in layers]
    if not training or not biases:
        return []
    weights = [parameters[f"{layer}.weight"] for layer in layers]
    return [
        layer
        for layer, bias, weight in zip(layers, biases, weights, strict=True)
        if bias.grad is not None
        and weight.grad is not None
        and bias.grad.abs().max() > 1e-3 * weight.grad.abs().max() + 1e-4
    ]
