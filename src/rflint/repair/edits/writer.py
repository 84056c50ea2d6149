"""What is common to all that writes edits: the model, its layers, and the change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import torch
from torch import nn

from rflint.analysis.analysis import Analysis
from rflint.graph.construction import Constructions
from rflint.graph.layer import Kind, Layer
from rflint.repair.candidate import Candidate
from rflint.repair.edit import Edit
from rflint.repair.edits.names import Names
from rflint.tracing.model.construction import constructing_lines
from rflint.tracing.model.tree import modules, parameters

GONE = "cut off"
HEAD = "the new classifier; its weights have names of their own, so that old state dicts still load"


class Inexpressible(Exception):
    """A change that cannot be written as code; the message says why."""


class Writer(Names):
    """Writes statements about a model `m` and what a candidate changes in it."""

    def __init__(self, model: nn.Module, analysis: Analysis, candidate: Candidate) -> None:
        super().__init__(model)
        self.model = model
        self.analysis = analysis
        self.candidate = candidate
        self.layers = analysis.architecture.layers
        self.by_name: dict[str, Layer] = {}
        for layer in self.layers:
            self.by_name.setdefault(layer.name, layer)
        self.keywords = _keywords(model)
        """Further arguments of new layers with weights."""

    def edit(self, path: str, code: str, why: str) -> Edit:
        """A statement about a module, with the user's line that built it."""
        lines = constructing_lines(self.modules[path])
        called_from = self._constructions.calling_line(lines)
        return Edit(code, why, source=next(iter(lines), None), called_from=called_from)

    @cached_property
    def _constructions(self) -> Constructions:
        return Constructions(map(constructing_lines, modules(self.model)))

    def module_of(self, layer: Layer) -> str:
        """Path of the module that is this layer and nothing else; empty where there is none.

        A pooling may be a class that pads and calls the function.
        """
        if layer.is_module:
            return layer.name
        if layer.kind is not Kind.POOL or not layer.scope:
            return ""
        inside = [x for x in self.layers if f"{x.scope}.".startswith(f"{layer.scope}.")]
        pools = [x for x in inside if x.kind is Kind.POOL]
        alone = len(pools) == 1 and all(x.kind in (Kind.POOL, Kind.PAD) for x in inside)
        return layer.scope if alone else ""

    def weighs(self, path: str) -> bool:
        """Whether a module has weights."""
        return any(True for _ in self.modules[path].parameters())

    def is_flatten(self, path: str) -> bool:
        """Whether a module is nn.Flatten."""
        return isinstance(self.modules[path], nn.Flatten)

    def taken_out(self, units: Sequence[str], *, delete: bool) -> Iterator[Edit]:
        """Take modules out: the ends of lists are deleted, others become nn.Identity()."""
        remaining = list(units)
        while remaining:
            unit = remaining.pop(0)
            parent, _, number = unit.rpartition(".")
            siblings = [number]
            while remaining and self._follows(parent, siblings[-1], remaining[0]):
                siblings.append(remaining.pop(0).rpartition(".")[2])
            container = self.modules[parent]
            reference = self.expression(parent)
            if self.is_numbered(unit) and len(siblings) < len(container._modules):
                first, last = int(siblings[0]), int(siblings[-1])
                if delete and last == len(container._modules) - 1:
                    yield self.edit(unit, f"del {reference}[{first}:]", GONE)
                    continue
                if len(siblings) > 2:
                    loop = (
                        f"for i in range({first}, {last + 1}):\n    {reference}[i] = nn.Identity()"
                    )
                    yield self.edit(unit, loop, GONE)
                    continue
            for sibling in siblings:
                path = f"{parent}.{sibling}" if parent else sibling
                empty = (
                    "ModuleList" if isinstance(self.modules[path], nn.ModuleList) else "Identity"
                )
                yield self.edit(path, self.assigned(path, f"nn.{empty}()"), GONE)

    def _follows(self, parent: str, number: str, other: str) -> bool:
        """Whether a module is the next in the same list."""
        other_parent, _, other_number = other.rpartition(".")
        numbered = self.is_numbered(other) and number.isdigit()
        return other_parent == parent and numbered and int(other_number) == int(number) + 1


def _keywords(model: nn.Module) -> str:
    """What a new layer needs to be told to fit the model: its type of numbers, if unusual."""
    kinds: Iterable[torch.dtype] = (p.dtype for p in parameters(model))
    dtype = next((kind for kind in kinds if kind.is_floating_point), torch.float32)
    return "" if dtype is torch.float32 else f", dtype={dtype}"
