"""Observe functions of PyTorch that read files or draw random seeds in compiled code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rflint.cache.observer import DREW_RANDOM_NUMBERS, Observer
from rflint.cache.patching import FunctionPatches


@contextmanager
def torch_observed(observer: Observer, patches: FunctionPatches) -> Iterator[None]:
    """Tell an observer of these functions, if torch is imported."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "default_generator"):
        yield
        return

    def from_file(filename: Any = None, shared: Any = False, *_: Any, **__: Any) -> None:
        observer.file_read(filename)
        if shared:
            observer.never_the_same("wrote to a file that it shares")

    given_seeds = {torch.initial_seed()}

    def seeded(seed: Any = None, *_: Any, **__: Any) -> None:
        if isinstance(seed, int):
            given_seeds.add(seed % (1 << 64))

    def drew(*_: Any, **__: Any) -> None:
        observer.never_the_same(DREW_RANDOM_NUMBERS)

    patches.replace(torch._C, "PyTorchFileReader", observer.file_read)
    patches.replace(torch, "from_file", from_file)
    patches.replace(torch.UntypedStorage, "from_file", from_file)
    for owner in (torch, torch.random):
        patches.replace(owner, "manual_seed", seeded)
        patches.replace(owner, "seed", drew)
    for name in ("seed", "seed_all"):
        patches.replace(torch.cuda, name, drew)
        patches.replace(torch.cuda.random, name, drew)
    generator = torch.Generator
    torch.Generator = _observed_generator(generator, drew)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.Generator = generator  # type: ignore[attr-defined]
        if torch.initial_seed() not in given_seeds:  # the shared generator has got a random seed
            observer.not_cacheable(DREW_RANDOM_NUMBERS)


def _observed_generator(generator: Any, drew: Callable[..., None]) -> Any:
    """A subclass of torch.Generator that tells when a random seed is drawn.

    A compiled class cannot be changed, but it can have a subclass. Generators of the class itself
    count as its instances, too.
    """

    class ObservedGeneratorType(type(generator)):  # type: ignore[misc]
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, generator)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, generator)

    class ObservedGenerator(generator, metaclass=ObservedGeneratorType):  # type: ignore[misc]
        def seed(self) -> Any:
            drew()
            return super().seed()

    for name in ("__module__", "__name__", "__qualname__"):
        setattr(ObservedGenerator, name, getattr(generator, name))
    return ObservedGenerator
