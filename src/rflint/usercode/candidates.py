"""What in a project's files builds models, found by reading them. Nothing is imported.

Candidates are classes derived from nn.Module or LightningModule, functions that return a module,
what a registry holds, and modules that a file makes.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rflint.usercode.frame_marks import imports_for_user
from rflint.usercode.module_classes import ModuleClasses, constructor
from rflint.usercode.module_place import module_source
from rflint.usercode.project_source import (
    Definition,
    Function,
    ProjectSource,
    dotted_name,
    table_and_key,
)
from rflint.usercode.python_files import python_files

_REGISTERS = re.compile(r"regist", re.IGNORECASE)
_OF_MODELS = re.compile(
    r"model|net|arch|backbone|encoder|decoder|detector|segmentor|classifier|generator|builder",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Something that may build a model."""

    target: str
    file: Path
    line: int
    missing: tuple[str, ...] = ()
    """Parameters that have to be given."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What it is to be called with: the name of a model, where it takes one from a registry."""
    is_instance: bool = False
    """Whether it is a module that importing the file makes."""
    hides_parts: bool = False
    """Whether the classes that it uses are parts of it, and no models: true of an nn.Module."""
    uses: frozenset[Definition] = frozenset()
    definition: Definition | None = None

    @property
    def title(self) -> str:
        """The target, with its arguments."""
        given = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        return f"{self.target} ({given})" if given else self.target


class Candidates:
    """The candidates of files and folders, as one would name them in the folder `root`."""

    def __init__(self, paths: Iterable[Path], root: Path, pythonpath: Sequence[Path] = ()) -> None:
        self.root = root.resolve()
        self.pythonpath = pythonpath
        self.source = ProjectSource(python_files(paths))
        self.classes = ModuleClasses(self.source)
        self._registered = set(self._in_registries())

    def all(self) -> list[Candidate]:
        """All of them, file by file, in the order of their lines."""
        found = [
            self._candidate(definition)
            for module in self.source.modules.values()
            for name, definition in module.definitions.items()
            if not name.startswith("_") and self._builds(definition)
        ]
        return sorted(found, key=lambda x: (x.file, x.line))

    def shown_by(self, file: Path) -> dict[str, Candidate]:
        """Those that one of the files offers under its public names, in the order of its lines."""
        module = self.source.modules.get(file.resolve())
        shown = self.source.shown(module) if module is not None else {}
        return {name: self._candidate(x) for name, x in shown.items() if self._builds(x)}

    def without_parts(self) -> list[Candidate]:
        """Those that no larger nn.Module of the project is made of, by registered names."""
        found = self.all()
        parts = {part for x in found if x.hides_parts for part in x.uses - {x.definition}}
        whole = [x for x in found if x.definition not in parts]
        return [named for x in whole for named in self._by_registered_names(x)]

    def definition_of(self, target: str) -> Definition | None:
        """What a target names, however it is written: by file or by module, or re-exported."""
        module, _, attribute = target.rpartition(":")
        file = module_source(module, self.root, self.pythonpath)
        there = self.source.modules.get(file) if file else None
        meant = self.source.meaning(there, attribute) if there else None
        return meant if isinstance(meant, Definition) else None

    def _builds(self, of: Definition) -> bool:
        if isinstance(of.node, ast.ClassDef):
            if self.classes.is_module_class(of):
                return self.classes.runs(of)
            return of in self._registered and bool(of.node.bases)
        if of.value is not None and self.classes.makes_module(of.module, of.value):
            return True
        if isinstance(of.node, ast.FunctionDef) and any(map(_is_fixture, of.node.decorator_list)):
            return False
        return self.classes.is_builder(of) or of in self._registered

    def _candidate(self, of: Definition) -> Candidate:
        in_class = isinstance(of.node, ast.ClassDef)
        function: Function | ast.Lambda | None = None
        if in_class:
            function = constructor(self.classes, of)
        elif isinstance(of.node, ast.FunctionDef):
            function = of.node
        elif isinstance(of.value, ast.Lambda):
            function = of.value
        return Candidate(
            target_of(of, self.root),
            of.module.file,
            of.node.lineno,
            missing=_required(function, of_class=in_class) if function else (),
            is_instance=of.value is not None and self.classes.makes_module(of.module, of.value),
            hides_parts=in_class and not self.classes.is_lightning(of),
            uses=frozenset(self._used(of)),
            definition=of,
        )

    def _used(self, of: Definition) -> Iterator[Definition]:
        """What a definition mentions, and what that mentions in turn."""
        pending, seen = [(of, False)], {of}
        while pending:
            current, is_used = pending.pop()
            if is_used:
                yield current
            for name, as_base in _mentioned(current.node):
                found = self.source.meaning(current.module, name)
                if isinstance(found, Definition) and found not in seen:
                    seen.add(found)
                    pending.append((found, not as_base))

    def _in_registries(self) -> Iterator[Definition]:
        """What a decorator registers as a model, or a table of models holds."""
        for module in self.source.modules.values():
            for definition in module.definitions.values():
                if isinstance(definition.node, ast.FunctionDef | ast.ClassDef):
                    if any(map(_is_registration, definition.node.decorator_list)):
                        yield definition
                elif _OF_MODELS.search(definition.name):
                    yield from self.source.table(definition).values()

    def _by_registered_names(self, one: Candidate) -> Iterator[Candidate]:
        """A builder that looks up its only argument in a table, once for each name in the table."""
        of = one.definition
        if of is None or len(one.missing) != 1 or not isinstance(of.node, ast.FunctionDef):
            yield one
            return
        (parameter,) = one.missing
        tables = [
            self.source.table(meant)
            for name in _looked_up(of.node, parameter)
            if isinstance(meant := self.source.meaning(of.module, name), Definition)
        ]
        names = [key for table in tables for key in table]
        if not names:
            yield one
        for key in names:
            yield Candidate(
                one.target,
                one.file,
                one.line,
                arguments={parameter: key},
                uses=frozenset(table[key] for table in tables if key in table),
                definition=of,
            )


