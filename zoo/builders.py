"""Any model of the zoos, by title, as a builder that a file can import."""

from __future__ import annotations

from torch import nn

from zoo.models import all_models


def build(title: str) -> nn.Module:
    """The model `title` names, such as torchvision/resnet18, with random weights."""
    model: nn.Module = all_models()[title].builder()
    return model
