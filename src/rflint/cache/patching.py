"""Replace functions of other modules, so that an observer is told of every call."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeAlias

from rflint.cache.observer import CANNOT_BE_FOLLOWED, Observer

Note: TypeAlias = Callable[..., Callable[[], None] | None]
"""Is called with the arguments of a replaced function, before the function is.

What it returns, if anything, is called after the function."""


class _ObservedFunction:
    """Stands for a function or class. It is an object, since compiled functions bind to nothing."""

    def __init__(self, observer: Observer, original: Any, note: Note) -> None:
        functools.update_wrapper(self, original, updated=())
        self.observer, self.original, self.note = observer, original, note

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        afterwards = None
        if self.observer.active:
            try:
                afterwards = self.note(*args, **kwargs)
            except Exception:  # wrong arguments: the call itself will raise the right error
                self.observer.not_cacheable(CANNOT_BE_FOLLOWED)
        try:
            return self.original(*args, **kwargs)
        finally:
            if afterwards is not None:
                afterwards()

    def __getattr__(self, name: str) -> Any:
        if name == "original":  # not yet set, as while the object is copied
            raise AttributeError(name)
        return getattr(self.original, name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Other processes get the original."""
        return _attribute, (self.original.__module__, self.original.__name__)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self.original)

    def __mro_entries__(self, bases: Any) -> tuple[Any, ...]:
        return (self.original,)

    # sets such as os.supports_fd are asked whether they contain the function
    def __eq__(self, other: object) -> bool:
        return other is self or bool(self.original == other)

    def __hash__(self) -> int:
        return hash(self.original)


def _attribute(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


class FunctionPatches:
    """A context manager that puts back what was replaced in it.

    What the user's code has replaced meanwhile stays.
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self._replaced: list[tuple[Any, str, Any, _ObservedFunction, bool]] = []

    def __enter__(self) -> FunctionPatches:
        return self

    def replace(self, owner: Any, name: str, note: Note) -> None:
        """Replace a function of a module or class, if there is one of this name."""
        original = getattr(owner, name, None)
        if original is not None:
            observed = _ObservedFunction(self.observer, original, note)
            self._replaced.append((owner, name, original, observed, name in vars(owner)))
            setattr(owner, name, observed)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for owner, name, original, observed, was_its_own in self._replaced:
            if owner.__dict__.get(name) is not observed:
                continue  # the user's code has replaced it
            if was_its_own:
                setattr(owner, name, original)
            else:  # it was inherited from a base class
                delattr(owner, name)
