"""Imports of a checkout that stands for the user's working tree: none comes from the working tree.

A project that is installed with `pip install -e`, or that PYTHONPATH names, is on the search path
with the folders of its working tree. What is looked for there is another revision's code: it is
looked for in the checkout.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from rflint.errors import ImportFailed
from rflint.usercode.ownership import is_installed, is_rflint

_PYTHONS_OWN = (BuiltinImporter, FrozenImporter, PathFinder)


class RelocatedImports:
    """Leads imports from one folder to another."""

    def __init__(self, top: Path, stands_for: Path) -> None:
        self.top = top
        """The checkout."""
        self.stands_for = stands_for
        """The working tree."""
        self._before = frozenset(sys.modules)

    def install(self) -> None:
        """Change the search path and the finders of this process."""
        sys.path[:] = [found for entry in sys.path for found in self._entries(entry)]
        sys.meta_path[:] = [
            x if x in _PYTHONS_OWN else _RelocatedFinder(x, self) for x in sys.meta_path
        ]

    def check(self) -> None:
        """Raises ImportFailed if a module of the working tree was imported all the same."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name not in self._before and isinstance(file, str) and self.is_of_tree(file):
                raise ImportFailed(
                    f"{name} was imported from the working tree ({file}), and not from the "
                    "revision that is compared with it",
                    hint="Does something put an absolute path on sys.path?",
                )

    def is_of_tree(self, path: str) -> bool:
        """Whether a file or folder is part of the user's working tree, and not installed in it."""
        full = os.path.realpath(path)
        is_below = full == str(self.stands_for) or full.startswith(f"{self.stands_for}{os.sep}")
        return is_below and not is_installed(full) and not is_rflint(full)

    def moved(self, path: str) -> str:
        """The same path in the checkout."""
        return os.path.join(self.top, os.path.relpath(os.path.realpath(path), self.stands_for))

    def _entries(self, entry: str) -> Sequence[str]:
        """What an entry of the search path becomes."""
        if os.path.realpath(entry) == str(self.stands_for.parent):
            return (str(self.top.parent), entry)  # the working tree itself may be a package
        if not self.is_of_tree(entry):
            return (entry,)
        moved = os.path.normpath(self.moved(entry))
        return (moved,) if os.path.exists(moved) else ()


class _RelocatedFinder:
    """A finder of somebody else's, as the hooks of editable installations are."""

    def __init__(self, finder: Any, imports: RelocatedImports) -> None:
        self._finder = finder
        self._imports = imports

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the finder finds; what lies in the working tree is looked for in the checkout."""
        find = getattr(self._finder, "find_spec", None)
        found: ModuleSpec | None = find(name, path, target) if find else None
        if found is None:
            return None
        places = list(found.submodule_search_locations or ())
        file = found.origin if found.has_location else None
        if not any(map(self._imports.is_of_tree, [*places, *([file] if file else [])])):
            return found
        moved = [x for x in map(self._imports.moved, places) if os.path.isdir(x)]
        if file is None:
            if not moved:
                return None
            namespace = ModuleSpec(name, None, is_package=True)
            namespace.submodule_search_locations = moved
            return namespace
        file = self._imports.moved(file)
        if not os.path.isfile(file):
            return None
        return importlib.util.spec_from_file_location(
            name, file, submodule_search_locations=moved or None
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)
