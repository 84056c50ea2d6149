"""Any model of the zoos, by name, as a builder that a file can import."""

from __future__ import annotations

from functools import cache

from torch import nn

from zoo.models import ZOOS, ZooModel, zoo_models


@cache
def _known() -> dict[str, ZooModel]:
    return {model.title: model for zoo in ZOOS for model in zoo_models(zoo)}


def build(title: str) -> nn.Module:
    """The model `title` names, such as torchvision/resnet18, with random weights."""
    model: nn.Module = _known()[title].builder()
    return model
