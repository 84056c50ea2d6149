"""Turn the observations of a run into dependencies, or into reasons not to cache the report."""

from __future__ import annotations

import importlib.util
import marshal
import os
import re
import stat
import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from rflint.cache.dependencies import CurrentState, Dependencies, ImportSearch
from rflint.cache.fingerprints import MISSING, kind_fingerprint, stat_fingerprint
from rflint.cache.observations import RunObservations
from rflint.usercode.finder import extra_folders
from rflint.usercode.ownership import is_installed
from rflint.usercode.paths import short_path

_CALENDAR = re.compile(rb"""\.\s*(?:now|utcnow|today)\b|["'](?:now|today)["']""")
"""What asks datetime for the date, which cannot be observed."""
_PROGRAM = ("rflint", "__main__", "__mp_main__")
"""Modules of the program itself, and as multiprocessing names it."""
_INSTALLED = tuple(f"{os.sep}{x}{os.sep}" for x in ("site-packages", "dist-packages"))
"""Most of the thousands of loaded modules have one of these in their path."""


def collect_dependencies(run: RunObservations) -> tuple[Dependencies, tuple[str, ...]]:
    """The dependencies of the latest model, and why its report cannot be cached, if so."""
    state = CurrentState(run.environment)
    observed = run.of_latest_model()
    reasons = list(observed.not_cacheable)
    reasons += [
        f"read and wrote {path}" for path in sorted(observed.files & run.written_by_packages)
    ]
    loaded = set(user_files()) - run.files_of_other_models()
    files = sorted({*loaded, *observed.files, *filter(_may_be_read, run.asked_by_packages)})
    for path in files:
        reasons += _doubts(path, started=run.started)
    found = Dependencies(
        files=tuple((path, state.content(path)) for path in files),
        stats=tuple((path, stat_fingerprint(path)) for path in sorted(observed.stats)),
        kinds=tuple((path, kind_fingerprint(path)) for path in sorted(observed.kinds)),
        folders=tuple((*listed, names) for listed, names in sorted(observed.folders.items())),
        variables=tuple((name, state.variable(name)) for name in sorted(run.variables)),
        environment=state.whole_environment if run.whole_environment else "",
        searches=tuple(_import_searches(run, state)),
    )
    return found, tuple(dict.fromkeys(reasons))


def user_files() -> Iterable[str]:
    """The files of all loaded modules that are not installed."""
    for name, module in list(sys.modules.items()):
        file = _attribute(module, "__file__")
        if not isinstance(file, str) or str(name).partition(".")[0] in _PROGRAM:
            continue
        if not _is_of_package(path := os.path.abspath(file)):
            yield path


@cache
def _is_of_package(path: str) -> bool:
    """The same as `is_installed`, faster for most of the thousands of paths that it is asked of."""
    return any(x in path for x in _INSTALLED) or is_installed(path)


def _attribute(module: Any, name: str) -> Any:
    """An attribute of an entry of sys.modules, which can be anything and may raise anything."""
    try:
        return getattr(module, name, None)
    except Exception:
        return None


def _may_be_read(path: str) -> bool:
    """Whether a path is a regular file, or may become one."""
    return kind_fingerprint(path) in (MISSING, str(stat.S_IFREG)) or os.path.isfile(path)


def _doubts(path: str, *, started: float) -> Iterable[str]:
    """Reasons why the content of a file may not be what was read or run."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(found.st_mode):
        # opening a folder fails, and the user's code is told so
        if not stat.S_ISDIR(found.st_mode):
            yield f"read {path}, which is no regular file"
    elif int(found.st_mtime) >= int(started) or found.st_ctime > started:
        # it may have changed since it was read; and if a source file changes twice within a second,
        # Python may run what it compiled of the first version
        yield f"read {short_path(Path(path))}, which has only just changed"
    elif path.endswith(".py"):
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError:
            return
        if _CALENDAR.search(source):
            yield f"may ask for the date ({path})"
        if _is_stale(path, source, found):
            yield f"runs what Python has compiled of another {path}"


def _is_stale(path: str, source: bytes, found: os.stat_result) -> bool:
    """Whether Python may run a .pyc file that it compiled of another version of a source file.

    Python compares size and time only, which a restored file can share with another version.
    """
    try:
        compiled = importlib.util.cache_from_source(path)
        if os.stat(compiled).st_mtime > found.st_ctime:
            return False
        with open(compiled, "rb") as file:
            content = file.read()
        return bool(marshal.loads(content[16:]) != compile(source, path, "exec", dont_inherit=True))
    except (OSError, NotImplementedError):
        return False  # there is no .pyc file
    except Exception:  # neither of them can be run, so neither was
        return False


def _import_searches(run: RunObservations, state: CurrentState) -> Iterable[ImportSearch]:
    """The user's folders that imports search: a new file there may hide the one that was found."""
    packages = {
        str(name): folders
        for name, module in list(sys.modules.items())
        if (folders := _package_folders(module)) and str(name).partition(".")[0] != "rflint"
    }
    below: dict[str, set[str]] = {"": set()} | {package: {"__init__"} for package in packages}
    for name in {*run.imports, *filter(lambda name: isinstance(name, str), sys.modules)}:
        package, _, last = name.rpartition(".")
        if package in below:
            below[package].add(last)
    top = frozenset(below[""])
    path = (os.path.abspath(x or ".") for x in sys.path if isinstance(x, str | os.PathLike))
    extra = map(os.path.abspath, extra_folders())
    for folder in dict.fromkeys((*path, *run.import_folders, *extra)):
        if not is_installed(folder):
            yield ImportSearch(folder, top, state.importable(folder, top))
    for package, folders in packages.items():
        inside = frozenset(below[package])
        for folder in dict.fromkeys(folders):
            yield ImportSearch(folder, inside, state.importable(folder, inside))


def _package_folders(module: Any) -> list[str]:
    """The user's folders of a package: those of its spec, and of its __path__, which may change."""
    spec = _attribute(module, "__spec__")
    folders = spec.submodule_search_locations if isinstance(spec, ModuleSpec) else None
    if not folders:
        return []
    all_folders = (*folders, *(_attribute(module, "__path__") or ()))
    found = (os.path.abspath(x) for x in all_folders if isinstance(x, str))
    return [x for x in found if not _is_of_package(x)]
