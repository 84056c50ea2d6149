"""All models of the zoos as a search space, for `rflint sweep zoo.space:candidates`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from zoo.models import all_models


def candidates() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Title and builder of each model: torchvision/resnet18."""
    for title, model in all_models().items():
        yield title, model.builder
