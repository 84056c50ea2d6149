"""A change as lines of plain PyTorch that edit a model `m`: what `rflint fix` writes.

These lines are the change: `apply.py` runs the very text that a person is shown. There may be
several ways to say a change; they come in order of preference, and the first that gives the model
that was foreseen is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from rflint.analysis import Analysis
from rflint.repair.change import Candidate, Edit
from rflint.repair.cuts import lineage, modules_within
from rflint.repair.endings import Endings
from rflint.repair.groups import module_of
from rflint.repair.names import Names
from rflint.repair.rewrite import NOTHING, Rewriting, rewritten
from rflint.repair.sized_heads import SizedHeads, pooling_to
from rflint.repair.strides import Strides
from rflint.repair.writer import Inexpressible, Writer

_REWRITTEN = "the same submodules, under the same names, in another forward"
_AUXILIARY = "trained beside what is cut off"


def scripts(model: nn.Module, analysis: Analysis, candidate: Candidate) -> list[tuple[Edit, ...]]:
    """Ways to make a change, each as statements about the module `m`.

    Raises Inexpressible where there is none.
    """
    writer = _Script(model, analysis, candidate)
    ways = list(dict.fromkeys(writer.ways()))
    if not ways:
        raise Inexpressible("; ".join(writer.reasons) or "no edit of modules says this")
    return ways


def without_auxiliaries(model: nn.Module, analysis: Analysis) -> tuple[tuple[Edit, ...], int]:
    """Edits that take out the modules that only training uses, and how many parameters they have.

    Such heads branch off layers that a cut may have removed. Models that have them allow them to be
    None, or else the edited model fails where it is verified.
    """
    unused = dict(analysis.architecture.unused)
    found: dict[str, int] = {}
    for path, module in model.named_modules():
        sizes = [unused.get(f"{path}.{name}") for name, _ in module.named_parameters()]
        inside = any(path.startswith(f"{outer}.") for outer in found)
        if path and sizes and None not in sizes and not inside:
            found[path] = sum(size for size in sizes if size is not None)
    names = Names(model)
    edits = (
        # the name is to be free, or else the state dict still has a place for its weights
        Edit(f"del {names.expression(path)}\n{names.assigned(path, 'None')}", _AUXILIARY)
        for path in found
        if not names.is_numbered(path)
    )
    return tuple(edits), sum(found.values())


class _Script(Writer):
    """Puts together what the other writers write."""

    def __init__(self, model: nn.Module, analysis: Analysis, candidate: Candidate) -> None:
        super().__init__(model, analysis, candidate)
        self.strides = Strides(model, analysis, candidate)
        self.endings = Endings(model, analysis, candidate)
        self.heads = SizedHeads(model, analysis, candidate)
        self.reasons: dict[str, None] = {}
        """Why further ways were not taken."""

    def ways(self) -> Iterator[tuple[Edit, ...]]:
        """Module edits first, then those that write the model's own forward anew."""
        cut, head = self.candidate.change.cut, self.candidate.pooled_before
        if cut is not None:
            for edits in self.endings.truncations(cut):
                yield from self._complete((*self.strides.removals(), *edits))
            yield from self._ended_in_forward(cut)
        elif head is None:
            yield from self._complete(tuple(self.strides.removals()))
        elif self.candidate.head_inputs:
            yield from self._complete((*self.strides.removals(), *self.heads.resized_head(head)))
        else:
            for place, edit in self.heads.poolings_in_front_of(head):
                yield from self._complete((*self.strides.removals(without=place), edit))
            yield from self._resized_in_forward(head)

    def _complete(
        self, edits: tuple[Edit, ...], root: Rewriting = NOTHING
    ) -> Iterator[tuple[Edit, ...]]:
        """Edits of modules, and the forwards that have to be written anew beside them."""
        classes: list[Edit] = []
        nested: list[Edit] = []
        last: list[Edit] = []
        changes = self._rewritings()
        if root != NOTHING:
            in_root = changes.get("", NOTHING)
            changes[""] = replace(root, left_out=in_root.left_out, slowed=in_root.slowed)
        try:
            # inner modules first: an outer one takes over what has become of them
            for path, change in sorted(changes.items(), key=lambda item: -item[0].count(".")):
                name = self._class_name(path, change, len(classes))
                source = rewritten(self.model, path, self.layers, change, name)
                classes.append(Edit(source, "", defines=True))
                if path:
                    put = self.assigned(path, f"{name}({self.expression(path)})")
                    nested.append(Edit(put, _REWRITTEN))
                else:
                    last.append(Edit(f"m = {name}(m)", _REWRITTEN))
        except Inexpressible as error:
            self.reasons.setdefault(str(error))
            return
        yield (*classes, *edits, *nested, *last)

    def _rewritings(self) -> dict[str, Rewriting]:
        """Poolings that are function calls, by the module in whose forward they are."""
        change = self.candidate.change
        found: dict[str, Rewriting] = {}
        for layer in self.layers:
            if layer.name not in change.without_downsampling or module_of(self.layers, layer):
                continue
            here = found.get(layer.scope, NOTHING)
            if layer.name in change.removed:
                here = replace(here, left_out=(*here.left_out, layer))
            else:
                here = replace(here, slowed=(*here.slowed, layer))
            found[layer.scope] = here
        return found

    def _class_name(self, path: str, change: Rewriting, number: int) -> str:
        of = type(self.modules[path]).__name__
        return f"{of}{'Truncated' if change.cut is not None else 'Changed'}{number or ''}"

    def _ended_in_forward(self, cut: int) -> Iterator[tuple[Edit, ...]]:
        """The model's forward up to a layer, and a head."""
        children = {path.split(".")[0] for x in self.layers[: cut + 1] for path in lineage(x)[:1]}
        gone = modules_within(self.layers, range(cut + 1, len(self.layers)))
        inside = [path for path in gone if path.split(".")[0] in children]
        edits = (*self.strides.removals(), *self.endings.without(inside, delete=True))
        yield from self._complete(edits, Rewriting(cut=cut, head=self.endings.head_behind(cut)))

    def _resized_in_forward(self, head: int) -> Iterator[tuple[Edit, ...]]:
        """The model's forward, with a pooling where the map is last seen whole."""
        chain = self.heads.chain(self.layers[head])
        if chain:
            pool = pooling_to(self.layers[chain[-1]].positions)
            change = Rewriting(resized_behind=chain[-1], size=pool)
            yield from self._complete(tuple(self.strides.removals()), change)
