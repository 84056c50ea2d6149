"""Receptive fields that others have published, of models as torchvision and timm build them.

AlexNet, VGG, Inception and MobileNet are in Araujo, Norris and Sim, "Computing Receptive Fields of
Convolutional Neural Networks", Distill 2019, table 1. Their ResNets are those of TF-slim, which
stride in the last block of a stage; torchvision strides in the 3x3 of the first block (v1.5), so
its fields are smaller. By hand (Eq. 1), for ResNet-50:

    stem    7x7/2: r = 7, j = 2;  max pooling 3x3/2: r = 11, j = 4
    layer1  three 3x3 at j = 4: 11 + 3 * 8 = 35
    layer2  a 3x3/2 at j = 4, three at j = 8: 35 + 8 + 3 * 16 = 91
    layer3  a 3x3/2 at j = 8, five at j = 16: 91 + 16 + 5 * 32 = 267
    layer4  a 3x3/2 at j = 16, two at j = 32: 267 + 32 + 2 * 64 = 427

TF-slim: 35 at j = 8, 35 + 4 * 16 = 99 at j = 16, 99 + 6 * 32 = 291 at j = 32, 291 + 3 * 64 = 483,
as in the table. ResNet-101 has 17 more blocks in layer3 than ResNet-50: 427 + 17 * 32 = 971;
ResNet-152 has 4 more in layer2 and 30 more in layer3: 427 + 4 * 16 + 30 * 32 = 1451.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from tests.helpers.on_meta import analysed
from zoo.torchvision_import import import_torchvision

import_torchvision()

import timm  # noqa: E402
from torchvision import models  # noqa: E402


@pytest.mark.parametrize(
    ("build", "size", "module", "r_max"),
    [
        (models.alexnet, 224, "features", 195),
        (models.vgg16, 224, "features", 212),
        (partial(timm.create_model, "mobilenetv1_100"), 224, "blocks", 315),
        (partial(timm.create_model, "inception_v3"), 299, "Mixed_7c", 1311),
        (partial(timm.create_model, "inception_v4"), 299, "features", 2071),
        (partial(timm.create_model, "inception_resnet_v2"), 299, "conv2d_7b", 3039),
        (models.resnet50, 224, "layer4", 427),
        (models.resnet101, 224, "layer4", 971),
        (models.resnet152, 224, "layer4", 1451),
    ],
)
def test_published_receptive_fields(
    build: Callable[[], nn.Module], size: int, module: str, r_max: int
) -> None:
    with torch.device("meta"):
        model = build().eval()
    analysis = analysed(model, (1, 3, size, size))
    inside = [x for x in analysis.layers if f"{x.layer.scope}.".startswith(f"{module}.")]
    for axis in inside[-1].output_field:
        assert (axis.r_max, axis.jump) == (r_max, 32)
