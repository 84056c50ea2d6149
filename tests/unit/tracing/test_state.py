"""What a model keeps from pass to pass is looked at without running any code of the model's."""

from __future__ import annotations

from collections import OrderedDict, UserDict, defaultdict, deque
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import count
from random import Random
from typing import Any, NoReturn

import pytest
from torch import Tensor, nn

from rflint.tracing.model.state import state_of


class Holder(nn.Module):
    """A module with something in an attribute."""

    def __init__(self, kept: Any) -> None:
        super().__init__()
        vars(self)["kept"] = kept  # torch asks values what they are

    def forward(self, x: Tensor) -> Tensor:
        return x


def refuses(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("nobody asks me anything")


class Hostile:
    """Whatever it is asked, it raises."""

    __getattribute__ = __getattr__ = __len__ = __iter__ = __eq__ = __hash__ = refuses  # type: ignore[assignment]
    __bool__ = __repr__ = __getitem__ = __contains__ = __class__ = property(refuses)  # type: ignore[assignment]
    __dict__ = property(refuses)  # type: ignore[assignment]


class HostileMeta(type):
    __getattribute__ = __getattr__ = refuses
    __instancecheck__ = __subclasscheck__ = refuses


class OfHostileClass(metaclass=HostileMeta):
    pass


class HostileList(list[Any]):
    __len__ = __iter__ = __eq__ = __getitem__ = refuses  # type: ignore[assignment]


class HostileDict(dict[str, Any]):
    __len__ = __iter__ = items = values = keys = __eq__ = __getitem__ = refuses  # type: ignore[assignment]


class HostileInt(int):
    __eq__ = __index__ = __int__ = __add__ = __hash__ = refuses  # type: ignore[assignment]


@pytest.mark.parametrize(
    "build",
    [
        Hostile,
        lambda: object.__new__(OfHostileClass),
        lambda: HostileList([1, Hostile()]),
        lambda: HostileDict(a=1, b=Hostile()),
        lambda: HostileInt(3),
        lambda: [Hostile(), {"a": (Hostile(),)}],
    ],
)
def test_objects_that_answer_nothing_are_left_alone(build: Callable[[], Any]) -> None:
    model = Holder(build())
    assert state_of(model) == state_of(model)


class Colour(Enum):
    RED = 1
    BLUE = 2


class Slotted:
    __slots__ = ("n",)

    def __init__(self, n: int) -> None:
        self.n = n


class Plain:
    def __init__(self, n: Any) -> None:
        self.n = n


class Number(int):
    pass


def grown(kept: Any, name: str = "n") -> None:
    setattr(kept, name, getattr(kept, name) + 1)


CHANGES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "a list": ([1], lambda kept: kept.append(2)),
    "a list in a tuple": (([1],), lambda kept: kept[0].append(2)),
    "a dictionary": ({"a": 1}, lambda kept: kept.update(a=2)),
    "an ordered dictionary": (OrderedDict(a=1), lambda kept: kept.update(b=2)),
    "a default dictionary": (defaultdict(list), lambda kept: kept["a"].append(1)),
    "a user's dictionary": (UserDict(a=1), lambda kept: kept.update(a=2)),
    "a queue": (deque([1]), lambda kept: kept.append(2)),
    "a set": ({1}, lambda kept: kept.add(2)),
    "an attribute": (Plain(1), grown),
    "a slot": (Slotted(1), grown),
    "an attribute of an attribute": (Plain(Plain(1)), lambda kept: grown(kept.n)),
    "a number of another class": (Plain(Number(1)), lambda kept: setattr(kept, "n", Number(2))),
    "a member of an enumeration": (Plain(Colour.RED), lambda kept: setattr(kept, "n", Colour.BLUE)),
    "a generator of numbers": (Random(0), lambda kept: kept.random()),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_has_changed_is_seen(kind: str) -> None:
    kept, change = CHANGES[kind]
    model = Holder(kept)
    before = state_of(model)
    assert state_of(model) == before
    change(kept)
    assert state_of(model) != before


def test_an_iterator_never_returns_to_a_state() -> None:
    model = Holder(count())
    assert state_of(model) != state_of(model)


def test_a_container_that_is_replaced_by_an_equal_one_is_no_change() -> None:
    """A forward that notes the last shape makes a new tuple every time."""
    model = Holder((1, [2, 3]))
    before = state_of(model)
    model.kept = (1, [2, 3])
    assert state_of(model) == before


def test_what_is_reached_in_many_ways_is_looked_at_once() -> None:
    """Lists of the same list: 20 ** 12 ways, and 12 lists."""
    nested: list[Any] = []
    model = Holder(nested)
    for _ in range(12):
        model.kept = [model.kept] * 20
    assert sum(1 for _ in entries(state_of(model).structure)) < 20 * 12 * 10


def entries(structure: Any) -> Iterator[Any]:
    yield structure
    if isinstance(structure, tuple):
        for item in structure:
            yield from entries(item)


def test_what_holds_itself_has_a_state() -> None:
    kept: list[Any] = [1]
    kept.append(kept)
    model = Holder(kept)
    assert state_of(model) == state_of(model)
