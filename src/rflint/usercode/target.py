"""Targets, and the object that one names.

A target is `package.module:attribute`, `file.py:attribute`, or has a scheme: `timm:resnet18`.
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from rflint.errors import ImportFailed, RflintError, UsageError, error_text
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.exits import exit_call
from rflint.usercode.finder import make_target_importable, module_exists, shadowed_file
from rflint.usercode.frame_marks import enters_user_code, imports_for_user
from rflint.usercode.import_file import import_file
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.paths import short_path, source_at
from rflint.usercode.schemes.registry import PREFIXES, scheme_of
from rflint.usercode.source_lines import innermost_user_line_of
from rflint.usercode.target_hints import (
    missing_attribute,
    missing_file,
    missing_module,
    without_colon,
)


def check_target(target: str, root: Path, hint: str = "") -> None:
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
    elif not module_exists(root, name.split(".")[0]):
        raise _no_module(name, name.split(".")[0], root)


@enters_user_code
def load_target(target: str, root: Path) -> Any:
    """Import the object that a target names.

    `root` is the folder that the path of a file is relative to, and that modules are looked for in:
    the current directory, or that of the configuration. Raises UsageError for a malformed target,
    ImportFailed if the import fails or there is no such attribute.
    """
    module_name, attribute = split_target(target)
    if named := scheme_of(target):
        scheme, name = named
        make_target_importable(root, scheme.package)
        return scheme.load(name, root)
    make_target_importable(root, module_name)
    module = (
        _from_file(root / module_name)
        if module_name.endswith(".py")
        else _import_module(module_name, root)
    )
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
        raise UsageError(
            f"{module!r} is no module", hint="A file target ends in .py before the colon."
        )
    return module, attribute


@imports_for_user
def _import_module(name: str, root: Path) -> ModuleType:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise _no_module(name, error.name, root) from error
        raise _import_error(name, error) from error
    except BaseException as error:
        raise _import_error(name, error) from error
    if shadowed := shadowed_file(root, module):
        file = short_path(Path(shadowed))
        raise ImportFailed(
            f"{name} is a module that PyTorch or Python has imported, and not {file}",
            hint=f"Name the file: {file}:ATTRIBUTE",
        )
    return module


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ImportFailed(f"no file {path}")
    full = path.resolve()
    # a unique name: a file called torch.py or test.py must not shadow a module
    name = f"_rflint_{hashlib.sha1(str(full).encode()).hexdigest()[:12]}_{full.stem}"
    try:
        module = import_file(full, name)
    except BaseException as error:
        raise _import_error(str(path), error) from error
    if module is None:
        raise ImportFailed(f"{path} cannot be imported")
    return module


def _no_module(name: str, missing: str, root: Path) -> ImportFailed:
    file = Path(*name.split(".")).with_suffix(".py")
    did = missing_module(name, root) or _similar_scheme(name)
    looked = f"Looked for an installed package and in {root} (such as {file})."
    return ImportFailed(f"no module named {missing!r}", hint=f"{did} {looked}".lstrip())


def _similar_scheme(name: str) -> str:
    return did_you_mean([f"{prefix}:NAME" for prefix in similar(name, PREFIXES, 2)])


def _import_error(name: str, error: BaseException) -> RflintError:
    if is_ctrl_c(error):
        raise error
    if isinstance(error, SyntaxError):
        place = source_at(error.filename, error.lineno) if error.filename and error.lineno else None
        return ImportFailed(f"syntax error: {error.msg}", source=place)
    if isinstance(error, SystemExit):
        event = f"called {exit_call(error)}"
        hint = "Guard what the file does as a script with: if __name__ == '__main__':"
    else:
        event, hint = f"raised {error_text(error)}", ""
        if "relative import" in str(error):
            hint = "A file inside a package is named by its module: package.module:attribute."
    return ImportFailed(
        f"importing {name} {event}", hint=hint, source=innermost_user_line_of(error)
    )
