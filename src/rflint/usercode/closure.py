"""The user's files that a target imports, found by reading import statements.

Nothing is imported. Imports that only running the code can tell (`importlib.import_module(name)`, a
changed `sys.path`) make a closure open: it may lack files. Once a model has been linted, the cache
knows all of them.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rflint.usercode.frame_marks import imports_for_user
from rflint.usercode.module_place import module_place
from rflint.usercode.ownership import is_installed
from rflint.usercode.schemes.registry import scheme_of
from rflint.usercode.target import split_target

_DYNAMIC = frozenset(
    {"importlib", "pkgutil", "runpy", "imp", "zipimport", "pkg_resources", "pydoc"}
    | {"pickle", "dill", "cloudpickle", "joblib", "shelve"}
    | {"hydra", "mmengine", "mmcv", "detectron2", "fvcore"}
)
"""Modules that import other modules by computed names, or by names that a file contains."""
_DYNAMIC_NAMES = frozenset({"__import__", "exec", "__path__", "__loader__"})
_DYNAMIC_ATTRIBUTES = frozenset({("sys", "path"), ("sys", "meta_path"), ("torch", "hub")})


@dataclass(frozen=True, slots=True)
class ImportClosure:
    """The files that a target imports, itself included."""

    files: frozenset[str]
    """Absolute paths."""
    is_open: bool
    """Whether there may be more."""
    target: str = ""
    outside: frozenset[str] = frozenset()
    """Modules of installed packages that it imports; some may be no modules but in them."""

    def may_share_with(self, other: ImportClosure) -> bool:
        """Whether both may import the same file, so that running one can affect the other."""
        either = self.is_open or other.is_open
        return either or self.target == other.target or bool(self.files & other.files)


def import_closure(target: str, root: Path, pythonpath: Sequence[Path] = ()) -> ImportClosure:
    """The import closure of a target; without files if it is in an installed package."""
    if named := scheme_of(target):
        scheme, name = named
        described = scheme.file(name, root)
        own = frozenset([str(described.resolve())] if described else ())
        return ImportClosure(own, scheme.imports_user_code, target, frozenset([scheme.package]))
    module, _ = split_target(target)
    place = module_place(module, root, pythonpath)
    path = [Path(entry) for entry in sys.path if entry and not is_installed(entry)]
    folders = [*place.first, *path, *place.last]
    unique = list(dict.fromkeys(str(folder.resolve()) for folder in folders))
    modules = _UserModules(unique, {name: str(folder) for name, folder in place.renamed})
    pending = list(modules.find(place.name)) if place.name else []
    if place.file is not None and str(place.file) not in [x.file for x in pending]:
        pending.append(_Module(str(place.file), place.name))
    files: dict[str, None] = {}
    outside = {place.name} - {""} if not pending else set()
    is_open = False
    while pending:
        current = pending.pop()
        if current.file in files:
            continue
        files[current.file] = None
        for name in _imports(current):
            if name.endswith(".*"):
                pending += modules.listed_in(name[:-2])
            else:
                top = name.partition(".")[0]
                is_open |= top in _DYNAMIC
                found = list(modules.find(name))
                pending += found
                if not found and top not in sys.stdlib_module_names:
                    outside.add(name)
    return ImportClosure(frozenset(files), is_open, target, frozenset(outside))


@dataclass(frozen=True, slots=True)
class _Module:
    file: str
    name: str
    """The dotted name; empty for a file that is imported by its path."""

    @property
    def package(self) -> str:
        """The package that its relative imports start from."""
        is_package = os.path.basename(self.file) == "__init__.py"
        return self.name if is_package else self.name.rpartition(".")[0]


class _UserModules:
    """Finds the user's modules in folders."""

    def __init__(self, folders: list[str], renamed: Mapping[str, str]) -> None:
        self.folders = folders
        self.renamed = renamed
        self._elsewhere: dict[str, list[str]] = {}

    def find(self, name: str) -> Iterator[_Module]:
        """A module and the packages that contain it; nothing if it is not the user's."""
        parts = name.split(".")
        if parts[0] in self.renamed:
            yield from self._below("", parts)
            return
        for folder in (*self.folders, *self._beyond(parts[0])):
            found = list(self._below(folder, parts))
            if found:
                yield from found
                return

    def listed_in(self, package: str) -> Iterator[_Module]:
        """The modules in a package that `from package import *` may import."""
        for found in list(self.find(package)):
            if found.name == package and os.path.basename(found.file) == "__init__.py":
                for name in _exported(found.file):
                    yield from self.find(f"{package}.{name}")

    def _beyond(self, top: str) -> list[str]:
        """Folders of a project in an editable install, which need not be on sys.path."""
        if top not in self._elsewhere:
            self._elsewhere[top] = list(_folders_of(top))
        return self._elsewhere[top]

    def _below(self, folder: str, parts: list[str]) -> Iterator[_Module]:
        """The modules along a dotted name, whose last part may be an attribute of a module."""
        path = folder
        for depth, part in enumerate(parts, start=1):
            is_renamed = depth == 1 and part in self.renamed
            path = self.renamed[part] if is_renamed else os.path.join(path, part)
            package = os.path.join(path, "__init__.py")
            if os.path.isfile(package):
                yield _Module(package, ".".join(parts[:depth]))
            elif os.path.isfile(f"{path}.py"):
                yield _Module(f"{path}.py", ".".join(parts[:depth]))
                return
            elif not os.path.isdir(path):
                return


