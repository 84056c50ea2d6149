"""Keep packages from asking the network while a model is built."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_VARIABLES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
}
"""What tells packages that there is no network, and that nothing is to be installed."""
_CONSTANTS, _OFFLINE = "huggingface_hub.constants", "HF_HUB_OFFLINE"
"""Where huggingface_hub keeps what it has read of its variable when it was imported."""


@contextmanager
def offline() -> Iterator[None]:
    """Packages that ask for it are told that there is no network, during the block.

    Afterwards the environment is what it was.
    """
    before = {name: os.environ.get(name) for name in _VARIABLES}
    loaded = sys.modules.get(_CONSTANTS)
    was_offline = getattr(loaded, _OFFLINE, None) if loaded else _says_offline()
    os.environ.update(_VARIABLES)
    _set_offline(True)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _set_offline(was_offline)


def _says_offline() -> bool:
    """What huggingface_hub would have read of the environment."""
    said = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return said.upper() in {"1", "ON", "YES", "TRUE"}


def _set_offline(value: Any) -> None:
    constants = sys.modules.get(_CONSTANTS)
    if constants is not None and hasattr(constants, _OFFLINE):
        setattr(constants, _OFFLINE, value)
