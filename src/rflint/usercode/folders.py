"""The folders in which the user's modules lie, and who looks into them.

A `logging.py` or a `rich.py` beside a model is what the code there may mean by that name. PyTorch,
the standard library and rflint itself mean another, and import much only when they need it: so an
`import` statement in installed code never finds a module of the user's. What installed code imports
by a name that it is given (a plugin, a class in a check point) is found there, if nowhere else.
"""

from __future__ import annotations

import dis
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType, ModuleType

from rflint.usercode.places import is_installed, is_rflint

_BY_NAME = frozenset({importlib.__file__, importlib.util.__file__, pkgutil.__file__})
"""Code that imports what somebody else names."""
_IMPORT = dis.opmap["IMPORT_NAME"]
_ON_BEHALF = frozenset(f"rflint.usercode.{x}" for x in ("target", "importable", "closure"))
"""Modules of rflint that look for the user's modules."""


class Folders:
    """Stands in front of Python's own finders, and asks them in the order that befits who asks."""

    def __init__(self) -> None:
        self.usual = tuple(sys.path)
        """The search path without any of the user's: what the program was started with."""
        self.further: tuple[str, ...] = ()
        """Folders that are searched though they are not on the path: for who knows a name there."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module is; None leaves it to the others, which go by `sys.path`."""
        if path is not None:
            return None  # inside of a package
        users, by_name = _who_asks(sys._getframe(1))
        if users:
            return PathFinder.find_spec(name, self.further) if self.further else None
        path = [entry for entry in sys.path if entry in self.usual]
        if not self.further and len(path) == len(sys.path):
            return None
        found = self._installed(name, path)
        if found is None and not by_name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if found is None and self.further:
            return PathFinder.find_spec(name, self.further)
        return found

    def _installed(self, name: str, path: Sequence[str]) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if isinstance(finder, Folders):
                continue
            by_path = finder is PathFinder
            found = finder.find_spec(name, path if by_path else None)
            if found is not None:
                return found
        return None


def _who_asks(frame: FrameType | None) -> tuple[bool, bool]:
    """Whether code of the user's imports something, and whether by a name that it was given."""
    by_name = False
    while frame:
        file = frame.f_code.co_filename
        if file in _BY_NAME:
            by_name = True
        elif not file.startswith("<"):  # the import system, and code that has no file
            module = str(frame.f_globals.get("__name__", ""))
            if module in _ON_BEHALF:
                return True, by_name
            if is_rflint(file) or module.startswith("rflint.") or is_installed(file):
                return False, by_name or frame.f_code.co_code[frame.f_lasti] != _IMPORT
            return True, by_name
        frame = frame.f_back
    return True, by_name


def arrange(root: Path, module: str) -> None:
    """Have Python look for the modules of a target where they are.

    `root` is importable, and the folder of a file is, too. What is installed needs neither; but
    what it imports by names that it is given (plugins) is looked for in `root` all the same.
    """
    finder = _finder()
    finder.further = ()
    if module.endswith(".py"):
        make_importable(root)
        make_importable((root / module).resolve().parent)
    elif _is_elsewhere(root, module.partition(".")[0]):
        finder.further = (str(root),)
    else:
        make_importable(root)


def make_importable(folder: Path) -> None:
    """Have the user's modules looked for in a folder first."""
    _finder()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def further() -> tuple[str, ...]:
    """Folders that are searched though they are not on the path."""
    return next((x.further for x in sys.meta_path if isinstance(x, Folders)), ())


def is_there(root: Path, name: str) -> bool:
    """Whether there is a module of this name, without dots, in a folder or installed."""
    return _in_folder(root, name) is not None or _found(name) is not None


def namesake(root: Path, module: ModuleType) -> str:
    """The file in a folder that has the name of a module which is not it; empty if there is none.

    That happens to the names of modules that Python or PyTorch have imported before.
    """
    here = _in_folder(root, module.__name__.partition(".")[0])
    there = getattr(sys.modules[module.__name__.partition(".")[0]], "__spec__", None)
    if here is None or here.loader is None or not here.origin:
        return ""
    if isinstance(there, ModuleSpec) and there.origin:
        same = Path(there.origin).resolve() == Path(here.origin).resolve()
        return "" if same else here.origin
    return ""


def _is_elsewhere(root: Path, name: str) -> bool:
    """Whether a module is installed, and nothing in the folder has its name."""
    here = _in_folder(root, name)
    if here is not None and here.loader is not None:
        return False  # a folder without __init__.py only counts where there is nothing else
    there = _found(name)
    if there is None or there.loader is None or there.origin is None:
        return False
    return not there.has_location or is_installed(there.origin)


def _found(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ValueError:  # it is loaded, and does not say where it is from
        return None


def _in_folder(folder: Path, name: str) -> ModuleSpec | None:
    return PathFinder.find_spec(name, [str(folder)])


def _finder() -> Folders:
    for finder in sys.meta_path:
        if isinstance(finder, Folders):
            return finder
    finder = Folders()
    sys.meta_path.insert(0, finder)
    return finder
