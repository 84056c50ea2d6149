"""Models that are prepared for quantisation: fake-quantised, or observed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.ao import quantization
from torch.nn import functional as F

import rflint


class Network(nn.Module):
    """Two convolutions of 3x3, the first with a normalisation and an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.quantise = quantization.QuantStub()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.dequantise = quantization.DeQuantStub()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.first(self.quantise(x))))
        return self.dequantise(self.second(x))


FUSED = [["first", "norm", "relu"]]


def trained() -> nn.Module:
    model = Network().train()
    model.qconfig = quantization.get_default_qat_qconfig("qnnpack")
    return quantization.prepare_qat(model)


def trained_fused() -> nn.Module:
    model = quantization.fuse_modules_qat(Network().train(), FUSED)
    model.qconfig = quantization.get_default_qat_qconfig("x86")
    return quantization.prepare_qat(model)


def observed() -> nn.Module:
    model = quantization.fuse_modules(Network().eval(), FUSED)
    model.qconfig = quantization.get_default_qconfig("x86")
    return quantization.prepare(model)


class Functional(Network):
    def forward(self, x: Tensor) -> Tensor:
        scales, zeros = torch.ones(8), torch.zeros(8)
        weight = torch.fake_quantize_per_channel_affine(
            self.second.weight, scales, zeros, 0, -128, 127
        )
        x = torch.fake_quantize_per_tensor_affine(self.first(x), 0.1, 0, 0, 255)
        return F.conv2d(self.norm(x), weight, self.second.bias, padding=1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("build", [trained, trained_fused, observed, Functional])
@pytest.mark.parametrize("train", [False, True])
def test_rounding_changes_no_receptive_field(build: Callable[[], nn.Module], train: bool) -> None:
    report = rflint.lint(build, res=16, train=train)
    analysis = report.models[0].analysis
    assert analysis.complete
    assert [axis.r_max for axis in report.layers[-1].output_field] == [5, 5]
    assert analysis.totals.macs == (3 + 8) * 8 * 9 * 16 * 16
    assert not [x for x in report.findings if x.code in ("RF302", "RF901", "RF902")]
