"""Records in files, which are read only if they are what was written.

A key has several records, one for each state of what the answer depends on: of a branch, and of the
one before. Each is a file of its own, so that runs at the same time lose none of another's.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

from rflint._version import __version__
from rflint.cache.bounds import forget_unused, latest_first
from rflint.cache.dependencies import Dependencies
from rflint.files import atomic_write
from rflint.report.model_report import ModelReport

FOLDER = ".rflint_cache"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of rflint's.\n"
"""Tells backup programs to skip the folder: https://bford.info/cachedir"""
_PROTOCOL = 4


@dataclass(frozen=True, slots=True)
class Record:
    """What a report depends on, and the report."""

    path: Path
    dependencies: Dependencies
    _report: bytes
    """Only unpickled when it is asked for: most records that are looked at do not hold."""

    def report(self) -> ModelReport | None:
        """The report; None if there was none to keep: the record says which files matter."""
        try:
            found = _DataUnpickler(io.BytesIO(self._report)).load()
        except Exception:  # not written by this version of rflint
            return None
        return found if isinstance(found, ModelReport) else None

    def used(self) -> None:
        """Note that the record was of use: those that are not go first."""
        with contextlib.suppress(OSError):  # it has gone, or nothing can be written
            os.utime(self.path)


class Store:
    """The records in a folder. One that cannot be read counts as missing."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self.problem = ""
        """Why the last record could not be written."""

    def load(self, key: str) -> Iterator[Record]:
        """The records of a key that are whole, the one that was used last first."""
        for path in latest_first(self._folder_of(key), key):
            record = _read(path)
            if record is not None:
                yield record

    def prepare(self) -> None:
        """Make the folder, if possible."""
        with contextlib.suppress(OSError):
            self._make_folder()

    def save(self, key: str, dependencies: Dependencies, report: ModelReport | None) -> None:
        """Write a record beside those of other states. One of the same state is replaced."""
        depends = pickle.dumps(dependencies, _PROTOCOL)
        payload = len(depends).to_bytes(8, "big") + depends + pickle.dumps(report, _PROTOCOL)
        state = hashlib.sha256(depends).hexdigest()[:16]
        path = self._folder_of(key) / f"{key}-{state}.record"
        try:
            self._make_folder()
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as partial:
                partial.write_bytes(hashlib.sha256(payload).digest() + payload)
            forget_unused(self.folder, path.parent, key)
        except OSError as error:
            self.problem = f"cannot write to {self.folder}: {error.strerror}"

    def _folder_of(self, key: str) -> Path:
        """Few records in each folder: it is listed whenever one is looked for."""
        return self.folder / __version__ / key[:2]

    def _make_folder(self) -> None:
        if not self.folder.exists():
            self.folder.mkdir(exist_ok=True)
            (self.folder / ".gitignore").write_text("*\n")
            (self.folder / "CACHEDIR.TAG").write_text(_TAG)


def _read(path: Path) -> Record | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, payload = content[:32], content[32:]
    if hashlib.sha256(payload).digest() != digest:
        return None
    end = 8 + int.from_bytes(payload[:8], "big")
    try:
        found = _DataUnpickler(io.BytesIO(payload[8:end])).load()
    except Exception:  # not written by this version of rflint
        return None
    return Record(path, found, payload[end:]) if isinstance(found, Dependencies) else None


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
