"""Models of transformers, whose classes want a configuration object in their constructor."""

from __future__ import annotations

import importlib
from typing import Any


def build(name: str, **configuration: Any) -> Any:
    """A model by its class's name, with the defaults of its configuration, some of them changed.

    Weights are random: nothing is loaded.
    """
    model_class = getattr(importlib.import_module("transformers"), name)
    return model_class(model_class.config_class(**configuration))
