"""Heads that only training uses, and how they are taken out."""

from __future__ import annotations

from torch import nn

from rflint.analysis.analysis import Analysis
from rflint.repair.edit import Edit
from rflint.repair.edits.names import Names
from rflint.tracing.model.tree import named_modules, named_parameters

_WHY = "trained beside what is cut off"


def without_auxiliaries(model: nn.Module, analysis: Analysis) -> tuple[tuple[Edit, ...], int]:
    """Edits that take out the modules that only training uses, and how many parameters they have.

    Such heads branch off layers that a cut may have removed. Models that have them allow them to be
    None, or else the edited model fails where it is verified.
    """
    unused = {x.name: x.size for x in analysis.architecture.unused_parameters}
    found: dict[str, int] = {}
    for path, module in named_modules(model):
        sizes = [unused.get(f"{path}.{name}") for name, _ in named_parameters(module)]
        inside = any(path.startswith(f"{outer}.") for outer in found)
        if path and sizes and None not in sizes and not inside:
            found[path] = sum(size for size in sizes if size is not None)
    names = Names(model)
    edits = (
        # the name is to be free, or else the state dict still has a place for its weights
        Edit(f"{names.deleted(path)}\n{names.assigned(path, 'None')}", _WHY)
        for path in found
        if not names.is_numbered(path)
    )
    return tuple(edits), sum(found.values())
