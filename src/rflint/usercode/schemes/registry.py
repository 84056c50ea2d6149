"""The schemes of targets, and which one a target belongs to."""

from __future__ import annotations

from pathlib import Path

from rflint.usercode.schemes import hf, hydra, timm, torchvision, ultralytics
from rflint.usercode.schemes.scheme import Scheme

SCHEMES: tuple[Scheme, ...] = tuple(
    module.SCHEME for module in (timm, torchvision, hf, hydra, ultralytics)
)
PREFIXES = tuple(scheme.prefix for scheme in SCHEMES)


def scheme_of(target: str) -> tuple[Scheme, str] | None:
    """The scheme of a target and the name behind it; None for a module or a file."""
    prefix, colon, name = target.partition(":")
    found = next((scheme for scheme in SCHEMES if scheme.prefix == prefix), None)
    return (found, name) if found and colon else None


def file_of(target: str, root: Path) -> Path | None:
    """The file that a target with a scheme stands for, where it is one."""
    found = scheme_of(target)
    return found[0].file(found[1], root) if found else None
