"""What a person may have meant by a target that names nothing."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

SUBCOMMANDS = ("rule", "fix", "clean")


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Known names that are spelt much like this one, however they are capitalised."""
    by_lower: dict[str, list[str]] = {}
    for other in known:
        by_lower.setdefault(other.lower(), []).append(other)
    found = difflib.get_close_matches(name.lower(), by_lower, n=most)
    return [other for lower in found for other in by_lower[lower]][:most]


def without_colon(target: str, names: Sequence[str] = ()) -> str:
    """Of a word that says no attribute: a model's name, a subcommand, or dots up to the end."""
    if target.endswith(".py"):
        return f"Say which attribute builds it, like {target}:build."
    module, dot, attribute = target.rpartition(".")
    path = Path(*target.split("."))
    if dot and (path.is_dir() or path.with_name(f"{path.name}.py").is_file()):
        return f"Say which attribute builds it, like {target}:build."
    if dot and all(part.isidentifier() for part in target.replace(".py.", ".").split(".")):
        return f"Did you mean {module}:{attribute}? A colon stands in front of the attribute."
    alike = near(target, (*names, *SUBCOMMANDS))
    options = " or ".join(f"rflint {x}" if x in SUBCOMMANDS else x for x in alike)
    did = f"Did you mean {options}? " if options else ""
    return f"{did}Say which attribute builds it, like mymodel:build."


def missing_file(path: str, root: Path) -> str:
    """Of a file that is not there: one of another folder, or of a similar name."""
    folder = (root / path).parent
    if not folder.is_dir():
        return f"There is no folder {relative(folder)}."
    files: list[str] = []
    with suppress(OSError):
        files = [x.name for x in folder.iterdir() if x.suffix == ".py"]
    found = [str(Path(path).with_name(x)) for x in near(Path(path).name, files)]
    return f"Did you mean {' or '.join(found)}?" if found else ""


def missing_module(name: str, root: Path) -> str:
    """Of a top-level module that Python does not find: files and packages of a similar name."""
    there: list[str] = []
    with suppress(OSError):
        there = [
            x.stem for x in root.iterdir() if x.suffix == ".py" or (x / "__init__.py").is_file()
        ]
    found = near(name, there)
    return f"Did you mean {' or '.join(found)}? " if found else ""


def relative(path: Path) -> str:
    """A path as one would type it here."""
    return Path(os.path.relpath(path)).as_posix()
