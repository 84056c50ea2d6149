"""What the user's code may do while it is loaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a target may do while it is imported and built; nothing of this is usual."""

    training: bool = False
    """Take gradients and optimiser steps."""
    downloads: bool = False
    """Fetch something from another machine, such as weights."""


NOTHING_UNUSUAL = Permissions()
