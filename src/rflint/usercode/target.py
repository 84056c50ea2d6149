"""From what a person types (`package.module:attribute`, `file.py:attribute`) to an object."""

from __future__ import annotations

import ast
import hashlib
import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from rflint.errors import ImportFailed, RflintError, UsageError, error_text
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.contained import exit_called, is_interrupt
from rflint.usercode.folders import arrange, is_there, namesake
from rflint.usercode.loading import module_of
from rflint.usercode.places import innermost_user_line_of, shown, source_at
from rflint.usercode.target_hints import missing_file, missing_module, without_colon


def check(target: str, root: Path, hint: str = "") -> None:
    """Say what can be said before anything is imported: torch alone takes seconds.

    Raises UsageError for a malformed target, ImportFailed for a file or package that is not there.
    """
    try:
        name, _ = split(target)
    except UsageError as error:
        error.hint = hint or error.hint
        raise
    if name.endswith(".py"):
        if not (root / name).is_file():
            raise ImportFailed(f"no file {name}", hint=hint or missing_file(name, root))
    elif not is_there(root, name.split(".")[0]):
        raise _no_module(name, name.split(".")[0], root)


def load(target: str, root: Path) -> Any:
    """Import the attribute that a target names; dotted attributes are followed.

    `root` is what a file's path is relative to: the current directory, or a configuration's. It is
    importable for what is not installed, and so is the folder of a file target. Raises UsageError
    for a malformed target, ImportFailed where the import or the attribute fails.
    """
    module_name, attribute = split(target)
    arrange(root, module_name)
    module = (
        _from_file(root / module_name) if module_name.endswith(".py") else _named(module_name, root)
    )
    found: Any = module
    walked = module_name
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise ImportFailed(
                f"{walked} has no attribute {part!r}", hint=_suggestion(part, found)
            ) from error
        except BaseException as error:
            if is_interrupt(error):
                raise
            event = f"reading {part!r} of {walked} raised {error_text(error)}"
            raise ImportFailed(event) from error
        walked = f"{walked}.{part}"
    return found


def split(target: str) -> tuple[str, str]:
    """Module (or file) and attribute of a target."""
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


def arguments(pairs: Iterable[str]) -> dict[str, Any]:
    """`KEY=VALUE` pairs of --arg as keyword arguments; values are Python literals, else strings."""
    parsed: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"--arg {pair!r} is not KEY=VALUE")
        try:
            parsed[key] = ast.literal_eval(value)
        except Exception:  # whatever is no literal is a string
            parsed[key] = value
    return parsed


def _named(name: str, root: Path) -> ModuleType:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise _no_module(name, error.name, root) from error
        raise _import_error(name, error) from error
    except BaseException as error:
        raise _import_error(name, error) from error
    file = namesake(root, module)
    if file:
        raise ImportFailed(
            f"{name} is a module that PyTorch or Python has imported, and not {shown(Path(file))}",
            hint=f"Name the file: {shown(Path(file))}:ATTRIBUTE",
        )
    return module


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ImportFailed(f"no file {path}")
    full = path.resolve()
    # a name of its own: a file called torch.py or test.py must not shadow a module
    name = f"_rflint_{hashlib.sha1(str(full).encode()).hexdigest()[:12]}_{full.stem}"
    try:
        module = module_of(full, name)
    except BaseException as error:
        raise _import_error(str(path), error) from error
    if module is None:
        raise ImportFailed(f"{path} cannot be imported")
    return module


def _no_module(name: str, missing: str, root: Path) -> ImportFailed:
    file = Path(*name.split(".")).with_suffix(".py")
    did = missing_module(name.split(".")[0], root)
    looked = f"Looked for an installed package and in {root} (such as {file})."
    return ImportFailed(f"no module named {missing!r}", hint=f"{did} {looked}".lstrip())


def _import_error(name: str, error: BaseException) -> RflintError:
    if is_interrupt(error):
        raise error
    if isinstance(error, SyntaxError):
        place = source_at(error.filename, error.lineno) if error.filename and error.lineno else None
        return ImportFailed(f"syntax error: {error.msg}", source=place)
    if isinstance(error, SystemExit):
        event = f"called {exit_called(error)}"
        hint = "Guard what the file does as a script with: if __name__ == '__main__':"
    else:
        event, hint = f"raised {error_text(error)}", ""
        if "relative import" in str(error):
            hint = "A file inside a package is named by its module: package.module:attribute."
    return ImportFailed(
        f"importing {name} {event}", hint=hint, source=innermost_user_line_of(error)
    )


def _suggestion(name: str, owner: Any) -> str:
    public = [attribute for attribute in dir(owner) if not attribute.startswith("_")]
    if alike := similar(name, public, 3, ignore_case=True):
        return did_you_mean(alike)
    defined = [
        a
        for a in public
        if getattr(getattr(owner, a, None), "__module__", "") == getattr(owner, "__name__", None)
    ]
    return f"It defines: {', '.join(defined[:8])}." if defined else ""
