"""Values that are found when somebody asks: most reports are never asked for their repairs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar, cast

from rflint.errors import UsageError

T = TypeVar("T")


@dataclass(eq=False, repr=False)
class Deferred(Generic[T]):
    """A value, or the function that finds it. That runs once, and is let go of afterwards.

    Who asks while another thread is finding it waits, and gets the same. Two of them are equal
    where their values are. A copy in another process, or in a file, is made of the value.
    """

    find: Callable[[], T] | None = None
    """None once the value is known."""
    alone: Callable[[], AbstractContextManager[None]] = nullcontext
    """Lets one thread at a time find anything of the kind."""
    found: T | None = None

    @classmethod
    def known(cls, value: T) -> Deferred[T]:
        """A value that is known already."""
        return cls(found=value)

    @property
    def value(self) -> T:
        """The value. If finding it raises, that is for whoever asks, and the next one may try."""
        if self.find is not None:
            with self.alone():
                if self.find is not None:  # or else another thread has found it meanwhile
                    self.found = self.find()
                    self.find = None
        return cast(T, self.found)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Deferred):
            return NotImplemented
        return self is other or bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return repr(self.found) if self.find is None else "<not asked for yet>"

    def __copy__(self) -> Deferred[T]:
        return self

    def __deepcopy__(self, memo: object) -> Deferred[T]:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {"found": self.value}


@dataclass(eq=False, repr=False)
class LeftOut(Deferred[T]):
    """A value that nobody was going to ask for, and that cannot be found any more."""

    what: str = ""

    @property
    def value(self) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(f"the report was made without {self.what}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LeftOut) and other.what == self.what

    def __hash__(self) -> int:
        return hash(self.what)

    def __repr__(self) -> str:
        return f"<without {self.what}>"

    def __getstate__(self) -> dict[str, Any]:
        return {"what": self.what}
