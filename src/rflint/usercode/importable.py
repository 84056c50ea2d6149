"""Which modules there are for a target, beside others in the same run."""

from __future__ import annotations

import os
import sys
from collections.abc import Container
from importlib.machinery import ModuleSpec
from pathlib import Path

from rflint.usercode.folders import arrange
from rflint.usercode.places import is_installed
from rflint.usercode.target import split


class Importable:
    """Which modules there are: every target finds those that it would find alone.

    The folder of a file is importable for that file. `a/net.py` and `b/net.py` may both import a
    `layers`, and mean the one beside them. What the program and its rules have imported stays.
    """

    def __init__(self) -> None:
        self.path = list(sys.path)
        self.modules = frozenset(sys.modules)

    def restore(self, target: str, root: Path) -> None:
        """Before a target is loaded."""
        before = set(sys.path)
        sys.path[:] = self.path
        module, _ = split(target)
        arrange(root, module)
        gone = before.difference(sys.path)
        loaded = [x for x in list(sys.modules) if x not in self.modules and _is_users(x)]
        if any(_is_another(name, gone) for name in loaded if "." not in name):
            for name in loaded:
                del sys.modules[name]


def _places(spec: ModuleSpec | None) -> list[str]:
    """The file of a module, or the folders of a package without one."""
    if not isinstance(spec, ModuleSpec):
        return []  # it was made by hand
    if spec.has_location and spec.origin:
        return [os.path.abspath(spec.origin)]
    return [os.path.abspath(folder) for folder in spec.submodule_search_locations or ()]


def _is_users(name: str) -> bool:
    places = _places(getattr(sys.modules[name], "__spec__", None))
    return bool(places) and not any(map(is_installed, places))


def _is_another(name: str, gone: Container[str]) -> bool:
    """Whether an import would now find another module than the one that is loaded."""
    places = _places(sys.modules[name].__spec__)
    for finder in sys.meta_path:
        found = finder.find_spec(name, None)
        if found is not None:
            return _places(found) != places
    # nothing finds what was imported by its path
    is_package = os.path.basename(places[0]).startswith("__init__.")
    return os.path.dirname(os.path.dirname(places[0]) if is_package else places[0]) in gone
