"""Modules whose weights were replaced after they were built: PyTorch computes with the weights.

Their attributes (in_channels, kernel_size, num_features, ...) still say how they were built. Shapes
and multiply-accumulates are held against the running module.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.utils.flop_counter import FlopCounterMode

import rflint


def grey_stem() -> nn.Module:
    stem = nn.Conv2d(3, 8, 3, padding=1)
    stem.weight = nn.Parameter(stem.weight.sum(1, keepdim=True))
    return nn.Sequential(stem, nn.Conv2d(8, 8, 3))


def grey_data() -> nn.Module:
    stem = nn.Conv2d(3, 8, 3, padding=1)
    stem.weight.data = stem.weight.data.mean(1, keepdim=True)
    return nn.Sequential(stem)


def pruned_channels() -> nn.Module:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.PReLU(8), nn.Conv2d(8, 8, 3)
    )
    first, norm, activation, second = model
    for module, names in (
        (first, ["weight", "bias"]),
        (norm, ["weight", "bias"]),
        (activation, ["weight"]),
    ):
        for name in names:
            setattr(module, name, nn.Parameter(getattr(module, name).data[:4]))
    norm.running_mean, norm.running_var = norm.running_mean[:4], norm.running_var[:4]
    second.weight = nn.Parameter(second.weight.data[:, :4])
    return model


def enlarged_kernel() -> nn.Module:
    conv = nn.Conv2d(3, 4, 3, padding=1)
    conv.weight = nn.Parameter(torch.rand(4, 3, 5, 7))
    return nn.Sequential(conv)


def enlarged_same() -> nn.Module:
    conv = nn.Conv2d(3, 4, 3, padding="same", dilation=2)
    conv.weight = nn.Parameter(torch.rand(4, 3, 5, 7))
    return nn.Sequential(conv)


def enlarged_mirroring() -> nn.Module:
    conv = nn.Conv2d(3, 4, 3, padding="same", padding_mode="reflect")
    conv.weight = nn.Parameter(torch.rand(4, 3, 5, 7))
    return nn.Sequential(conv)


def pruned_depthwise() -> nn.Module:
    conv = nn.Conv2d(8, 8, 3, groups=8)
    conv.weight, conv.bias = nn.Parameter(conv.weight.data[:4]), None
    conv.groups = 4
    return nn.Sequential(nn.Conv2d(3, 4, 1), conv)


def pruned_transposed() -> nn.Module:
    conv = nn.ConvTranspose2d(8, 8, 2, stride=2)
    conv.weight = nn.Parameter(conv.weight.data[:3, :5])
    conv.bias = nn.Parameter(conv.bias.data[:5])
    return nn.Sequential(conv)


def pruned_linear() -> nn.Module:
    linear = nn.Linear(3 * 16 * 16, 10)
    linear.weight, linear.bias = nn.Parameter(linear.weight.data[:4]), None
    return nn.Sequential(nn.Flatten(), linear)


def pruned_groups() -> nn.Module:
    norm = nn.GroupNorm(2, 8)
    norm.weight, norm.bias = nn.Parameter(torch.ones(4)), nn.Parameter(torch.zeros(4))
    return nn.Sequential(nn.Conv2d(3, 4, 3), norm)


def forgetful_norm() -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(99, affine=False, track_running_stats=False))


def instance_norm() -> nn.Module:
    return nn.Sequential(nn.InstanceNorm2d(99), nn.Conv2d(3, 4, 3))


class Embedded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 8)
        self.table.weight = nn.Parameter(torch.rand(20, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.table(x[:, 0].long())


def masked() -> nn.Module:
    model = pruned_channels()
    prune.l1_unstructured(model[0], "weight", amount=0.5)
    prune.ln_structured(model[3], "weight", amount=0.5, n=2, dim=0)
    return model


def normalised() -> nn.Module:
    return nn.Sequential(
        nn.utils.weight_norm(nn.Conv2d(3, 8, 3)),
        parametrizations.weight_norm(nn.Conv2d(8, 8, 3)),
        nn.utils.spectral_norm(nn.Conv2d(8, 8, 3)),
        parametrizations.spectral_norm(nn.Conv2d(8, 8, 3)),
    )


class Repeated(nn.Module):
    """One filter for all channels."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight.expand(8, -1, -1, -1)


def parametrised() -> nn.Module:
    conv = nn.Conv2d(3, 1, 3, bias=False)
    parametrize.register_parametrization(conv, "weight", Repeated(), unsafe=True)
    return nn.Sequential(conv, nn.Conv2d(8, 2, 3))


def plain_tensor() -> nn.Module:
    conv = nn.Conv2d(3, 8, 3)
    weight = conv.weight.data[:2].clone()
    del conv.weight
    conv.weight, conv.bias = weight, None
    return nn.Sequential(conv)


REPLACED: list[tuple[Callable[[], nn.Module], int]] = [
    (grey_stem, 1),
    (grey_data, 1),
    (pruned_channels, 3),
    (enlarged_kernel, 3),
    (enlarged_same, 3),
    (enlarged_mirroring, 3),
    (pruned_depthwise, 3),
    (pruned_transposed, 3),
    (pruned_linear, 3),
    (pruned_groups, 3),
    (forgetful_norm, 3),
    (instance_norm, 3),
    (Embedded, 3),
    (masked, 3),
    (normalised, 3),
    (parametrised, 3),
    (plain_tensor, 3),
]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(("build", "channels"), REPLACED, ids=lambda x: getattr(x, "__name__", ""))
def test_the_weights_count_and_not_the_attributes(
    build: Callable[[], nn.Module], channels: int
) -> None:
    x = torch.rand(1, channels, 16, 16)
    with FlopCounterMode(display=False) as counter:
        expected = build().eval()(x).shape
    (model,) = rflint.lint(build, input=tuple(x.shape)).models
    assert model.layers[-1].layer.out_shape == tuple(expected)
    assert model.analysis.totals.macs == counter.get_total_flops() // 2
    assert model.analysis.complete


def test_an_input_is_inferred_from_the_weights() -> None:
    assert rflint.lint(grey_stem, res=16).to_dict()["models"][0]["inputs"] == [[1, 1, 16, 16]]


def test_a_kernel_is_as_large_as_its_weight() -> None:
    (layer,) = rflint.lint(enlarged_kernel, res=16).layers
    assert layer.layer.geometry.kernel == (5, 7)
    assert [axis.r_max for axis in layer.output_field] == [5, 7]


def test_weights_that_torch_refuses_are_refused() -> None:
    def half_depthwise() -> nn.Module:
        conv = nn.Conv2d(8, 8, 3, groups=8)
        conv.weight = nn.Parameter(conv.weight.data[:4])
        return nn.Sequential(nn.Conv2d(3, 8, 1), conv)

    with pytest.raises(RuntimeError):
        half_depthwise()(torch.rand(1, 3, 16, 16))
    with pytest.raises(rflint.RflintError, match="groups"):
        rflint.lint(half_depthwise, res=16)
