"""Hints for imports that fail because something is not installed: what it is, and what to run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from pathlib import Path

from rflint.errors import error_text
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.module_place import ModulePlace
from rflint.usercode.paths import relative_path
from rflint.usercode.project_layout import ProjectLayout

_DEPTH = 3
"""How many folders below the project a package is looked for, to say where it lies."""
_DOTS = "one dot is the folder of the file, and each further dot one folder up."
_PASSED_BY = frozenset({"site-packages", "node_modules", "build", "dist", "__pycache__"})


def failed_import(error: ImportError, place: ModulePlace, root: Path) -> str:
    """What to do about an import that failed while a target was imported; empty if unknown."""
    project = ProjectLayout.around(place.file.parent if place.file else root)
    if isinstance(error, PackageNotFoundError):
        return _metadata_missing(str(error.name), project)
    if "beyond top-level package" in str(error):
        return f"These dots lead out of the package {place.name.partition('.')[0]}: {_DOTS}"
    if "relative import" in str(error):
        return "A file inside a package is named by its module: package.module:attribute."
    if "circular import" in str(error):
        return "They import each other: move one of the imports into the function that needs it."
    missing = error.name or ""
    top, _, inner = missing.partition(".")
    if not top:
        return ""
    renamed = top in dict(place.renamed)
    is_own = renamed or any(_is_package(folder / top) for folder in place.folders)
    if not isinstance(error, ModuleNotFoundError):  # cannot import name 'x' from 'package'
        name = re.search(r"cannot import name '(\w+)'", str(error))
        compiled = name and is_own and project.compiles
        return _made_by_build(f"{missing}.{name[1]}", project) if name and compiled else ""
    if is_own and inner and place.provider and place.provider in project.folder.parents:
        # it was imported by dots, in a folder that no installed package would begin with
        there = relative_path(Path(place.provider, *missing.split(".")))
        return f"There is no {there}.py: {_DOTS}"
    if is_own and inner:
        return _own_module_missing(missing, place, project)
    return "" if is_own else _dependency_missing(top, project)


def compiled_part_missing(error: BaseException) -> str:
    """For a package whose compiled operators torch does not know; else empty."""
    found = re.search(r"\boperator (\w+)::\w+ does not exist", error_text(error))
    if not found:
        return ""
    return (
        f"The compiled part of {found[1]} did not load, as a rule because it was built for another "
        f"torch than the one {_here()}. Install versions of the two that belong together, in one "
        f"command and from one place: pip install --upgrade torch {found[1]}"
    )


def package_elsewhere(name: str, root: Path) -> str:
    """For a package that lies somewhere in the project where nobody looks; else empty."""
    project = ProjectLayout.around(root)
    if folder := project.own_folders.get(name):
        return (
            f"The project says that {name} is the folder {folder}, where no __init__.py is: "
            f"{install(project)}"
        )
    found = next(_holders(project.folder, name, _DEPTH), None)
    if found is None:
        return ""
    folder = found.relative_to(project.folder).as_posix()
    return (
        f'There is one in {relative_path(found)}: write pythonpath = ["{folder}"] under '
        "[tool.rflint] in pyproject.toml."
    )


def plugin_missing(group: str, root: Path) -> str:
    """For what a plugin of the project's would bring, if it is not installed; else empty."""
    project = ProjectLayout.around(root)
    there = {(x.name, x.value) for x in entry_points(group=group)}
    missing = [x for x in project.entry_points(group).items() if x not in there]
    if not missing:
        return ""
    names = ", ".join(f"{name} = {value}" for name, value in missing)
    return f"The project's {group} ({names}) are not installed {_here()}: {install(project)}"


def install(project: ProjectLayout, extra: str = "") -> str:
    """The command that installs a project as it lies."""
    where = relative_path(project.folder)
    return f"pip install -e '{where}[{extra}]'" if extra else f"pip install -e {where}"


def _metadata_missing(name: str, project: ProjectLayout) -> str:
    if _normal(name) != _normal(project.name):
        return f"{name} is not installed {_here()}."
    return (
        f"The project asks under which version it is installed, and it is not, {_here()}: "
        f"{install(project)}"
    )


def _own_module_missing(name: str, place: ModulePlace, project: ProjectLayout) -> str:
    """For a module that a package of the user's imports of itself."""
    package, _, last = name.rpartition(".")
    folders = [folder.joinpath(*package.split(".")) for folder in place.folders]
    there = sorted({x.stem for folder in folders if folder.is_dir() for x in folder.iterdir()})
    if alike := similar(last, there, 3, ignore_case=True):
        return did_you_mean([f"{package}.{x}" for x in alike])
    return _made_by_build(name, project) if project.is_installable else ""


def _made_by_build(name: str, project: ProjectLayout) -> str:
    return (
        f"No file of the project is {name}. If it is compiled or written when the project is "
        f"installed: {install(project)}"
    )


def _dependency_missing(top: str, project: ProjectLayout) -> str:
    missing = [name for name in project.dependencies if not _is_installed(name)]
    if missing and project.is_installable:
        verb = "is" if len(missing) == 1 else "are"
        what = "the project's dependencies"
        return f"Of {what}, {', '.join(missing)} {verb} not installed {_here()}: {install(project)}"
    for extra, names in project.extras.items():
        if _normal(top) in map(_normal, names):
            return f"{top} is not installed {_here()}: {install(project, extra)}"
    requirements = project.folder / "requirements.txt"
    command = f": pip install -r {relative_path(requirements)}" if requirements.is_file() else "."
    return f"{top} is not installed {_here()}{command}"


def _here() -> str:
    """Which Python it is about: rflint may have an environment of its own."""
    return f"in the environment that rflint runs in ({sys.prefix})"


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _is_package(folder: Path) -> bool:
    return folder.is_dir() or folder.with_name(f"{folder.name}.py").is_file()


def _normal(name: str) -> str:
    """The name of a distribution, of which case, dots, dashes and underscores are no part."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _holders(folder: Path, name: str, depth: int) -> Iterator[Path]:
    """Folders that have a package of this name, the nearest ones first."""
    level: Sequence[Path] = [folder]
    for _ in range(depth):
        below: list[Path] = []
        for holder in level:
            below += _folders_in(holder)
        for x in below:
            if (x / name / "__init__.py").is_file():
                yield x
        level = below


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                Path(x.path)
                for x in entries
                if x.is_dir(follow_symlinks=False)
                and not x.name.startswith(".")
                and x.name not in _PASSED_BY
            )
    except OSError:
        return []
