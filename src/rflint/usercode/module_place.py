"""Where the module of a target lies, what it is called there, and which folders it imports from."""

from __future__ import annotations

import ast
import keyword
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path

from rflint.usercode.project_layout import ProjectLayout

_OF_OTHERS = sys.stdlib_module_names | {"torch"}
"""Names that never mean a package of the user's: they are loaded before it."""


@dataclass(frozen=True, slots=True)
class ModulePlace:
    """A module or file of a target, with the user's folders that its imports are looked for in."""

    name: str
    """The dotted name that it is imported by; empty for a file that is loaded by its path alone."""
    file: Path | None
    """None if the target names a module."""
    first: tuple[Path, ...]
    """Folders that come before installed packages, for the user's own code."""
    last: tuple[Path, ...]
    """Folders that come after installed packages, as those of a project that is installed with
    `pip install -e` do."""
    provider: Path | None = None
    """The folder that has the module, if one of the user's has it."""
    renamed: tuple[tuple[str, Path], ...] = ()
    """Packages that lie in a folder of another name, by the name that they are imported by."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """All of them, in the order in which they are searched."""
        return tuple(dict.fromkeys((*self.first, *self.last)))


def module_place(module: str, root: Path, pythonpath: Sequence[Path] = ()) -> ModulePlace:
    """The place of `package.module` or `path/to/file.py`, as it is in front of a target's colon.

    `root` is what the path of a file is relative to. `pythonpath` are folders that the user wants
    to be searched first.
    """
    if module.endswith(".py"):
        return _place_of_file((root / module).resolve(), root, pythonpath)
    return _place_of_module(module, root, pythonpath)


def module_source(module: str, root: Path, pythonpath: Sequence[Path] = ()) -> Path | None:
    """The user's file that is the module or file of a target; None if it is no file of theirs."""
    place = module_place(module, root, pythonpath)
    if place.file is not None:
        return place.file
    top, *inner = module.split(".")
    renamed = dict(place.renamed)
    packages = [renamed[top]] if top in renamed else [x / top for x in place.folders]
    for package in packages:
        path = package.joinpath(*inner)
        for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if file.is_file():
                return file.resolve()
    return None


def has_module(folder: Path, name: str) -> bool:
    """Whether a folder has a top-level module of this name, or a package with an `__init__.py`."""
    found = PathFinder.find_spec(name, [str(folder)])
    return found is not None and found.loader is not None


def _place_of_module(module: str, root: Path, pythonpath: Sequence[Path]) -> ModulePlace:
    project = ProjectLayout.around(root)
    sources = project.source_folders
    candidates = _unique((*pythonpath, root, *sources, project.folder))
    top, path = module.partition(".")[0], Path(*module.split("."))
    provider = next((x for x in candidates if has_module(x, top)), None)
    if provider is None:  # a folder without __init__.py is a package, too, if it leads somewhere
        provider = next((x for x in candidates if _leads_to(x / path)), None)
    own = [provider] if provider else []
    first = _unique((*pythonpath, root, *own))
    renamed = _renamed(project, candidates)
    return ModulePlace(module, None, first, sources, provider, renamed)


def _renamed(project: ProjectLayout, folders: Sequence[Path]) -> tuple[tuple[str, Path], ...]:
    """The packages of a project in folders of another name, but for those that lie under theirs."""
    said = (
        (name, (project.folder / folder).resolve()) for name, folder in project.own_folders.items()
    )
    return tuple(
        (name, folder)
        for name, folder in said
        if (folder / "__init__.py").is_file() and not any(has_module(x, name) for x in folders)
    )


def _leads_to(path: Path) -> bool:
    return path.is_dir() or path.with_name(f"{path.name}.py").is_file()


def _place_of_file(file: Path, root: Path, pythonpath: Sequence[Path]) -> ModulePlace:
    """A file is imported as part of its package if it imports from that; else by its path.

    So a file that needs nothing of its package is linted though the package cannot be imported.
    """
    project = ProjectLayout.around(file.parent)
    sources = project.source_folders
    others = ProjectLayout.around(root).source_folders
    last = (*sources, *others)
    imports = _Imports.of(file)
    roots = list(_package_roots(file, (*pythonpath, *last), root))
    named = [(x, name) for x in roots if (name := _dotted(file, x))]
    own = []
    if (file.parent / "__init__.py").is_file():
        own = [(x, name) for x, name in named if name.partition(".")[0] in imports.tops]
    if not own and imports.levels:
        own = [(x, name) for x, name in named if _depth(file, name) >= imports.levels]
    renamed = _renamed(project, (*pythonpath, root, *sources, project.folder))
    if name := _renamed_module(file, renamed, imports):
        return ModulePlace(name, file, _unique((*pythonpath, root)), _unique(last), renamed=renamed)
    if not own:
        first = _unique((file.parent, *pythonpath, root))
        return ModulePlace("", file, first, _unique(last), renamed=renamed)
    package_root, name = own[0]
    first = _unique((package_root, *pythonpath, root))
    # what lies beside it must not hide what is installed: modules of a package have any name
    return ModulePlace(name, file, first, _unique((*last, file.parent)), package_root, renamed)


def _renamed_module(file: Path, renamed: Sequence[tuple[str, Path]], imports: _Imports) -> str:
    """The name of a file in a package of another name than its folder, if it imports from that."""
    for package, folder in renamed:
        name = _dotted(file, folder) if file.is_relative_to(folder) else ""
        if name and (imports.levels or package in imports.tops):
            return f"{package}.{name}"
    return ""


def _package_roots(file: Path, known: Sequence[Path], root: Path) -> Iterator[Path]:
    """Folders that a package with this file in it may be imported from, the likeliest first."""
    folder = file.parent
    while (folder / "__init__.py").is_file() and _is_name(folder.name):
        folder = folder.parent
    # below a source folder, folders without __init__.py are packages as well
    above = [x for x in known if folder != x and folder.is_relative_to(x)]
    yield from sorted(above, key=lambda x: len(x.parts), reverse=True)
    yield folder
    if folder.is_relative_to(root.resolve()):
        yield root.resolve()
    yield ProjectLayout.around(file.parent).folder
    yield from file.parent.parents


def _dotted(file: Path, root: Path) -> str:
    """The name that a file is imported by from a folder; empty if that cannot be."""
    try:
        parts = file.relative_to(root).with_suffix("").parts
    except ValueError:
        return ""
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts) if parts and all(map(_is_name, parts)) else ""


def _depth(file: Path, name: str) -> int:
    """How many packages a module is in; a package is in itself."""
    return name.count(".") + (file.name == "__init__.py")


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _unique(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Folders without those that stand further in front already, however they are written."""
    found: dict[Path, Path] = {}
    for folder in folders:
        found.setdefault(folder.resolve(), folder)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Imports:
    """What a file says about its package by its import statements."""

    tops: frozenset[str]
    """The first names of what it imports."""
    levels: int
    """The most dots that a relative import begins with."""

    @classmethod
    def of(cls, file: Path) -> _Imports:
        try:
            return cls.written_in(file.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return cls(frozenset(), 0)  # importing the file will report this

    @classmethod
    @lru_cache(maxsize=16)
    def written_in(cls, source: bytes) -> _Imports:
        """Those of a source text, which a run asks for several times."""
        tree = ast.parse(source)
        tops, levels = set(), 0
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                tops |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                levels = max(levels, node.level)
                if not node.level and node.module:
                    tops.add(node.module.partition(".")[0])
        return cls(frozenset(tops) - _OF_OTHERS, levels)
