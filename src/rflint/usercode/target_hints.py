"""Hints for a target that names nothing that exists."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.paths import relative_path

SUBCOMMANDS = ("rule", "fix", "clean")


def without_colon(target: str, names: Sequence[str] = ()) -> str:
    """For a target that names no attribute: it may be a misspelt model name or subcommand."""
    if target.endswith(".py"):
        return f"Say which attribute builds it, like {target}:build."
    module, dot, attribute = target.rpartition(".")
    path = Path(*target.split("."))
    if dot and (path.is_dir() or path.with_name(f"{path.name}.py").is_file()):
        return f"Say which attribute builds it, like {target}:build."
    if dot and all(part.isidentifier() for part in target.replace(".py.", ".").split(".")):
        return f"Did you mean {module}:{attribute}? A colon stands in front of the attribute."
    alike = similar(target, (*names, *SUBCOMMANDS), 3, ignore_case=True)
    did = did_you_mean([f"rflint {x}" if x in SUBCOMMANDS else x for x in alike])
    return f"{did} Say which attribute builds it, like mymodel:build.".lstrip()


def missing_file(path: str, root: Path) -> str:
    """For a file that does not exist: files with a similar name, or that its folder is missing."""
    folder = (root / path).parent
    if not folder.is_dir():
        return f"There is no folder {relative_path(folder)}."
    files: list[str] = []
    with suppress(OSError):
        files = [x.name for x in folder.iterdir() if x.suffix == ".py"]
    found = similar(Path(path).name, files, 3, ignore_case=True)
    return did_you_mean([str(Path(path).with_name(x)) for x in found])


def missing_module(name: str, root: Path) -> str:
    """For a top-level module that does not exist: files and packages with a similar name."""
    there: list[str] = []
    with suppress(OSError):
        there = [
            x.stem for x in root.iterdir() if x.suffix == ".py" or (x / "__init__.py").is_file()
        ]
    return did_you_mean(similar(name, there, 3, ignore_case=True))


def missing_attribute(name: str, owner: Any) -> str:
    """For an attribute that does not exist: similar names, or what the owner itself defines."""
    public = [attribute for attribute in dir(owner) if not attribute.startswith("_")]
    if alike := similar(name, public, 3, ignore_case=True):
        return did_you_mean(alike)
    defined = [
        a
        for a in public
        if getattr(getattr(owner, a, None), "__module__", "") == getattr(owner, "__name__", None)
    ]
    return f"It defines: {', '.join(defined[:8])}." if defined else ""
