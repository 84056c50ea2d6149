"""The files that a target is made of, from its imports as they are written: nothing is imported.

What only running the code can tell (`importlib.import_module(name)`) makes a closure open: then any
Python file may be part of it. The cache knows better, once a model has been linted.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rflint.places import is_installed
from rflint.target import split

_DYNAMIC = {"importlib", "pkgutil", "runpy", "imp"}


@dataclass(frozen=True, slots=True)
class Closure:
    """Files, by their absolute paths, and whether there may be more."""

    files: frozenset[str]
    is_open: bool


def closure(target: str, root: Path) -> Closure:
    """The user's files that importing a target imports; none for an installed package."""
    module, _ = split(target)
    if module.endswith(".py"):
        file = (root / module).resolve()
        folders = [file.parent, root]
        pending = [_Module(str(file), "")]
    else:
        folders = [root]
        pending = []
    folders += [Path(entry) for entry in sys.path if entry and not is_installed(entry)]
    finder = _Finder(tuple(str(folder.resolve()) for folder in dict.fromkeys(folders)))
    if not pending:
        pending = list(finder.modules(module))
    files: dict[str, None] = {}
    is_open = False
    while pending:
        current = pending.pop()
        if current.file in files:
            continue
        files[current.file] = None
        for name in _imports(current):
            is_open |= name.partition(".")[0] in _DYNAMIC
            pending += finder.modules(name)
    return Closure(frozenset(files), is_open)


@dataclass(frozen=True, slots=True)
class _Module:
    file: str
    name: str
    """Dotted; empty for a file that is imported by its path."""

    @property
    def package(self) -> str:
        """What its relative imports start from."""
        is_package = os.path.basename(self.file) == "__init__.py"
        return self.name if is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class _Finder:
    """Where the user's modules lie."""

    folders: tuple[str, ...]

    def modules(self, name: str) -> Iterator[_Module]:
        """A module and the packages around it, as far as they are the user's."""
        parts = name.split(".")
        for folder in self.folders:
            found = list(self._below(folder, parts))
            if found:
                yield from found
                return

    def _below(self, folder: str, parts: list[str]) -> Iterator[_Module]:
        """The modules on the way to the last part, which may be an attribute of the one before."""
        path = folder
        for depth, part in enumerate(parts, start=1):
            path = os.path.join(path, part)
            package = os.path.join(path, "__init__.py")
            if os.path.isfile(package):
                yield _Module(package, ".".join(parts[:depth]))
            elif os.path.isfile(f"{path}.py"):
                yield _Module(f"{path}.py", ".".join(parts[:depth]))
                return
            elif not os.path.isdir(path):
                return


def _imports(module: _Module) -> Iterator[str]:
    """Everything that a module may import, at its top or later; what of it exists is seen after."""
    try:
        tree = ast.parse(Path(module.file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # linting it will say so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = _start(module, node)
            if start:
                yield start
            yield from (
                f"{start}.{alias.name}" if start else alias.name
                for alias in node.names
                if alias.name != "*"
            )
        elif isinstance(node, ast.Name) and node.id == "__import__":
            yield "importlib"


def _start(module: _Module, node: ast.ImportFrom) -> str:
    """The absolute name of what `from` names."""
    if not node.level:
        return node.module or ""
    parts = module.package.split(".") if module.package else []
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])
