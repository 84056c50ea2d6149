"""Targets, and the object that one names.

A target is `package.module:attribute`, `file.py:attribute`, or has a scheme: `timm:resnet18`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from rflint.errors import ImportFailed, RflintError, UsageError, error_text
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.exits import exit_call
from rflint.usercode.file_hints import data_elsewhere, missing_file
from rflint.usercode.finder import make_target_importable, module_exists, shadowed_file
from rflint.usercode.frame_marks import enters_user_code, imports_for_user
from rflint.usercode.import_file import import_file
from rflint.usercode.install_hints import compiled_part_missing, failed_import
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.module_place import ModulePlace, module_place
from rflint.usercode.paths import short_path, source_at
from rflint.usercode.schemes.registry import PREFIXES, scheme_of
from rflint.usercode.source_lines import innermost_user_line_of, lines_of
from rflint.usercode.surroundings import called_as
from rflint.usercode.target_hints import (
    NOTEBOOK,
    NOTEBOOKS,
    missing_attribute,
    missing_module,
    without_colon,
)


def check_target(target: str, root: Path, hint: str = "", pythonpath: Sequence[Path] = ()) -> None:
    """Raise an error for a target that cannot be imported, before torch is imported.

    Raises UsageError for a malformed target, ImportFailed for a file or package that does not
    exist.
    """
    if named := scheme_of(target):
        scheme, name = named
        scheme.check_target(name, root)
        return
    try:
        name, _ = split_target(target)
    except UsageError as error:
        error.hint = hint or error.hint
        raise
    if name.endswith(".py"):
        if not (root / name).is_file():
            raise ImportFailed(f"no file {name}", hint=hint or missing_file(name, root))
        return
    place = module_place(name, root, pythonpath)
    if not module_exists(place):
        raise _no_module(name.split(".")[0], place, root)


@enters_user_code
def load_target(target: str, root: Path, pythonpath: Sequence[Path] = ()) -> Any:
    """Import the object that a target names.

    `root` is the folder that the path of a file is relative to, and that modules are looked for in:
    the current directory, or that of the configuration. They are looked for in the folders of the
    project's packages as well, and in those of `pythonpath`, which come first.

    Raises UsageError for a malformed target, ImportFailed if the import fails or there is no such
    attribute.
    """
    module_name, attribute = split_target(target)
    if named := scheme_of(target):
        scheme, name = named
        make_target_importable(module_place(scheme.package, root, pythonpath))
        return scheme.load(name, root)
    place = module_place(module_name, root, pythonpath)
    make_target_importable(place)
    with called_as(module_name):
        if place.file is None:
            module = _import_module(place, root)
        elif place.name:
            module = _from_package(root / module_name, place, root)
        else:
            module = _from_file(root / module_name, place, root)
    found: Any = module
    walked = module_name
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise ImportFailed(
                f"{walked} has no attribute {part!r}", hint=missing_attribute(part, found)
            ) from error
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            event = f"reading {part!r} of {walked} raised {error_text(error)}"
            raise ImportFailed(event) from error
        walked = f"{walked}.{part}"
    return found


def split_target(target: str) -> tuple[str, str]:
    """The module (or file) and the attribute of a target; with a scheme, its package and name."""
    if named := scheme_of(target):
        scheme, name = named
        return scheme.package, name
    module, colon, attribute = target.rpartition(":")
    if not colon:
        raise UsageError(f"{target!r} names no model", hint=without_colon(target))
    if not module or not all(part.isidentifier() for part in attribute.split(".")):
        raise UsageError(
            f"{target!r} is no target",
            hint="A target is package.module:attribute or path/to/file.py:attribute.",
        )
    if not module.endswith(".py") and not all(part.isidentifier() for part in module.split(".")):
        is_notebook = module.endswith(NOTEBOOK)
        hint = NOTEBOOKS if is_notebook else "A file target ends in .py before the colon."
        raise UsageError(f"{module!r} is no module", hint=hint)
    return module, attribute


def _import_module(place: ModulePlace, root: Path) -> ModuleType:
    name = place.name
    try:
        module = _imported(name)
    except ModuleNotFoundError as error:
        if _is_of(error, name):
            raise _no_module(str(error.name), place, root) from error
        raise _import_error(name, error, place, root) from error
    except BaseException as error:
        raise _import_error(name, error, place, root) from error
    if shadowed := shadowed_file(place, module):
        file = short_path(Path(shadowed))
        raise ImportFailed(
            f"{name} is a module that PyTorch or Python has imported, and not {file}",
            hint=f"Name the file: {file}:ATTRIBUTE",
        )
    return module


@imports_for_user
def _imported(name: str) -> ModuleType:
    return importlib.import_module(name)


def _is_of(error: ModuleNotFoundError, name: str) -> bool:
    """Whether a module was not found, and not an installed package of its name."""
    missing = error.name
    if not missing or type(error) is not ModuleNotFoundError:
        return False
    return name == missing or name.startswith(missing + ".")


def _from_package(path: Path, place: ModulePlace, root: Path) -> ModuleType:
    """Import a file by its name in its package, for the imports from that."""
    if not path.is_file():
        raise ImportFailed(f"no file {short_path(path)}")
    try:
        module = _imported(place.name)
    except BaseException as error:
        top = sys.modules.get(place.name.partition(".")[0])
        if isinstance(error, ModuleNotFoundError) and _is_of(error, place.name) and top:
            raise _other_package(path, place.name, top) from error
        raise _import_error(short_path(path), error, place, root) from error
    found = getattr(module, "__file__", None)
    if not found or Path(found).resolve() != path.resolve():
        raise _other_package(path, place.name, module)
    return module


def _other_package(path: Path, name: str, loaded: ModuleType) -> ImportFailed:
    top = name.partition(".")[0]
    where = getattr(loaded, "__file__", None) or f"a module called {top}"
    return ImportFailed(
        f"{short_path(path)} is {name}, but Python has imported another {top}: {where}",
        hint=f"Two packages called {top} cannot be imported in one program: rename the folder.",
    )


def _from_file(path: Path, place: ModulePlace, root: Path) -> ModuleType:
    if not path.is_file():
        raise ImportFailed(f"no file {short_path(path)}")
    full = path.resolve()
    # a unique name: a file called torch.py or test.py must not shadow a module
    name = f"_rflint_{hashlib.sha1(str(full).encode()).hexdigest()[:12]}_{full.stem}"
    try:
        module = import_file(full, name)
    except BaseException as error:
        raise _import_error(short_path(path), error, place, root) from error
    if module is None:
        raise ImportFailed(f"{short_path(path)} cannot be imported")
    return module


def _no_module(missing: str, place: ModulePlace, root: Path) -> ImportFailed:
    did = "" if "." in missing else _similar_scheme(missing)
    looked = missing_module(missing, place, root)
    hint = looked if looked.startswith("Did you mean") else f"{did} {looked}".strip()
    return ImportFailed(f"no module named {missing!r}", hint=hint)


def _similar_scheme(name: str) -> str:
    return did_you_mean([f"{prefix}:NAME" for prefix in similar(name, PREFIXES, 2)])


def _import_error(name: str, error: BaseException, place: ModulePlace, root: Path) -> RflintError:
    if is_ctrl_c(error):
        raise error
    if isinstance(error, SyntaxError):
        found = source_at(error.filename, error.lineno) if error.filename and error.lineno else None
        return ImportFailed(f"syntax error: {error.msg}", source=found)
    if isinstance(error, SystemExit):
        event = f"called {exit_call(error)}"
        hint = "Guard what the file does as a script with: if __name__ == '__main__':"
        if any(file == argparse.__file__ for file, _ in lines_of(error)):
            event += ", as it reads a command line, which is empty here"
    else:
        event, hint = f"raised {error_text(error)}", compiled_part_missing(error)
        if isinstance(error, ImportError) and not hint:
            hint = failed_import(error, place, root)
    source = innermost_user_line_of(error)
    hint = hint or data_elsewhere(error, Path(source.path) if source else None)
    return ImportFailed(f"importing {name} {event}", hint=hint, source=source)
