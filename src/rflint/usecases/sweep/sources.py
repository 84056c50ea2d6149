"""What a sweep goes through: the candidates that a target, a pattern or a generator stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rflint.errors import UsageError
from rflint.usecases.sweep.search_space import SearchSpace
from rflint.usecases.targets import import_target
from rflint.usercode.loading import LoadingGuard
from rflint.usercode.permissions import NOTHING_UNUSUAL, Permissions
from rflint.usercode.schemes.registry import scheme_of
from rflint.usercode.target_patterns import (
    is_pattern,
    split_pattern,
    targets_in_files,
    targets_in_namespace,
    targets_of_scheme,
)

_SELECTION = re.compile(r"(?P<space>[^\[\]]+:[\w.]+)\[(?P<item>.*)\]", re.DOTALL)
"""Items of a search space, as reports name them: `search:candidates[w16-d2]`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that a sweep lints."""

    target: str
    """What reports call it; no other candidate of its source is called so."""
    source: str
    """What `rflint` takes for it; of an item of a search space, the space."""
    position: int | None = None
    """Of such an item: how many come before it."""


def expand(
    source: str,
    root: Path,
    pythonpath: Sequence[Path] = (),
    permissions: Permissions = NOTHING_UNUSUAL,
) -> Iterator[Candidate]:
    """The candidates that a source stands for, as they are found.

    It may import the user's code, which neither trains or downloads meanwhile. A target that cannot
    be imported is a candidate, too: linting it says why.

    Raises UsageError for a pattern that nothing matches, and for an item of a search space that is
    none.
    """
    selection = None if scheme_of(source) else _SELECTION.fullmatch(source)
    if selection is not None:
        yield from _selected(selection["space"], selection["item"], root, pythonpath, permissions)
        return
    if is_pattern(source):
        for target in _matching(source, root, pythonpath, permissions):
            yield Candidate(target, target)
        return
    space = SearchSpace.of(source, root, pythonpath, permissions)
    if space is None:
        yield Candidate(source, source)
        return
    for position, name in enumerate(space.names()):
        yield Candidate(f"{source}[{name}]", source, position)


def _selected(
    source: str, wanted: str, root: Path, pythonpath: Sequence[Path], permissions: Permissions
) -> Iterator[Candidate]:
    """The items of a search space that a name or a pattern names."""
    found = False
    for one in expand(source, root, pythonpath, permissions):
        name = one.target[len(source) + 1 : -1]
        if one.position is not None and (name == wanted or fnmatchcase(name, wanted)):
            found = True
            yield one
            if not any(x in wanted for x in "*?["):
                return  # no other is called so, and the space may have no end
    if not found:
        raise UsageError(
            f"{source} has no item {wanted!r}",
            hint="Items are those of a search space: what yields (name, builder, arguments).",
        )


def items(
    source: str,
    root: Path,
    pythonpath: Sequence[Path] = (),
    permissions: Permissions = NOTHING_UNUSUAL,
    *,
    start: int = 0,
) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """The items of a search space in their order: a unique name, a builder, keyword arguments.

    An item is asked for when it is wanted, and not before: what a generator yields may look at
    variables that the generator goes on to change. Those before `start` are passed over.
    """
    space = SearchSpace.of(source, root, pythonpath, permissions)
    if space is None:
        yield source, import_target(source, root, LoadingGuard(permissions), pythonpath), {}
        return
    yield from space.items(start)


def _matching(
    source: str, root: Path, pythonpath: Sequence[Path], permissions: Permissions
) -> Iterator[str]:
    """The targets that a pattern stands for."""
    if scheme_of(source):
        yield from targets_of_scheme(source, root)
        return
    found = targets_in_files(source, root, pythonpath)
    if found is None:
        module, _ = split_pattern(source)
        guard = LoadingGuard(permissions)
        namespace = import_target(f"{module}:__dict__", root, guard, pythonpath)
        found = targets_in_namespace(source, namespace)
    yield from found
