"""A scheme of targets: what stands behind `timm:`, `torchvision:` and the like."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from rflint.errors import ImportFailed, UsageError, error_text
from rflint.usercode.finder import module_exists
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.module_place import module_place
from rflint.usercode.schemes.builder_code import BuilderCode, WrittenFile
from rflint.usercode.schemes.offline import offline

Builder: TypeAlias = Callable[..., Any]
"""What returns a model when it is called with the arguments of --arg."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One kind of target: `PREFIX:NAME`."""

    prefix: str
    package: str
    """The module that has to be importable."""
    install: str
    """What pip installs it as."""
    example: str
    load: Callable[[str, Path], Builder]
    """The builder of a name. Paths in it are relative to the folder."""
    code: Callable[[str, WrittenFile], BuilderCode]
    """How a Python file gets the builder of a name."""
    check: Callable[[str, Path], None] = lambda name, root: None
    """Raise an error for a name that cannot be right, without importing the package."""
    path: Callable[[str], str] = lambda name: ""
    """The path that a name is or begins with, if it names a file."""
    file_in_folder: str = ""
    """The file that is meant by the folder around it."""
    registry: str = ""
    """The folder in the package whose files register models, each with `@register_model`."""
    names: Callable[[], Sequence[str]] | None = None
    """The names of all models of its registry, in their order; None where there is no registry."""
    imports_user_code: bool = False
    """Whether the file may name modules of the user's, so that only running it shows which."""

    def check_target(self, name: str, root: Path) -> None:
        """Raise an error for a target that cannot be loaded, before anything is imported."""
        if not name:
            raise UsageError(
                f"{self.prefix}: names no model", hint=f"Name one, like {self.example}."
            )
        self.check(name, root)
        if not module_exists(module_place(self.package, root)):
            raise not_installed(self.prefix, self.package, self.install)

    def file(self, name: str, root: Path) -> Path | None:
        """The file that a name stands for, where it is one."""
        path = root / self.path(name)
        if self.file_in_folder and path.is_dir():
            path /= self.file_in_folder
        return path if self.path(name) and path.is_file() else None


def not_installed(prefix: str, package: str, install: str) -> ImportFailed:
    """The error for a scheme whose package is missing."""
    return ImportFailed(
        f"targets that begin with {prefix}: need {package}, which is not installed",
        hint=f"Install it into the environment that rflint runs in: pip install {install}",
    )


def imported(module: str) -> Any:
    """A module of a package. What is wrong with its installation becomes an ImportFailed."""
    try:
        with offline():
            return importlib.import_module(module)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise ImportFailed(
            f"importing {module} raised {error_text(error)}",
            hint="See whether Python alone can import it here: "
            f"{sys.executable} -c 'import {module}'",
        ) from error


def without_weights(builder: Builder, fixed: dict[str, Any]) -> Builder:
    """A builder that loads no weights: these arguments are given, and no others in their place."""

    @functools.wraps(builder)
    def build(**arguments: Any) -> Any:
        for name in sorted(arguments.keys() & fixed.keys()):
            if arguments[name] != fixed[name]:
                raise UsageError(
                    f"--arg {name}={arguments[name]} asks for weights, and rflint loads none",
                    hint="An architecture is judged without its weights, and nothing is "
                    "downloaded. Leave the argument out.",
                )
        with offline():
            return builder(**{**arguments, **fixed})

    return build
