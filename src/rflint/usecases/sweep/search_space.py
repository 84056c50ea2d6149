"""Search spaces: generators, iterators and lists of (name, builder, arguments)."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from rflint.errors import BuildFailed, RflintError, UsageError, error_text
from rflint.usecases.targets import import_target
from rflint.usercode.exits import exit_call
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.loading import LoadingGuard
from rflint.usercode.module_place import module_source
from rflint.usercode.permissions import Permissions
from rflint.usercode.project_source import Definition, ProjectSource
from rflint.usercode.schemes.registry import scheme_of
from rflint.usercode.source_lines import innermost_user_line_of
from rflint.usercode.stdout import stdout_to_stderr
from rflint.usercode.surroundings import command_line_hidden
from rflint.usercode.target import split_target

Item: TypeAlias = tuple[str, Any, Mapping[str, Any]]
"""A name, a builder, and the keyword arguments that it is called with."""

_AT_ONCE = 1000
_PATIENCE = 0.1
"""So many items, or as many as come in so many seconds, are taken before any is passed on, where
only their names count."""
_NONE_LEFT = object()


class SearchSpace:
    """Walks once through what the user's code yields, kept from training and downloading."""

    def __init__(self, source: str, values: Iterable[Any], guard: LoadingGuard) -> None:
        self.source = source
        self._values = values
        self._guard = guard
        self._walked: Iterator[Any] | None = None
        self._taken = 0
        self._ended_by: RflintError | None = None
        self._names: set[str] = set()

    @classmethod
    def of(
        cls, source: str, root: Path, pythonpath: Sequence[Path], permissions: Permissions
    ) -> SearchSpace | None:
        """The search space that a target names; None where it names a model, or cannot be imported.

        A file that shows what it is is not imported for the question.
        """
        if scheme_of(source) or _is_model_at_sight(source, root, pythonpath):
            return None
        guard = LoadingGuard(permissions)
        try:
            found = import_target(source, root, guard, pythonpath)
        except UsageError:
            raise
        except RflintError:  # linting the target will say so
            return None
        values = _values_of(found)
        return None if values is None else cls(source, values, guard)

    def names(self) -> Iterator[str]:
        """The unique names of the items."""
        while taken := self._take(_AT_ONCE):
            yield from (name for name, _, _ in taken)

    def items(self, start: int) -> Iterator[Item]:
        """The items from a position on, each taken when it is asked for."""
        while self._taken < start and self._take(min(_AT_ONCE, start - self._taken)):
            pass
        while taken := self._take(1):
            yield from taken

    def _take(self, most: int) -> list[Item]:
        """The next items: at least one, unless none are left.

        An error is raised when those before it have been given.
        """
        if self._ended_by is not None:
            raise self._ended_by
        found: list[Item] = []
        try:
            self._add(found, most)
        except RflintError as error:
            if not found:
                raise
            self._ended_by = error
        return found

    def _add(self, found: list[Item], most: int) -> None:
        """Append the next items."""
        from rflint.tracing.model.construction import construction_recorded
        from rflint.tracing.model.training import training_watched

        until = time.monotonic() + _PATIENCE
        guarded = self._guard.during(f"going through {self.source}")
        with (
            stdout_to_stderr(),
            command_line_hidden(),
            construction_recorded(),
            guarded,
            training_watched(self._guard.training),
        ):
            while len(found) < most and (not found or time.monotonic() < until):
                item = self._next()
                if item is None:
                    break
                found.append(item)

    def _next(self) -> Item | None:
        """The next item, with a unique name; None behind the last."""
        try:
            if self._walked is None:
                self._walked = _called(iter, self._values)
            value = _called(next, self._walked, _NONE_LEFT)
            if value is _NONE_LEFT:
                return None
            name, builder, arguments = self._read(value)
        except RflintError:
            raise
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            if isinstance(error, SystemExit):
                said = f"called {exit_call(error)}"
            else:
                said = f"raised {error_text(error)}"
            raise BuildFailed(
                f"{self.source} {said} for item {self._taken}",
                source=innermost_user_line_of(error),
            ) from error
        self._taken += 1
        return self._unique(name), builder, arguments

    def _read(self, value: Any) -> Item:
        """What the user's code has yielded, as an item."""
        if not isinstance(value, tuple | list) or len(value) not in (2, 3):
            raise self._no_item(f"is {_kind(value)}")
        name, builder, *rest = value
        given = rest[0] if rest else None
        if not callable(builder):
            raise self._no_item(f"has {_kind(builder)} for its builder")
        if given is None:
            return str(name), builder, {}
        if isinstance(given, Mapping):
            if not all(isinstance(x, str) for x in given):
                raise self._no_item("has arguments whose names are no texts")
            return str(name), builder, dict(given)
        if isinstance(given, tuple | list):
            return str(name), functools.partial(builder, *given) if given else builder, {}
        raise self._no_item(f"has {_kind(given)} for its arguments")

    def _no_item(self, why: str) -> UsageError:
        return UsageError(
            f"item {self._taken} of {self.source} {why}",
            hint="Each is (name, builder, arguments): a text, what builds the model, and a "
            "dictionary or a list for it, which may be left out.",
        )

    def _unique(self, name: str) -> str:
        """The name, or with a number behind it if an earlier item is called so."""
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name}#{number}"
        self._names.add(unique)
        return unique


@enters_user_code
def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _values_of(found: Any) -> Iterable[Any] | None:
    """What to go through of an imported object; None if it is to build a model instead."""
    if callable(found):
        return _Called(found) if _is_generator_function(found) else None
    if isinstance(found, Mapping):
        return found.items()
    is_text = isinstance(found, str | bytes)
    return found if isinstance(found, Iterable) and not is_text else None


class _Called:
    """What a function gives when it is called: only then, where it is kept from training."""

    def __init__(self, function: Callable[[], Iterable[Any]]) -> None:
        self._function = function

    def __iter__(self) -> Iterator[Any]:
        return iter(self._function())


_ITERABLE = re.compile(
    r"(?:[\w.]+\.)?(?:Iterator|Iterable|Generator|Sequence|Collection|[lL]ist|[tT]uple)\b"
)
"""Annotations of functions that give items."""


def _is_generator_function(function: Callable[..., Any]) -> bool:
    if inspect.isclass(function):
        return False
    if inspect.isgeneratorfunction(function):
        return True
    said = getattr(function, "__annotations__", {}).get("return")
    text = said if isinstance(said, str) else inspect.formatannotation(said)
    return said is not None and _ITERABLE.match(text) is not None


def _is_model_at_sight(source: str, root: Path, pythonpath: Sequence[Path]) -> bool:
    """Whether the user's file has a class or function by that name that yields no items."""
    module, attribute = split_target(source)
    file = module_source(module, root, pythonpath)
    if file is None:
        return False
    there = ProjectSource([file]).modules.get(file)
    found = there.definitions.get(attribute) if there is not None else None
    return found is not None and _yields_nothing(found)


def _yields_nothing(definition: Definition) -> bool:
    """Whether that is certain of a class or function without running its file."""
    node = definition.node
    if isinstance(node, ast.ClassDef):
        return True
    if not isinstance(node, ast.FunctionDef) or node.decorator_list:
        return False
    said = ast.unparse(node.returns).strip("'\"") if node.returns is not None else ""
    return not _ITERABLE.match(said) and not any(
        isinstance(x, ast.Yield | ast.YieldFrom) for x in ast.walk(node)
    )


def _kind(value: Any) -> str:
    noun = type(value).__name__
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
