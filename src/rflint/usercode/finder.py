"""Let the user's code import the modules beside it, without hiding installed modules from others.

The user's code may import a `logging.py` or a `rich.py` in its folder by that name. PyTorch, the
standard library and rflint mean other modules by these names, and import some of them late. So an
`import` statement in installed code never finds a module of the user's. Installed code that imports
by a name that it is given (a plugin, a class in a checkpoint) finds the user's module if there is
no other. Folders of an installed package that it adds to the search path (as OpenCV does) count.
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

from rflint.usercode.frame_marks import imports_for_user
from rflint.usercode.module_place import ModulePlace, has_module
from rflint.usercode.ownership import is_installed, is_rflint

_BY_NAME = frozenset({importlib.__file__, importlib.util.__file__, pkgutil.__file__})
"""Files whose functions import modules by names that they are given."""
_IMPORT = dis.opmap["IMPORT_NAME"]


class UserModuleFinder:
    """A finder in front of Python's own: what it finds depends on whose code imports."""

    def __init__(self) -> None:
        self.initial = tuple(sys.path)
        """The search path that the program was started with, without folders of the user's."""
        self.extra: tuple[str, ...] = ()
        """Folders that are not on the search path, but are searched after it."""
        self.renamed: dict[str, Path] = {}
        """The user's packages in folders of another name."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, or None to let the other finders look for it on `sys.path`."""
        if path is not None:
            return None  # the module is in a package
        for_user, by_given_name = _importer(sys._getframe(1))
        if name in self.renamed and (for_user or by_given_name):
            return _spec_in(self.renamed[name], name)
        if for_user:
            found = PathFinder.find_spec(name, self.extra) if self.extra else None
            # a folder without __init__.py comes after installed modules
            is_folder = found is not None and found.loader is None
            return (self._installed(name, sys.path) or found) if is_folder else found
        path = [x for x in sys.path if x in self.initial or is_installed(x)]
        if not self.extra and len(path) == len(sys.path):
            return None
        found = self._installed(name, path)
        if found is None and not by_given_name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if found is None and self.extra:
            return PathFinder.find_spec(name, self.extra)
        return found

    def _installed(self, name: str, path: Sequence[str]) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if isinstance(finder, UserModuleFinder):
                continue
            by_path = finder is PathFinder
            found = finder.find_spec(name, path if by_path else None)
            if found is not None:
                return found
        return None


def _importer(frame: FrameType | None) -> tuple[bool, bool]:
    """Whether the import is the user's, and whether it is of a name that the code was given."""
    by_given_name = False
    while frame:
        file = frame.f_code.co_filename
        if imports_for_user.is_on(frame):
            return True, by_given_name
        if file in _BY_NAME:
            by_given_name = True
        elif not file.startswith("<"):  # the import system, and code that has no file
            module = str(frame.f_globals.get("__name__", ""))
            if is_rflint(file) or module.startswith("rflint.") or is_installed(file):
                return False, by_given_name or frame.f_code.co_code[frame.f_lasti] != _IMPORT
            return True, by_given_name
        frame = frame.f_back
    return True, by_given_name


def make_target_importable(place: ModulePlace) -> None:
    """Put the folders that a target's imports are looked for in on the search path.

    An installed module does not need that; but plugins that it is given by name may lie there.
    """
    finder = _finder()
    finder.extra = ()
    finder.renamed = dict(place.renamed)
    if _is_installed_only(place):
        finder.extra = tuple(map(str, place.first))
    else:
        for folder in reversed(place.first):
            make_importable(folder)
    for folder in place.last:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


def make_importable(folder: Path) -> None:
    """Put a folder in front of the search path."""
    _finder()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def extra_folders() -> tuple[str, ...]:
    """Folders that are not on the search path, but are searched after it."""
    return next((x.extra for x in sys.meta_path if isinstance(x, UserModuleFinder)), ())


def module_exists(place: ModulePlace) -> bool:
    """Whether there is the top-level module of a target, in a folder of the user's or installed."""
    name = place.name.partition(".")[0]
    here = name in dict(place.renamed) or any(_in_folder(x, name) for x in place.folders)
    return here or _found(name) is not None


def shadowed_file(place: ModulePlace, module: ModuleType) -> str:
    """The user's file that was meant, if another module of its name was imported.

    That happens with names of modules that Python or PyTorch have imported before. Else empty.
    """
    name = module.__name__.partition(".")[0]
    here = _in_folder(place.provider, name) if place.provider else None
    there = getattr(sys.modules[name], "__spec__", None)
    if here is None or here.loader is None or not here.origin:
        return ""
    if isinstance(there, ModuleSpec) and there.origin:
        same = Path(there.origin).resolve() == Path(here.origin).resolve()
        return "" if same else here.origin
    return ""


def _is_installed_only(place: ModulePlace) -> bool:
    """Whether a target's module is installed, and no folder of the user's has its name."""
    if place.file is not None:
        return False
    name = place.name.partition(".")[0]
    if name in dict(place.renamed):
        return False
    if place.provider and has_module(place.provider, name):
        return False  # it has a file; a folder without __init__.py comes after installed modules
    there = _found(name)
    if there is None or there.loader is None or there.origin is None:
        return False
    return not there.has_location or is_installed(there.origin)


def _found(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a finder refuses it; a loaded module without a __spec__
        return None


def _in_folder(folder: Path, name: str) -> ModuleSpec | None:
    return PathFinder.find_spec(name, [str(folder)])


def _spec_in(folder: Path, name: str) -> ModuleSpec | None:
    """The package that a folder is, under another name than the folder's."""
    return importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )


def _finder() -> UserModuleFinder:
    for finder in sys.meta_path:
        if isinstance(finder, UserModuleFinder):
            return finder
    finder = UserModuleFinder()
    sys.meta_path.insert(0, finder)
    return finder
