"""Records in files, which are read only if they are what was written."""

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
from rflint.report.model_report import ModelReport

FOLDER = ".rflint_cache"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of rflint's.\n"
"""Tells backup programs to skip the folder: https://bford.info/cachedir"""


@dataclass(frozen=True, slots=True)
class Record:
    """A report, and what it depends on."""

    dependencies: Dependencies
    report: ModelReport | None
    """None if it cannot be cached; the dependencies still say which files to watch."""


class Store:
    """The records in a folder. One that cannot be read counts as missing."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self.problem = ""
        """Why the last record could not be written."""

    def load(self, key: str) -> Record | None:
        """A record, if it exists and is whole."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        digest, payload = content[:32], content[32:]
        if hashlib.sha256(payload).digest() != digest:
            return None
        try:
            found = _DataUnpickler(io.BytesIO(payload)).load()
        except Exception:  # not written by this version of rflint
            return None
        return found if isinstance(found, Record) else None

    def prepare(self) -> None:
        """Make the folder, if possible."""
        with contextlib.suppress(OSError):
            self._make_folder()

    def save(self, key: str, record: Record) -> None:
        """Write a record. Several runs may write the same one: the last stays."""
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


def remove_cache(root: Path) -> bool:
    """Remove the cache in a folder; return whether there was one."""
    folder = root / FOLDER
    if folder.is_symlink():
        folder.unlink()
        return True
    if not folder.is_dir():
        return False
    # moved away first, since another run may still write to it
    moved = folder.with_name(f"{FOLDER}.{os.getpid()}")
    folder.rename(moved)
    shutil.rmtree(moved, ignore_errors=True)
    return True


class _DataUnpickler(pickle.Unpickler):
    """Makes dataclasses and enums of rflint only, so that a malicious file cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("fractions", "Fraction"):
            return Fraction
        if module.startswith("rflint.") and "." not in name:
            found = getattr(importlib.import_module(module), name)
            if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no data of rflint's")
