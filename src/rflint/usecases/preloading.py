"""What workers import before they are given an order."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rflint.errors import RflintError
from rflint.usercode.closure import import_closure

TORCH = ("rflint.usecases.warm_up:warm_up",)
"""What every worker imports and calls, so that it has torch and all else that linting needs."""
_OWN = ("torch", "rflint")


def packages_of(targets: Iterable[tuple[str, Path, tuple[Path, ...]]]) -> tuple[str, ...]:
    """Modules of installed packages that targets import: a worker imports them once for all.

    Each model has a process that could import them, which takes seconds. A target is given with
    the folder that it is relative to, and those in which its modules are looked for first.
    """
    found: set[str] = set()
    for target, root, pythonpath in dict.fromkeys(targets):
        with suppress(RflintError):  # linting it will say what is wrong with it
            found |= import_closure(target, root, pythonpath).outside
    return tuple(sorted(x for x in found if x.partition(".")[0] not in _OWN))
