"""Targets that stand for several: `package.models:resnet*`, `nets/*.py:*`, `timm:vit_*`.

What the user's own files offer is found by reading them. An installed package is asked what it has.
"""

from __future__ import annotations

import glob
import inspect
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from inspect import Parameter
from pathlib import Path
from typing import Any

from rflint.errors import ImportFailed, UsageError
from rflint.text.numbers import first_few
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.candidates import Candidate, Candidates
from rflint.usercode.closure import import_closure
from rflint.usercode.module_place import module_source
from rflint.usercode.parameters import parameters_of
from rflint.usercode.python_files import python_files
from rflint.usercode.schemes.registry import scheme_of
from rflint.usercode.schemes.scheme import Scheme

_LISTED = 8
"""So many names are told where nothing matches."""


def is_pattern(source: str) -> bool:
    """Whether a text stands for several targets. `[seq]` is understood in names of registries."""
    if named := scheme_of(source):
        scheme, name = named
        return any(x in name for x in ("*?[" if scheme.names and not scheme.path(name) else "*?"))
    return "*" in source or "?" in source


def split_pattern(source: str) -> tuple[str, str]:
    """The module or file of a pattern, which may be a pattern too, and that of the attribute."""
    module, colon, attribute = source.rpartition(":")
    if not colon or not module or not attribute:
        raise UsageError(
            f"{source!r} names no models",
            hint="A pattern stands behind the colon of a module, a file or a registry: "
            "package.models:*, nets.py:resnet*, timm:vit_*.",
        )
    return module, attribute


def targets_of_scheme(source: str, root: Path) -> Iterator[str]:
    """The models of a registry, and the files of a folder, that a pattern with a scheme names."""
    named = scheme_of(source)
    assert named is not None
    scheme, pattern = named
    files = _described_in(scheme, pattern, root)
    yield from (f"{scheme.prefix}:{x}" for x in files)
    known = scheme.names() if scheme.names is not None else ()
    names = [x for x in known if fnmatchcase(x, pattern)]
    yield from (f"{scheme.prefix}:{x}" for x in names)
    if names or files:
        return
    if scheme.names is None:
        raise UsageError(f"{source!r} matches no file", hint=f"Name one, like {scheme.example}.")
    raise UsageError(f"{scheme.prefix} has no model {pattern!r}", hint=_nearest(pattern, known))


def targets_in_files(source: str, root: Path, pythonpath: Sequence[Path] = ()) -> list[str] | None:
    """What the user's files offer that a pattern names, file by file.

    None where its module is none of the user's: importing it will tell. Raises UsageError where
    the files have nothing that matches.
    """
    module, pattern = split_pattern(source)
    one = None if "*" in module or "?" in module else _file(module, root, pythonpath)
    if one is not None:
        closure = import_closure(f"{module}:attribute", root, pythonpath).files
        found = Candidates([one, *map(Path, sorted(closure))], root, pythonpath)
        return _matching(source, module, pattern, found.shown_by(one))
    files = dict(_files(module, root, pythonpath))
    if not files:
        return None
    beside = sorted({_outermost_folder(x) for x in files.values()})  # with what they derive from
    found = Candidates([*files.values(), *beside], root, pythonpath)
    matching: list[str] = []
    offered: dict[str, Candidate] = {}
    for name, file in files.items():
        shown = found.shown_by(file)
        own = {x: y for x, y in shown.items() if y.file == file.resolve()}
        matching += (f"{name}:{x}" for x in _callable(own) if fnmatchcase(x, pattern))
        offered |= own
    if not matching:
        raise _no_match(source, pattern, offered)
    return matching


def targets_in_namespace(source: str, namespace: Mapping[str, Any]) -> list[str]:
    """What an imported module offers that a pattern names: its classes of modules, and functions
    that are annotated to return one, each as far as it can be called without arguments.
    """
    module, pattern = split_pattern(source)
    listed = namespace.get("__all__")
    names: Iterable[str] = listed if isinstance(listed, list | tuple) else namespace
    top = str(namespace.get("__name__", module)).partition(".")[0]
    public = [x for x in names if isinstance(x, str) and not x.startswith("_") and x in namespace]
    offered = [x for x in public if _builds(namespace[x], top)]
    found = [f"{module}:{x}" for x in offered if fnmatchcase(x, pattern)]
    if not found:
        hint = f"It has: {first_few(offered, _LISTED)}." if offered else ""
        raise UsageError(
            f"nothing in {module} that gives a model without arguments matches {pattern!r}",
            hint=hint,
        )
    return found


