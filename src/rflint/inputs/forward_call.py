"""How a model's forward is called: which argument every input is, or where in one it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rflint.inputs.parts import MadeOfParts


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of an input among the arguments of a call."""

    index: int
    """Which input, counted from 0."""


@dataclass(frozen=True, slots=True)
class ForwardCall:
    """The arguments of a call, with a slot in the place of every input."""

    args: tuple[Any, ...] | None = None
    """Nested tuples, lists and dictionaries; None: the inputs, one by one."""
    keywords: tuple[tuple[str, Any], ...] = ()

    def with_inputs(self, inputs: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments by position and by keyword, containers among them made anew."""
        if self.args is None:
            return tuple(inputs), {}

        def tensor(slot: Slot) -> Any:
            return inputs[slot.index]

        args = tuple(_filled(argument, tensor) for argument in self.args)
        return args, {name: _filled(argument, tensor) for name, argument in self.keywords}

    @property
    def plain(self) -> ForwardCall:
        """The same with dictionaries in the place of objects that are made of parts."""
        if self.args is None:
            return self
        keywords = tuple((name, _plain(argument)) for name, argument in self.keywords)
        return ForwardCall(tuple(map(_plain, self.args)), keywords)

    def made_of(
        self, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of the plain call, with objects made of their parts."""
        if self.args is None:
            return args, keywords
        made = tuple(_made(*pair) for pair in zip(self.args, args, strict=True))
        return made, {name: _made(x, keywords[name]) for name, x in self.keywords}

    def path_of(self, index: int, parameters: Sequence[str]) -> str:
        """What an input is called on the command line: `image`, or `batch.image`.

        `parameters` are the names of forward's parameters.
        """
        places = self.places(index + 1, parameters)
        return next((path for path, x in places if x == Slot(index)), str(index))

    def places(self, number: int, parameters: Sequence[str]) -> list[tuple[str, Any]]:
        """What everything is called that is handed over, and what it is: a slot, or a constant.

        `number` is that of the inputs, where they are given one by one.
        """
        args = tuple(map(Slot, range(number))) if self.args is None else self.args
        names = [*parameters, *map(str, range(len(parameters), len(args)))]
        named = (*zip(names, args, strict=False), *self.keywords)
        return [place for name, argument in named for place in _places_in(argument, name)]

    def keyword_of(self, index: int) -> str:
        """What an input is called; empty where it is an argument by position, without need."""
        by_position = (Slot(index),) if self.args is None else self.args
        return "" if Slot(index) in by_position else self.path_of(index, ())


BY_POSITION = ForwardCall()
"""The inputs one by one, in their order."""


def _plain(argument: Any) -> Any:
    if isinstance(argument, MadeOfParts):
        return {name: _plain(part) for name, part in argument.parts}
    if isinstance(argument, dict):
        return {key: _plain(item) for key, item in argument.items()}
    if isinstance(argument, (list, tuple)):
        return type(argument)(_plain(item) for item in argument)
    return argument


def _made(argument: Any, plain: Any) -> Any:
    if isinstance(argument, MadeOfParts):
        return argument.make({name: _made(part, plain[name]) for name, part in argument.parts})
    if isinstance(argument, dict):
        return {key: _made(item, plain[key]) for key, item in argument.items()}
    if isinstance(argument, (list, tuple)):
        return type(argument)(_made(*pair) for pair in zip(argument, plain, strict=True))
    return plain


def _filled(argument: Any, tensor: Callable[[Slot], Any]) -> Any:
    if isinstance(argument, Slot):
        return tensor(argument)
    if isinstance(argument, MadeOfParts):
        return argument.make({name: _filled(part, tensor) for name, part in argument.parts})
    if isinstance(argument, dict):
        return {key: _filled(item, tensor) for key, item in argument.items()}
    if isinstance(argument, (list, tuple)):
        return type(argument)(_filled(item, tensor) for item in argument)
    return argument


def _places_in(argument: Any, path: str) -> Iterator[tuple[str, Any]]:
    items: Iterable[tuple[Any, Any]] | None = None
    if isinstance(argument, MadeOfParts):
        items = argument.parts
    elif isinstance(argument, dict):
        items = argument.items()
    elif isinstance(argument, (list, tuple)):
        items = enumerate(argument)
    if items is None:
        yield path, argument
    else:
        for key, item in items:
            yield from _places_in(item, f"{path}.{key}")
