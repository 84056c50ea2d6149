"""Where rules come from: rflint's own, those of installed packages, and those of a project.

A rule that cannot be read is one error, and no reason for the others not to run.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from types import ModuleType

from rflint.errors import RflintError, UsageError, said
from rflint.places import innermost_user_line_of
from rflint.rule import Rule, read_rule

GROUP = "rflint.rules"
"""Entry points by which packages bring rules: each names a module that is a rule, or a package of
such modules."""


class RuleFailed(RflintError):
    """A rule file cannot be read, or its check raised."""

    kind = "rule"


def load_rules() -> tuple[Rule, ...]:
    """The rules that ship with rflint, by code."""
    package = importlib.import_module("rflint.rules")
    return tuple(read_rule(module) for module in _modules(package))


def load_all_rules(
    paths: Sequence[Path], broken: Callable[[str, RflintError], None]
) -> tuple[Rule, ...]:
    """Rflint's rules, those of installed packages, and those in files and folders, by code.

    `broken` is called with the place and the error of each rule that cannot be had.
    """
    found = list(load_rules())
    for origin, read in (*_of_packages(), *_of_paths(paths)):
        try:
            rule = read()
            twin = next((x for x in found if rule.code == x.code or rule.name == x.name), None)
            if twin:
                same = rule.code if rule.code == twin.code else rule.name
                raise RuleFailed(f"{same} is a rule already: {twin.file}")
            found.append(rule)
        except RflintError as error:
            broken(origin, error)
        except Exception as error:
            source = innermost_user_line_of(error)
            raised = RuleFailed(f"this rule cannot be imported: {said(error)}", source=source)
            raised.__cause__ = error
            broken(origin, raised)
    return tuple(sorted(found, key=lambda rule: rule.code))


def _of_packages() -> Iterator[tuple[str, Callable[[], Rule]]]:
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        origin = f"{entry.name} = {entry.value}"
        try:
            loaded = entry.load()
            modules = list(_modules(loaded)) if hasattr(loaded, "__path__") else [loaded]
        except Exception as error:
            yield origin, _raising(error)
            continue
        for module in modules:
            yield f"{origin} ({module.__name__})", partial(read_rule, module)


def _raising(error: Exception) -> Callable[[], Rule]:
    def read() -> Rule:
        raise error

    return read


def _of_paths(paths: Iterable[Path]) -> Iterator[tuple[str, Callable[[], Rule]]]:
    for path in paths:
        files = (
            sorted(x for x in path.glob("*.py") if not x.name.startswith("_"))
            if path.is_dir()
            else [path]
        )
        for file in files:
            yield str(file), partial(_read_file, file)


def _read_file(file: Path) -> Rule:
    return read_rule(_imported(file))


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    """The modules of a package that are named after a rule's code."""
    for name in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        if re.match(r"[a-z]+\d{3}_", name):
            yield importlib.import_module(f"{package.__name__}.{name}")


def _imported(file: Path) -> ModuleType:
    """A rule file as a module under a name of its own, since it lies in no package."""
    if not file.is_file():
        raise UsageError(f"there is no rule file or folder {file}")
    full = file.resolve()
    name = f"_rflint_rule_{hashlib.sha1(str(full).encode()).hexdigest()[:12]}_{full.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, full)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