def _matching(
    source: str, module: str, pattern: str, offered: Mapping[str, Candidate]
) -> list[str]:
    found = [f"{module}:{x}" for x in _callable(offered) if fnmatchcase(x, pattern)]
    if not found:
        raise _no_match(source, pattern, offered)
    return found


def _callable(offered: Mapping[str, Candidate]) -> Iterator[str]:
    return (name for name, one in offered.items() if not one.missing)


def _no_match(source: str, pattern: str, offered: Mapping[str, Candidate]) -> UsageError:
    """The error for a pattern without a match, which says what is there."""
    matched = {x: y for x, y in offered.items() if fnmatchcase(x, pattern)}
    if matched:
        name, one = next(iter(matched.items()))
        said = f"{first_few(list(matched), _LISTED)} cannot be called without arguments"
        hint = (
            f"{name} needs {', '.join(one.missing)}: write a function that gives them, or a "
            "generator that yields (name, builder, arguments)."
        )
        return UsageError(f"{source}: {said}", hint=hint)
    there = list(_callable(offered))
    hint = f"There is: {first_few(there, _LISTED)}." if there else ""
    module, _ = split_pattern(source)
    if not there and "*" not in module and not module.endswith(".py"):
        hint = f"What the modules of a package have is named by {module}.*:{pattern}"
    return UsageError(f"{source}: nothing there that builds a model matches", hint=hint)


def _file(module: str, root: Path, pythonpath: Sequence[Path]) -> Path | None:
    """The user's file that a module or a path names."""
    if not module.endswith(".py") and not all(x.isidentifier() for x in module.split(".")):
        return None
    found = module_source(module, root, pythonpath)
    if module.endswith(".py") and not (found and found.is_file()):
        raise ImportFailed(f"no file {module}")
    return found


def _files(module: str, root: Path, pythonpath: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """The user's files that a pattern of modules or of paths names, as targets name them."""
    if module.endswith(".py"):
        for path in sorted(glob.glob(module, root_dir=root, recursive=True)):
            yield Path(path).as_posix(), root / path
        return
    if (root / module).is_dir():
        for file in python_files([root / module]):
            yield file.relative_to(root).as_posix(), file
        return
    known = module.partition("*")[0].partition("?")[0].rpartition(".")[0]
    package = module_source(known, root, pythonpath) if known else None
    if package is None or package.name != "__init__.py":
        return
    for file in python_files([package.parent]):
        inner = file.resolve().relative_to(package.parent).with_suffix("").parts
        dotted = ".".join((known, *(x for x in inner if x != "__init__")))
        if fnmatchcase(dotted, module):
            yield dotted, file


def _outermost_folder(file: Path) -> Path:
    """The folder of the package that a file is in, at the top; its own if it is in none."""
    folder = file.parent
    while (folder / "__init__.py").is_file() and (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _described_in(scheme: Scheme, pattern: str, root: Path) -> list[str]:
    """The files that a pattern with a scheme names; what follows them, like a key, is kept."""
    path = scheme.path(pattern)
    if "/" not in path and "." not in path:
        return []
    after = pattern[len(path) :]
    found = sorted(glob.glob(path, root_dir=root, recursive=True))
    return [f"{Path(x).as_posix()}{after}" for x in found]


def _nearest(pattern: str, known: Sequence[str]) -> str:
    """Names that hold what the pattern says, or are spelt almost so; else some that there are."""
    said = "".join(x for x in pattern if x not in "*?[]").lower()
    alike = [x for x in known if said and said in x.lower()]
    alike = alike or similar(said, known, 4, ignore_case=True)
    return did_you_mean(alike[:4]) or f"It has {len(known)}: {first_few(known, _LISTED)}."


def _builds(value: Any, package: str) -> bool:
    """Whether a class or function of a package gives a module when it is called alone."""
    if str(getattr(value, "__module__", "")).partition(".")[0] != package:
        return False
    needed = [
        x
        for x in parameters_of(value).values()
        if x.default is Parameter.empty
        and x.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    ]
    if needed or inspect.isabstract(value):
        return False
    if isinstance(value, type):
        return _is_module_class(value)
    return inspect.isfunction(value) and _is_module_class(_returned(value))


def _returned(function: Any) -> Any:
    """What a function is annotated to return."""
    try:
        return typing.get_type_hints(function).get("return")
    except Exception:  # an annotation may name what only a type checker imports
        return None


def _is_module_class(value: Any) -> bool:
    """Whether a class is nn.Module or derived from it. torch is not imported for the question."""
    return isinstance(value, type) and any(
        (x.__module__, x.__qualname__) == ("torch.nn.modules.module", "Module")
        for x in value.__mro__
    )
