"""Records in files: written whole or not at all, and read only if they are what was written."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import pickle
import shutil
from dataclasses import dataclass, is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

from rflint._version import __version__
from rflint.cache.dependencies import Dependencies
from rflint.files import atomic_write
from rflint.report.report import ModelReport

FOLDER = ".rflint_cache"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of rflint's.\n"
"""As backup programs know it: https://bford.info/cachedir"""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a request."""

    dependencies: Dependencies
    report: ModelReport | None
    """None where the answer cannot be kept; then the dependencies still say what to watch."""


class Store:
    """The records in a folder. Every failure of the file system is a record that is not there."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self.problem = ""
        """Why nothing could be written."""

    def load(self, key: str) -> Record | None:
        """A record, if it is there and whole."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        digest, payload = content[:32], content[32:]
        if hashlib.sha256(payload).digest() != digest:
            return None
        try:
            found = _Reader(io.BytesIO(payload)).load()
        except Exception:  # whatever a file holds that this version did not write
            return None
        return found if isinstance(found, Record) else None

    def prepare(self) -> None:
        """Make the folder, if that can be done."""
        with contextlib.suppress(OSError):
            self._make_folder()

    def save(self, key: str, record: Record) -> None:
        """Write a record. Others may read or write it meanwhile: the last one stays."""
        payload = pickle.dumps(record, protocol=4)
        path = self._path(key)
        try:
            self._make_folder()
            path.parent.mkdir(exist_ok=True)
            with atomic_write(path) as partial:
                partial.write_bytes(hashlib.sha256(payload).digest() + payload)
        except OSError as error:
            self.problem = f"cannot write to {self.folder}: {error.strerror}"

    def _path(self, key: str) -> Path:
        return self.folder / __version__ / f"{key}.record"

    def _make_folder(self) -> None:
        if not self.folder.exists():
            self.folder.mkdir(exist_ok=True)
            (self.folder / ".gitignore").write_text("*\n")
            (self.folder / "CACHEDIR.TAG").write_text(_TAG)


def clean(root: Path) -> bool:
    """Remove the cache below a folder; whether there was one."""
    folder = root / FOLDER
    if folder.is_symlink():
        folder.unlink()
        return True
    if not folder.is_dir():
        return False
    # another run may be writing: what it still writes is not in the way
    away = folder.with_name(f"{FOLDER}.{os.getpid()}")
    folder.rename(away)
    shutil.rmtree(away, ignore_errors=True)
    return True


class _Reader(pickle.Unpickler):
    """Makes nothing but rflint's own data: a file in a checkout is no program to be run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("fractions", "Fraction"):
            return Fraction
        if module.startswith("rflint.") and "." not in name:
            found = getattr(importlib.import_module(module), name)
            if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no data of rflint's")