def target_of(of: Definition, root: Path) -> str:
    """The target that names a definition in a folder.

    A module of a package that lies there, or that is installed from where it lies, goes by its
    dotted name, any other file by its path.
    """
    file = of.module.file
    package = None
    for folder in file.parents:
        if folder == root or not (folder / "__init__.py").is_file():
            break
        package = folder
    if package is not None and (package.parent == root or _is_importable(package)):
        parts = file.parent if file.name == "__init__.py" else file.with_suffix("")
        return f"{'.'.join(parts.relative_to(package.parent).parts)}:{of.name}"
    return f"{Path(os.path.relpath(file, root)).as_posix()}:{of.name}"


@cache
@imports_for_user
def _is_importable(package: Path) -> bool:
    """Whether Python finds a package in this folder: it is installed from there, for editing."""
    try:
        spec = importlib.util.find_spec(package.name)
    except (ImportError, ValueError):  # a loaded module may have no __spec__
        return False
    origin = spec.origin if spec is not None else None
    return origin is not None and Path(origin).resolve() == package / "__init__.py"


def _mentioned(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """The names in a definition, and whether each is a base class. Annotations make nothing."""
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    yield from ((name, True) for base in bases if (name := dotted_name(base)))
    pending: list[ast.AST] = [node]
    while pending:
        current = pending.pop()
        for name, value in ast.iter_fields(current):
            if name in ("annotation", "returns", "decorator_list") or value is bases:
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.Name | ast.Attribute) and (dotted := dotted_name(child)):
                    yield dotted, False
                elif isinstance(child, ast.AST):
                    pending.append(child)


def _required(function: Function | ast.Lambda, *, of_class: bool) -> tuple[str, ...]:
    """The parameters without a default."""
    given = function.args
    positional = [*given.posonlyargs, *given.args][1 if of_class else 0 :]
    optional = len(given.defaults)
    names = [x.arg for x in positional[: len(positional) - optional]]
    named = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return (*names, *(x.arg for x, default in named if default is None))


def _looked_up(function: ast.FunctionDef, parameter: str) -> Iterator[str]:
    """The tables in which a function looks up what its parameter says."""
    for node in ast.walk(function):
        name, key = table_and_key(node)
        if name and isinstance(key, ast.Name) and key.id == parameter:
            yield name


def _is_registration(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = dotted_name(called)
    return bool(_REGISTERS.search(name) and _OF_MODELS.search(name))


def _is_fixture(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return dotted_name(called).endswith("fixture")