def _imports(module: _Module) -> Iterator[str]:
    """The names that a module may import; some may be attributes, or not exist."""
    try:
        tree = ast.parse(Path(module.file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return  # importing the file will report this
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = _start(module, node)
            if start:
                yield start
            yield from (f"{start}.{alias.name}" if start else alias.name for alias in node.names)
        if _is_dynamic(node):
            yield "importlib"


def _is_dynamic(node: ast.AST) -> bool:
    """Whether it may import modules that no import statement names."""
    if isinstance(node, ast.Name):
        return node.id in _DYNAMIC_NAMES
    if isinstance(node, ast.Attribute):
        of = node.value.id if isinstance(node.value, ast.Name) else ""
        return (of, node.attr) in _DYNAMIC_ATTRIBUTES or node.attr == "__path__"
    if isinstance(node, ast.ImportFrom):
        return any((node.module, alias.name) in _DYNAMIC_ATTRIBUTES for alias in node.names)
    # torch.load with weights_only=False imports the classes that a file names
    return isinstance(node, ast.keyword) and node.arg == "weights_only" and not _is_true(node.value)


def _is_true(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _exported(file: str) -> set[str]:
    """The names in a package's `__all__`; all its modules if `__all__` is computed."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "__all__" and isinstance(node.ctx, ast.Load):
            return _modules_beside(file)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(x, ast.Name) and x.id == "__all__" for x in targets):
                try:
                    names.update(ast.literal_eval(node.value) if node.value else ())
                except (ValueError, TypeError):
                    return _modules_beside(file)
    return names


def _modules_beside(file: str) -> set[str]:
    folder = Path(file).parent
    return {x.stem for x in folder.glob("*.py")} | {x.name for x in folder.iterdir() if x.is_dir()}


@imports_for_user
def _folders_of(top: str) -> Iterator[str]:
    """The folders in which Python would find a module, if it is the user's."""
    if top in sys.stdlib_module_names or top == "rflint" or not top.isidentifier():
        return
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # a loaded module may have no __spec__
        return
    if spec is None:
        return
    if spec.submodule_search_locations is not None:
        places = list(spec.submodule_search_locations)
    else:
        places = [spec.origin] if spec.has_location and spec.origin else []
    yield from (os.path.dirname(x) for x in places if not is_installed(os.path.abspath(x)))


def _start(module: _Module, node: ast.ImportFrom) -> str:
    """The absolute name of the module in `from ... import`."""
    if not node.level:
        return node.module or ""
    parts = module.package.split(".") if module.package else []
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])
