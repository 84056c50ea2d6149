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
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from types import ModuleType

from rflint.errors import RflintError, UsageError, error_text
from rflint.graph.source_location import SourceLocation
from rflint.linting.errors import RuleFailed
from rflint.linting.rule import Rule
from rflint.linting.rule_module import HOW_TO, IncompleteRuleFile, read_rule
from rflint.linting.rule_outline import outline
from rflint.usercode.exits import ExitAttempt
from rflint.usercode.import_file import import_file
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.ownership import is_rflint, is_standard
from rflint.usercode.paths import short_path, source_at
from rflint.usercode.source_lines import lines_of

GROUP = "rflint.rules"
"""The group of entry points of packages that bring rules.

Each names a module that is a rule, or a package of such modules."""


@dataclass(frozen=True, slots=True)
class _RuleOrigin:
    """A file or module that should be a rule."""

    name: str
    """Its path, or the module's name."""
    described: str
    """The name with what it is, for messages: 'the rule file rules/acme001_x.py'."""
    read: Callable[[], Rule]
    """Raises whatever is wrong with it."""


def load_rules() -> tuple[Rule, ...]:
    """The rules that ship with rflint, by code."""
    package = importlib.import_module("rflint.rules")
    return tuple(read_rule(importlib.import_module(name)) for name in _modules(package))


def load_all_rules(
    paths: Sequence[Path], broken: Callable[[str, RflintError], None], *, run: bool = True
) -> tuple[Rule, ...]:
    """Rflint's rules, those of installed packages, and those in files and folders, by code.

    Without `run`, files are read and not run: their rules cannot check anything. `broken` is called
    for each rule that cannot be loaded, with its file or module and the error.
    """
    found = list(load_rules())
    for origin in (*_of_packages(), *_of_paths(paths, run=run)):
        try:
            rule = origin.read()
            twin = next((x for x in found if rule.code == x.code or rule.name == x.name), None)
            if twin is None:
                found.append(rule)
            elif Path(twin.file).resolve() != Path(rule.file).resolve():  # else it is named twice
                same = rule.code if rule.code == twin.code else rule.name
                raise RuleFailed(
                    f"{origin.described} brings {same}, which is a rule already: "
                    f"{short_path(Path(twin.file))}"
                )
        except RuleFailed as error:
            broken(origin.name, error)
        except UsageError as error:
            broken(origin.name, _no_rule(origin, error))
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            broken(origin.name, _not_imported(origin, error))
    return tuple(sorted(found, key=lambda rule: rule.code))


def _no_rule(origin: _RuleOrigin, error: UsageError) -> RuleFailed:
    why = f"is no rule: {error.message}"
    if isinstance(error, IncompleteRuleFile):
        why = f"lacks {error.lacking}"
    failed = RuleFailed(
        f"{origin.described} {why}",
        hint=error.hint,
        source=error.source or _place(error),
    )
    failed.__cause__ = error
    return failed


def _not_imported(origin: _RuleOrigin, error: BaseException) -> RuleFailed:
    what = f"it called {error.call}" if isinstance(error, ExitAttempt) else error_text(error)
    if isinstance(error, SyntaxError):
        what = f"{type(error).__name__}: {error.msg}"  # the place is shown beside it
    is_ours = isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "rflint"
    failed = RuleFailed(
        f"{origin.described} cannot be imported: {what}",
        hint=HOW_TO if is_ours else "",
        source=_place(error),
    )
    failed.__cause__ = error
    return failed


def _place(error: BaseException) -> SourceLocation | None:
    """The innermost line that is neither rflint's nor Python's, wherever a rule is installed."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return source_at(error.filename, error.lineno)
    lines = [
        (name, line)
        for name, line in lines_of(error)
        if not (name.startswith("<") or is_rflint(name) or is_standard(name))
    ]
    return source_at(*lines[-1]) if lines else None


def _of_packages() -> Iterator[_RuleOrigin]:
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        distribution = entry.dist.name if entry.dist else "an installed package"
        point = f"the entry point {entry.name} = {entry.value} of {distribution}"
        try:
            loaded = entry.load()
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            yield _RuleOrigin(entry.value, point, _raising(error))
            continue
        if not isinstance(loaded, ModuleType):
            says = f"{point} names a {type(loaded).__name__}, not a module or package of rules"
            yield _RuleOrigin(entry.value, point, _raising(RuleFailed(says)))
            continue
        names = list(_modules(loaded)) if hasattr(loaded, "__path__") else [loaded.__name__]
        if not names:
            says = f"{point} names a package without rules"
            hint = f"Modules of rules are named after their codes, like {loaded.__name__}.{_LIKE}."
            yield _RuleOrigin(entry.value, point, _raising(RuleFailed(says, hint=hint)))
        for name in names:
            yield _RuleOrigin(
                name, f"the rule {name} of {distribution}", partial(_read_module, name)
            )


def _raising(error: BaseException) -> Callable[[], Rule]:
    def read() -> Rule:
        raise error

    return read


def _of_paths(paths: Iterable[Path], *, run: bool) -> Iterator[_RuleOrigin]:
    for path in paths:
        name = short_path(path)
        files = [path]
        if path.is_dir():
            files = sorted(x for x in path.glob("*.py") if not x.name.startswith("_"))
            if not files:
                says = f"there is no rule in the folder {name}"
                hint = f"Rules are Python files right in it, like {name}/{_LIKE}.py."
                yield _RuleOrigin(name, name, _raising(RuleFailed(says, hint=hint)))
        elif not path.is_file():
            says = f"there is no rule file or folder {name}"
            yield _RuleOrigin(name, name, _raising(RuleFailed(says)))
            continue
        for file in files:
            yield _RuleOrigin(
                short_path(file),
                f"the rule file {short_path(file)}",
                partial(_read_file if run else _outline, file),
            )


_LIKE = "acme001_what_it_finds"


def _read_file(file: Path) -> Rule:
    return read_rule(_imported(file))


def _outline(file: Path) -> Rule:
    if file.suffix != ".py":
        raise _no_python(file)
    return outline(file.resolve())


def _read_module(name: str) -> Rule:
    return read_rule(importlib.import_module(name))


def _modules(package: ModuleType) -> Iterator[str]:
    """The modules of a package that are named after a rule's code."""
    for name in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        if re.match(r"[a-z]+\d{3}_", name):
            yield f"{package.__name__}.{name}"


def _imported(file: Path) -> ModuleType:
    """The module of a rule file, in a package that is made up for its folder.

    Files of a folder can so share code (`from . import _shared`), and no other module has its name.
    """
    full = file.resolve()
    name = f"{_package(full.parent)}.{re.sub(r'[^0-9A-Za-z_]', '_', full.stem)}"
    module = import_file(full, name)
    if module is None:
        raise _no_python(file)
    return module


def _no_python(file: Path) -> RuleFailed:
    return RuleFailed(f"the rule file {short_path(file)} is no Python file")


def _package(folder: Path) -> str:
    """The name of a package whose modules are the files of a folder."""
    name = f"_rflint_rules_{hashlib.sha1(str(folder).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    return name
