"""What every report depends on, whatever the model: rflint, Python, packages and the machine."""

from __future__ import annotations

import locale
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from rflint._version import __version__
from rflint.cache.collect import user_files
from rflint.cache.fingerprints import MISSING, content_fingerprint

_READ_BY_LIBRARIES = ("TORCH", "PYTORCH", "PYTHON", "RFLINT", "CUDA", "OMP")
"""Prefixes of variables that torch and Python read in compiled code."""


def common_dependencies(path: Sequence[str], variables: Mapping[str, str]) -> tuple[object, ...]:
    """Versions, settings, and the sources of rflint and of everything that is loaded so far.

    `path` is the search path and `variables` the environment at the start of the run.
    """
    return (
        __version__,
        [_source_stats(folder) for folder in own_folders()],
        sys.version,
        sys.flags,
        *_machine(),
        os.getcwd(),
        path,
        [_distributions(Path(folder)) for folder in path],
        sorted(x for x in variables.items() if x[0].startswith(_READ_BY_LIBRARIES)),
        _loaded(),
    )


def _loaded() -> list[tuple[str, str]]:
    """The user's files that are loaded so far, by their contents.

    Not those that do not exist: torch gives such names to modules that it makes up.
    """
    found = ((file, content_fingerprint(file)) for file in set(user_files()))
    return sorted(x for x in found if x[1] != MISSING)


def without_torch(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables as they are before torch is imported, which sets one.

    A run that has imported torch is asked the same as one that has not.
    """
    return {name: value for name, value in variables.items() if not _is_of_torch(name, value)}


def _is_of_torch(name: str, value: str) -> bool:
    own = os.path.basename(value).startswith("torchinductor_")
    return own and name == "TORCHINDUCTOR_CACHE_DIR"


def own_prefixes() -> tuple[str, ...]:
    """How the paths of rflint's own files begin."""
    return tuple(f"{folder}{os.sep}" for folder in own_folders())


def own_folders() -> tuple[Path, Path]:
    """The folders of rflint and of its rules."""
    rules = Path(str(import_module("rflint.rules").__file__)).parent
    return Path(__file__).parents[1], rules


def _machine() -> tuple[object, ...]:
    """What programs learn of the machine without opening a file."""
    usable = getattr(os, "sched_getaffinity", lambda process: ())
    user = getattr(os, "geteuid", int)
    accelerators = [os.path.exists(path) for path in ("/dev/nvidiactl", "/dev/kfd")]
    kind = platform.system(), platform.machine()
    encodings = locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding()
    return kind, os.cpu_count(), len(usable(0)), user(), accelerators, encodings


def _source_stats(folder: Path) -> list[tuple[str, int, int]]:
    """The source files in a folder: a version under development changes without a new number."""
    found = []
    for inside, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".py"):
                state = os.stat(os.path.join(inside, name))
                found.append((os.path.join(inside, name), state.st_size, state.st_mtime_ns))
    return sorted(found)


def _distributions(folder: Path) -> list[tuple[str, str, int]]:
    """The packages installed in a folder, by the names of their metadata, which hold the version.

    A version from an index never changes. One that was installed from a folder or a repository is
    often installed again under the same number: there the time counts as well. Not for rflint,
    whose sources are looked at.
    """
    try:
        entries = [x for x in os.scandir(folder) if ".dist-info" in x.name or ".egg" in x.name]
    except OSError:
        return []
    found = []
    for entry in entries:
        origin = content_fingerprint(os.path.join(entry.path, "direct_url.json"))
        changes = bool(origin) and not entry.name.startswith("rflint-")
        found.append((entry.name, origin, entry.stat().st_mtime_ns if changes else 0))
    return sorted(found)
