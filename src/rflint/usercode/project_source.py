"""What the files of a project define, and what a name in one of them means. Nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Node: TypeAlias = ast.ClassDef | Function | ast.Assign | ast.AnnAssign


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A class, a function or a variable at the top of a file."""

    module: SourceModule
    name: str
    node: Node

    @property
    def value(self) -> ast.expr | None:
        """What is assigned to a variable."""
        return self.node.value if isinstance(self.node, ast.Assign | ast.AnnAssign) else None


@dataclass(frozen=True, slots=True)
class _Import:
    """What an import statement binds a name to."""

    level: int
    """The dots in front of a relative import."""
    parts: tuple[str, ...]


@dataclass(slots=True, eq=False)
class SourceModule:
    """A parsed file."""

    file: Path
    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, _Import] = field(default_factory=dict)
    star_imports: list[_Import] = field(default_factory=list)


class ProjectSource:
    """The files of a project, parsed; those that are no Python are left out."""

    def __init__(self, files: Iterable[Path]) -> None:
        self.modules: dict[Path, SourceModule] = {}
        self.unread: list[Path] = []
        """Files that cannot be read."""
        for file in files:
            full = file.resolve()
            module = None if full in self.modules else _parsed(full)
            if module is not None:
                self.modules[full] = module
            elif full not in self.modules and full not in self.unread:
                self.unread.append(full)
        self._by_suffix: dict[tuple[str, ...], list[SourceModule]] = {}
        for module in self.modules.values():
            parts = _dotted_path(module.file)
            for start in range(len(parts)):
                self._by_suffix.setdefault(parts[start:], []).append(module)

    def meaning(self, module: SourceModule, dotted: str) -> Definition | str:
        """What a dotted name means in a file.

        A definition of the project; else the name by which an installed package knows it, or the
        name itself where nothing binds it.
        """
        return self._meaning(module, tuple(dotted.split(".")), frozenset())

    def table(self, of: Definition) -> dict[str, Definition]:
        """A variable that is a dict from texts to functions and classes of the project."""
        if not isinstance(of.value, ast.Dict):
            return {}
        found = {}
        for key, value in zip(of.value.keys, of.value.values, strict=True):
            name = dotted_name(value)
            meant = self.meaning(of.module, name) if name else ""
            text = key.value if isinstance(key, ast.Constant) else None
            if isinstance(text, str) and isinstance(meant, Definition) and meant.value is None:
                found[text] = meant
        return found

    def shown(self, module: SourceModule) -> dict[str, Definition]:
        """The definitions of the project that a file offers under its public names.

        Those of `__all__` where the file has one; else what it defines and, of a package, what its
        `__init__.py` imports.
        """
        return self._shown(module, frozenset())

    def _shown(self, module: SourceModule, seen: frozenset[Path]) -> dict[str, Definition]:
        listed = _listed_names(module)
        found: dict[str, Definition] = {}
        if listed is not None or module.file.name == "__init__.py":
            for star in module.star_imports:
                there = self._module(module, star.level, star.parts)
                if there is not None and there.file not in seen:
                    found |= self._shown(there, seen | {module.file})
            for name in module.imports:
                if isinstance(meant := self.meaning(module, name), Definition):
                    found[name] = meant
        found |= module.definitions
        names = listed if listed is not None else [x for x in found if not x.startswith("_")]
        return {name: found[name] for name in names if name in found}

    def _meaning(
        self, module: SourceModule, parts: tuple[str, ...], seen: frozenset[tuple[Path, str]]
    ) -> Definition | str:
        head, *rest = parts
        here = (module.file, head)
        if here in seen:
            return ".".join(parts)
        seen |= {here}
        if head in module.definitions:
            return ".".join(parts) if rest else module.definitions[head]
        if head in module.imports:
            bound = module.imports[head]
            return self._imported(module, _Import(bound.level, (*bound.parts, *rest)), seen)
        for star in module.star_imports:
            found = self._imported(module, _Import(star.level, (*star.parts, *parts)), seen)
            if isinstance(found, Definition):
                return found
        return ".".join(parts)

    def _imported(
        self, module: SourceModule, what: _Import, seen: frozenset[tuple[Path, str]]
    ) -> Definition | str:
        """What an absolute or relative name, whose first parts may be a module, stands for."""
        for length in range(len(what.parts), -1, -1):
            there = self._module(module, what.level, what.parts[:length])
            rest = what.parts[length:]
            if there is not None and rest:
                return self._meaning(there, rest, seen)
        return ".".join(what.parts)

    def _module(
        self, importer: SourceModule, level: int, parts: tuple[str, ...]
    ) -> SourceModule | None:
        if level:
            folder = importer.file.parents[min(level, len(importer.file.parents)) - 1]
            place = folder.joinpath(*parts)
            tries = [place / "__init__.py", *([Path(f"{place}.py")] if parts else [])]
            return next((self.modules[x] for x in tries if x in self.modules), None)
        found = self._by_suffix.get(parts, [])
        return max(found, key=lambda x: _in_common(x.file, importer.file), default=None)


