"""Models of installed packages, found by reading the packages: importing them takes seconds."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from rflint.usercode.schemes.registry import scheme

_REGISTERED = re.compile(r"^@register_model\b[\s\S]*?^def (\w+)", re.MULTILINE)
_WITH_REGISTRY = ("timm", "torchvision")


def registered(name: str) -> list[str]:
    """The targets with a scheme for a name that stands alone: `timm:resnet18` for `resnet18`."""
    return [
        f"{prefix}:{name}"
        for prefix in _WITH_REGISTRY
        if name.isidentifier() and name in _names(scheme(prefix).package, scheme(prefix).registry)
    ]


def _names(package: str, folder: str) -> Iterator[str]:
    """The names that the files of an installed package register."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # a finder refuses it; a loaded module without a __spec__
        return
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for file in sorted(Path(place, folder).rglob("*.py")):
            yield from _REGISTERED.findall(file.read_text(encoding="utf-8", errors="replace"))
