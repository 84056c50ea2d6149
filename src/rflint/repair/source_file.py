"""A repair as a Python file of its own, whose `build()` gives the changed model.

It calls the user's own builder and edits what that returns, with nothing but torch.
"""

from __future__ import annotations

import importlib.util
import json
import keyword
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rflint._version import __version__
from rflint.repair.edit import Edit
from rflint.repair.metrics import Metrics
from rflint.repair.repair import Repair
from rflint.text.numbers import size
from rflint.usercode.module_place import module_place
from rflint.usercode.schemes.builder_code import WrittenFile
from rflint.usercode.schemes.registry import scheme_of
from rflint.usercode.target import split_target

_WIDTH = 99


@dataclass(frozen=True, slots=True)
class OriginalModel:
    """How code gets the model that is repaired."""

    target: str
    arguments: Mapping[str, Any]
    is_module: bool
    """Whether the target is a module already, and not what builds one."""
    wrappers: Sequence[str] = ()
    """Attributes through which the model is reached: of torch.compile, of DataParallel."""
    root: Path = Path()
    """What the target's path is relative to, and where its module is looked for."""
    pythonpath: Sequence[Path] = ()
    """Folders that its module is looked for in before."""


def source_file(
    origin: OriginalModel, repair: Repair, inputs: Sequence[tuple[int, ...]], folder: Path
) -> str:
    """The file's text, to be put into `folder`."""
    imports, original = _import_of(origin, folder)
    edits = statements(repair)
    classes = "".join(f"\n\n{step.code}\n" for step in repair.steps if step.defines)
    made = _model(origin, original)
    if "torch." in f"{classes}{edits}":
        imports = imports.replace("from torch import nn\n", "import torch\nfrom torch import nn\n")
    if origin.is_module:
        apart = "" if imports.startswith("import importlib") else "\n"
        imports = f"import copy\n{apart}{imports}"
    return f'''"""{_title(origin.target, inputs, repair)}

{_table(repair.before, repair.after)}

Written by rflint {__version__}, which has analysed what build() returns. Accuracy is not predicted.
"""

from __future__ import annotations

{imports}
{classes}

def build() -> nn.Module:
    """The model with its changes; the weights of what is kept are the original ones."""
    m = {made}
{edits}
    return m
'''


def statements(repair: Repair) -> str:
    """The lines of a function that change the model `m`, without the classes that they use."""
    return "\n".join(_edits([step for step in repair.steps if not step.defines]))


def _title(target: str, inputs: Sequence[tuple[int, ...]], repair: Repair) -> str:
    shapes = ", ".join(size(shape) for shape in inputs)
    lines = [f"{target}, changed for {shapes} inputs.", "", *_wrapped(repair.title)]
    text = "\n".join(lines)
    return text.replace("\\", "/").replace('"""', "'''")


def _wrapped(title: str) -> Iterator[str]:
    """A title in lines of bearable length."""
    line = ""
    for word in (title[:1].upper() + title[1:] + ".").split(" "):
        if line and len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _table(before: Metrics, after: Metrics) -> str:
    rows = [("", "before", "after")]
    rows += [
        ("unproductive convolutions", str(before.unproductive), str(after.unproductive)),
        ("parameters", f"{before.params:,}", f"{after.params:,}"),
        ("multiply-accumulates", f"{before.macs:,}", f"{after.macs:,}"),
    ]
    return "\n".join(f"    {name:<27}{old:>16}{new:>16}" for name, old, new in rows)


def _edits(steps: Sequence[Edit]) -> Iterator[str]:
    """The statements, each with its reason: beside it where there is room, else above."""
    above = ""
    for step in steps:
        first, *rest = step.code.splitlines()
        beside = f"    {first}  # {step.why}"
        if len(beside) <= _WIDTH:
            yield beside
        else:
            if step.why != above:
                yield f"    # {step.why}"
            above = step.why
            yield f"    {first}"
        yield from (f"    {line}" for line in rest)


def _model(origin: OriginalModel, original: str) -> str:
    arguments = ", ".join(f"{name}={_literal(value)}" for name, value in origin.arguments.items())
    made = f"copy.deepcopy({original})" if origin.is_module else f"{original}({arguments})"
    return made + "".join(f".{name}" for name in origin.wrappers)


def _quoted(text: str) -> str:
    """A string literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _literal(value: object) -> str:
    return _quoted(value) if isinstance(value, str) else repr(value)


def _import_of(origin: OriginalModel, folder: Path) -> tuple[str, str]:
    """The lines that import what a target names, and what it then is called."""
    if named := scheme_of(origin.target):
        scheme, name = named
        code = scheme.code(name, WrittenFile(folder, origin.root, origin.pythonpath))
        return code.head.rstrip(), code.expression
    module, attribute = split_target(origin.target)
    place = module_place(module, origin.root, origin.pythonpath)
    here = (place.provider or origin.root).resolve()
    if place.file is not None:
        dotted = place.name or _as_module(place.file, folder)
        if not dotted:
            return _loading(place.file, folder), f"_original.{attribute}"
        module = dotted
    first, *rest = attribute.split(".")
    name = ".".join(["original", *rest])
    imported = f"from {module} import {first} as original"
    if folder.resolve() == here or _folder_of(module.split(".")[0]) != here:
        return f"from torch import nn\n\n{imported}", name
    # Python finds the module because rflint looks here
    relative = Path(os.path.relpath(here, folder.resolve())).as_posix()
    return _IMPORTING.format(folder=_quoted(relative), imported=imported), name


_IMPORTING = """import sys
from pathlib import Path

from torch import nn

sys.path.insert(0, str((Path(__file__).parent / {folder}).resolve()))

{imported}  # noqa: E402"""


def _folder_of(name: str) -> Path | None:
    """The folder in which Python finds a module or package."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or [])
    found = Path(places[0] if places else spec.origin or "").resolve()
    return found.parent


def _as_module(file: Path, folder: Path) -> str | None:
    """How to import a file from a module in `folder`, if Python would find that very file."""
    try:
        parts = file.relative_to(folder.resolve()).with_suffix("").parts
    except ValueError:
        return None
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        return None
    if parts[0] in sys.stdlib_module_names or _installed(parts[0], folder):
        return None
    # files beside it may be imported as if their folder were on the path
    return ".".join(parts) if len(parts) == 1 else None


def _installed(name: str, folder: Path) -> bool:
    """Whether a module of this name is found elsewhere than in `folder`."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return False
    return Path(spec.origin).resolve().parent != folder.resolve()


def _loading(file: Path, folder: Path) -> str:
    relative = Path(os.path.relpath(file, folder.resolve())).as_posix()
    return f"""import importlib.util
import sys
from pathlib import Path

from torch import nn

_FILE = (Path(__file__).parent / {_quoted(relative)}).resolve()
sys.path.insert(0, str(_FILE.parent))  # for what it imports from beside it
_spec = importlib.util.spec_from_file_location({_quoted(file.stem)}, _FILE)
assert _spec is not None and _spec.loader is not None
_original = importlib.util.module_from_spec(_spec)
sys.modules.setdefault({_quoted(file.stem)}, _original)
_spec.loader.exec_module(_original)"""