def dotted_name(node: ast.AST | None) -> str:
    """`a.b.c` for a chain of attributes; empty for anything else. A text is read as the name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value.replace(".", "").isidentifier() else ""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted_name(node.value)):
        return f"{before}.{node.attr}"
    return ""


def table_and_key(node: ast.AST) -> tuple[str, ast.expr | None]:
    """The name of a table and the key that is looked up in it: `TABLE[key]`, `TABLE.get(key)`."""
    if isinstance(node, ast.Subscript):
        return dotted_name(node.value), node.slice
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        is_get = node.func.attr == "get" and bool(node.args)
        return (dotted_name(node.func.value), node.args[0]) if is_get else ("", None)
    return "", None


def _listed_names(module: SourceModule) -> list[str] | None:
    """What a file's `__all__` says; None if there is none that can be read."""
    listed = module.definitions.get("__all__")
    if listed is None or not isinstance(listed.value, ast.List | ast.Tuple):
        return None
    return [
        x.value
        for x in listed.value.elts
        if isinstance(x, ast.Constant) and isinstance(x.value, str)
    ]


def _parsed(file: Path) -> SourceModule | None:
    """A file's definitions and imports; None if it cannot be read, which its import would say."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    module = SourceModule(file)
    for node in _statements(tree.body):
        if isinstance(node, ast.ClassDef | Function):
            module.definitions[node.name] = Definition(module, node.name, node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    module.definitions[target.id] = Definition(module, target.id, node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split("."))
                name = alias.asname or parts[0]
                module.imports[name] = _Import(0, parts if alias.asname else parts[:1])
        elif isinstance(node, ast.ImportFrom):
            start = tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                if alias.name == "*":
                    module.star_imports.append(_Import(node.level, start))
                else:
                    name = alias.asname or alias.name
                    module.imports[name] = _Import(node.level, (*start, alias.name))
    return module


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a file is imported, those under `if` and `try` included."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            if not _is_main_guard(node.test):
                yield from _statements(node.body)
            yield from _statements(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _statements(node.body)
            for handler in node.handlers:
                yield from _statements(handler.body)
            yield from _statements((*node.orelse, *node.finalbody))
        elif isinstance(node, ast.With):
            yield from _statements(node.body)


def _is_main_guard(test: ast.expr) -> bool:
    return any(isinstance(x, ast.Name) and x.id == "__name__" for x in ast.walk(test))


def _dotted_path(file: Path) -> tuple[str, ...]:
    """The file's path as the parts of a module's name."""
    *folders, _ = file.parts
    return tuple(folders if file.name == "__init__.py" else (*folders, file.stem))


def _in_common(one: Path, other: Path) -> int:
    """How many folders two files share, from the top: nearer files share more."""
    count = 0
    for a, b in zip(one.parent.parts, other.parent.parts, strict=False):
        if a != b:
            break
        count += 1
    return count
