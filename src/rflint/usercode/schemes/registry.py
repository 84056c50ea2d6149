"""The schemes of targets, and which one a target belongs to.

A scheme is the module of this package that is named like its prefix. It is imported for the first
target that begins so: most runs lint none.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rflint.usercode.schemes.scheme import Scheme

PREFIXES = ("timm", "torchvision", "hf", "hydra", "ultralytics")


@cache
def scheme(prefix: str) -> Scheme:
    """The scheme of one of PREFIXES."""
    found: Scheme = importlib.import_module(f"rflint.usercode.schemes.{prefix}").SCHEME
    return found


def scheme_of(target: str) -> tuple[Scheme, str] | None:
    """The scheme of a target and the name behind it; None for a module or a file."""
    prefix, colon, name = target.partition(":")
    return (scheme(prefix), name) if colon and prefix in PREFIXES else None


def file_of(target: str, root: Path) -> Path | None:
    """The file that a target with a scheme stands for, where it is one."""
    found = scheme_of(target)
    return found[0].file(found[1], root) if found else None
