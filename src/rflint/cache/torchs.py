"""Standing in for functions of PyTorch's that read files or draw seeds in compiled code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rflint.cache.tracking import Tracker

Replace = Callable[[Any, str, Callable[..., None]], None]

_DREW = "drew random numbers"


@contextmanager
def torch_watched(tracker: Tracker, replace: Replace) -> Iterator[None]:
    """As far as torch is imported. `replace` puts back what it has replaced."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "default_generator"):
        yield
        return

    def from_file(filename: Any = None, shared: Any = False, *_: Any, **__: Any) -> None:
        tracker.read(filename)
        if shared:
            tracker.asked("wrote to a file that it shares")

    given = {torch.initial_seed()}

    def seeded(seed: Any = None, *_: Any, **__: Any) -> None:
        if isinstance(seed, int):
            given.add(seed % (1 << 64))

    def drew(*_: Any, **__: Any) -> None:
        tracker.asked(_DREW)

    replace(torch._C, "PyTorchFileReader", tracker.read)
    replace(torch, "from_file", from_file)
    replace(torch.UntypedStorage, "from_file", from_file)
    for owner in (torch, torch.random):
        replace(owner, "manual_seed", seeded)
        replace(owner, "seed", drew)
    for name in ("seed", "seed_all"):
        replace(torch.cuda, name, drew)
        replace(torch.cuda.random, name, drew)
    generator = torch.Generator
    torch.Generator = _noting_seeds(generator, drew)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.Generator = generator  # type: ignore[attr-defined]
        if torch.initial_seed() not in given:  # the one that all code shares got a seed otherwise
            tracker.seen.reasons.setdefault(_DREW)


def _noting_seeds(generator: Any, drew: Callable[..., None]) -> Any:
    """Generators that tell when they choose a seed by themselves; other ones are of this kind, too.

    A class of compiled code cannot be changed, but it can have a subclass.
    """

    class Kind(type(generator)):  # type: ignore[misc]
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, generator)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, generator)

    class Generator(generator, metaclass=Kind):  # type: ignore[misc]
        def seed(self) -> Any:
            drew()
            return super().seed()

    Generator.__module__, Generator.__qualname__ = generator.__module__, generator.__qualname__
    return Generator
