"""Hints for a target that names nothing that exists."""

from __future__ import annotations

import ast
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from rflint.text.numbers import first_few
from rflint.text.subcommands import SUBCOMMANDS
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.file_hints import missing_file
from rflint.usercode.install_hints import package_elsewhere
from rflint.usercode.module_place import ModulePlace, module_source
from rflint.usercode.ownership import is_installed
from rflint.usercode.paths import relative_path, short_path, source_at

NOTEBOOK = ".ipynb"
NOTEBOOKS = (
    "Notebooks are not read: put what builds the model into a .py file, and import it there."
)
_LISTED = 8
"""So many models of a file are named."""


def without_colon(target: str, names: Sequence[str] = (), root: Path | None = None) -> str:
    """For a target that names no attribute: it may be a misspelt model name or subcommand.

    `root` is the folder that paths and modules are looked for in; the current directory if None.
    """
    folder = root or Path()
    if target.endswith(".py"):
        if not (folder / target).is_file():
            return f"There is no file {target}. {missing_file(target, folder)}".rstrip()
        return _of_file(folder / target, target)
    if target.endswith(NOTEBOOK):
        return NOTEBOOKS
    alike = similar(target, (*names, *SUBCOMMANDS), 3, ignore_case=True)
    is_folder = (folder / target).is_dir() and not (folder / target / "__init__.py").is_file()
    if (folder / target).is_dir() and (os.sep in target or (is_folder and not alike)):
        return f"It is a folder. What it has to lint: rflint --list-targets {target}"
    module, dot, attribute = target.rpartition(".")
    if found := _module_of(target, folder):
        file, name, rest = found
        return _in_module(file, name, rest) if rest else _of_file(file, target)
    if dot and all(part.isidentifier() for part in target.replace(".py.", ".").split(".")):
        return f"Did you mean {module}:{attribute}? A colon stands in front of the attribute."
    from rflint.usercode.schemes.registered import registered

    meant = [f"rflint {x}" if x in SUBCOMMANDS else x for x in alike]
    if known := registered(target):
        return did_you_mean([*meant, *known])
    says = "Say which attribute builds it, like mymodel:build."
    return f"{did_you_mean(meant) or 'What there is: rflint --list-targets.'} {says}"


def notebooks_in(paths: Sequence[Path]) -> str:
    """Why nothing was found where there are only notebooks; else empty."""
    from rflint.usercode.python_files import python_files

    folders = [x for x in paths if x.is_dir()]
    found = next((x for folder in folders for x in folder.rglob(f"*{NOTEBOOK}")), None)
    is_all = found is not None and not any(python_files(folders))
    return NOTEBOOKS if is_all else ""


def _of_file(file: Path, named: str) -> str:
    """What a file, or the package whose `__init__.py` it is, has to lint."""
    from rflint.usercode.candidates import Candidates

    here = Candidates([file], Path()).all()
    found = [f"{named}:{one.target.rpartition(':')[2]}" for one in here]
    if not found and file.name == "__init__.py":
        folder = relative_path(file.parent)
        return f"It is a package. What it has to lint: rflint --list-targets {folder}"
    if not found and (error := syntax_error(file)):
        return error
    if not found:
        return (
            f"Nothing in it is a model at first sight. Say which attribute builds it, like "
            f"{named}:build."
        )
    return f"Say which attribute builds it: {first_few(found, _LISTED)}."


def syntax_error(file: Path) -> str:
    """What keeps Python from reading a file, with its line; empty if nothing does."""
    try:
        ast.parse(file.read_bytes())
    except SyntaxError as error:
        place = source_at(str(file), error.lineno) if error.lineno else short_path(file)
        return f"It cannot be read: {place}: {error.msg}."
    except (OSError, ValueError, RecursionError, MemoryError):
        return ""
    return ""


def _in_module(file: Path, module: str, attribute: str) -> str:
    """For an attribute behind a dot: the same behind a colon, or those that are spelt alike."""
    from rflint.usercode.project_source import ProjectSource

    (source,) = ProjectSource([file]).modules.values() or (None,)
    known = [] if source is None else [*source.definitions, *source.imports]
    alike = similar(attribute, known, 3, ignore_case=True)
    meant = [attribute] if attribute in known or not alike else alike
    did = did_you_mean([f"{module}:{name}" for name in meant])
    return f"{did} A colon stands in front of the attribute."


def _module_of(dotted: str, root: Path) -> tuple[Path, str, str] | None:
    """The file of the module that a dotted name begins with, its name, and what follows it."""
    parts = dotted.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    for length in range(len(parts), 0, -1):
        name, rest = ".".join(parts[:length]), ".".join(parts[length:])
        if file := module_source(name, root):
            return file, name, rest
    return None


def missing_module(name: str, place: ModulePlace, root: Path) -> str:
    """For a module that does not exist: similar names, or where it lies, and where it was sought.

    `name` may be a module in a package that exists.
    """
    *packages, last = name.split(".")
    folders = [folder.joinpath(*packages) for folder in place.folders]
    there = dict.fromkeys(x for folder in folders for x in _modules_in(folder))
    alike = [x for x in similar(last, list(there), 3, ignore_case=True) if x != last]
    did = did_you_mean([".".join([*packages, x]) for x in alike])
    if packages:
        return did
    elsewhere = "" if did else package_elsewhere(name, root)
    return " ".join(filter(None, [did, elsewhere, f"{_LOOKED} {_listed(place.folders)}."]))


_LOOKED = "Looked for an installed package and in"


def _listed(folders: Sequence[Path]) -> str:
    return ", ".join("the current folder" if x == Path() else str(x) for x in folders)


def _modules_in(folder: Path) -> list[str]:
    """The modules and packages in a folder."""
    with suppress(OSError):
        return [
            x.stem
            for x in sorted(folder.iterdir())
            if (x.suffix == ".py" and x.stem != "__init__") or (x / "__init__.py").is_file()
        ]
    return []


def missing_attribute(name: str, owner: Any) -> str:
    """For an attribute that does not exist: similar names, or what the owner itself defines.

    A package may have it in one of its modules.
    """
    package = _folder_of(owner)
    if package and (inner := _in_package(name, owner.__name__, package)):
        return did_you_mean(inner)
    public = [
        attribute
        for attribute in dir(owner)
        # a module that it imports is neither a model nor data
        if not attribute.startswith("_")
        and not isinstance(getattr(owner, attribute, None), ModuleType)
    ]
    if alike := similar(name, public, 3, ignore_case=True):
        return did_you_mean(alike)
    defined = [
        a
        for a in public
        if getattr(getattr(owner, a, None), "__module__", "") == getattr(owner, "__name__", None)
    ]
    if defined:
        return f"It defines: {', '.join(defined[:8])}."
    return f"What it has to lint: rflint --list-targets {relative_path(package)}" if package else ""


def _folder_of(owner: Any) -> Path | None:
    """The folder of a package of the user's; None for all else."""
    file = getattr(owner, "__file__", None)
    if not file or not hasattr(owner, "__path__") or is_installed(file):
        return None
    return Path(file).resolve().parent


def _in_package(name: str, package: str, folder: Path) -> list[str]:
    """The targets for a name that modules of a package define, and the package does not show."""
    from rflint.usercode.project_source import ProjectSource
    from rflint.usercode.python_files import python_files

    source = ProjectSource(python_files([folder]))
    inner = (x.file for x in source.modules.values() if name in x.definitions)
    parts = (x.relative_to(folder).with_suffix("").parts for x in inner)
    return [f"{'.'.join((package, *x))}:{name}" for x in parts if x[-1] != "__init__"][:3]
