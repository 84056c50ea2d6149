"""Import each target of a run as if it were the only one."""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from rflint.usercode.finder import make_target_importable
from rflint.usercode.frame_marks import imports_for_user
from rflint.usercode.module_place import module_place
from rflint.usercode.ownership import is_installed
from rflint.usercode.target import split_target


class IsolatedImports:
    """Undo what importing one target changes for the next: search path and loaded modules.

    `a/net.py` and `b/net.py` may both import a module `layers`, each the one in its own folder.
    What was imported before this object was made stays imported.
    """

    def __init__(self) -> None:
        self.path = list(sys.path)
        self.modules = frozenset(sys.modules)

    def prepare(self, target: str, root: Path, pythonpath: Sequence[Path] = ()) -> None:
        """Restore the search path for a target; unload modules that it would not find itself."""
        before = set(sys.path)
        sys.path[:] = self.path
        module, _ = split_target(target)
        make_target_importable(module_place(module, root, pythonpath))
        gone = before.difference(sys.path)
        loaded = [x for x in list(sys.modules) if x not in self.modules and _is_user_module(x)]
        if any(_finds_another(name, gone) for name in loaded if "." not in name):
            for name in loaded:
                del sys.modules[name]


def _locations(spec: ModuleSpec | None) -> list[str]:
    """The file of a module, or the folders of a namespace package."""
    if not isinstance(spec, ModuleSpec):
        return []  # the module was made by hand
    if spec.has_location and spec.origin:
        return [os.path.abspath(spec.origin)]
    return [os.path.abspath(folder) for folder in spec.submodule_search_locations or ()]


def _is_user_module(name: str) -> bool:
    locations = _locations(getattr(sys.modules[name], "__spec__", None))
    return bool(locations) and not any(map(is_installed, locations))


@imports_for_user
def _finds_another(name: str, gone: Container[str]) -> bool:
    """Whether an import would now find another module than the one that is loaded.

    `gone` are the folders that are no longer on the search path.
    """
    locations = _locations(sys.modules[name].__spec__)
    for finder in sys.meta_path:
        found = finder.find_spec(name, None)
        if found is not None:
            return _locations(found) != locations
    # no finder finds what was imported by its path
    is_package = os.path.basename(locations[0]).startswith("__init__.")
    file = os.path.dirname(locations[0]) if is_package else locations[0]
    return os.path.dirname(file) in gone
