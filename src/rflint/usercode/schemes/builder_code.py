"""How a file that knows nothing of rflint gets the builder of a target with a scheme."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rflint.usercode.module_place import module_place


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """Where the file will lie, and what the target's paths and modules are relative to."""

    folder: Path
    root: Path
    pythonpath: Sequence[Path] = ()

    def path(self, name: str) -> str:
        """The expression for a path of the target, which needs `Path`."""
        return f"(Path(__file__).parent / {_quoted(self._relative(self.root / name))}).resolve()"

    def search_path(self, package: str) -> str:
        """The statements by which the user's modules are found, which need `sys` and `Path`."""
        folders = module_place(package, self.root, self.pythonpath).folders
        return "".join(
            f"sys.path.insert(0, str((Path(__file__).parent / {name}).resolve()))\n"
            for name in (_quoted(self._relative(folder)) for folder in reversed(folders))
        )

    def _relative(self, path: Path) -> str:
        return Path(os.path.relpath(path.resolve(), self.folder.resolve())).as_posix()


@dataclass(frozen=True, slots=True)
class BuilderCode:
    """The code of a builder."""

    head: str
    """What stands at the top of the file: imports, `nn` of torch among them, and definitions."""
    expression: str
    """What is called with the arguments."""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
