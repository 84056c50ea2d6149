"""A change as lines of plain PyTorch that edit a model `m`: what `rflint fix` writes.

These lines are the change: `apply.py` runs the very text that a person is shown. There may be
several ways to say a change; they come in order of preference, and the first that gives the model
that was foreseen is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import replace

from torch import nn

from rflint.analysis.analysis import Analysis
from rflint.repair.candidate import Candidate
from rflint.repair.change import layer_key
from rflint.repair.edits.endings import GONE, HEAD, Endings
from rflint.repair.edits.forwards import NOTHING, NewForward, Rewriting, rewritten
from rflint.repair.edits.heads import SizedHeads, pooling_to
from rflint.repair.edits.names import Names
from rflint.repair.edits.strides import Strides
from rflint.repair.edits.writer import Inexpressible, Writer
from rflint.repair.repair import Edit
from rflint.tracing.model.tree import named_modules, named_parameters

_AUXILIARY = "trained beside what is cut off"


def scripts(
    model: nn.Module, analysis: Analysis, candidate: Candidate
) -> Iterator[tuple[Edit, ...]]:
    """Ways to make a change, each as statements about the module `m`.

    Raises Inexpressible, at the end, where there is none.
    """
    script = _Script(model, analysis, candidate)
    seen: set[tuple[Edit, ...]] = set()
    for way in script.ways():
        if way not in seen:
            seen.add(way)
            yield way
    if not seen:
        raise Inexpressible("; ".join(script.reasons) or "no edit of modules says this")


def without_auxiliaries(model: nn.Module, analysis: Analysis) -> tuple[tuple[Edit, ...], int]:
    """Edits that take out the modules that only training uses, and how many parameters they have.

    Such heads branch off layers that a cut may have removed. Models that have them allow them to be
    None, or else the edited model fails where it is verified.
    """
    unused = {x.name: x.size for x in analysis.architecture.unused}
    found: dict[str, int] = {}
    for path, module in named_modules(model):
        sizes = [unused.get(f"{path}.{name}") for name, _ in named_parameters(module)]
        inside = any(path.startswith(f"{outer}.") for outer in found)
        if path and sizes and None not in sizes and not inside:
            found[path] = sum(size for size in sizes if size is not None)
    names = Names(model)
    edits = (
        # the name is to be free, or else the state dict still has a place for its weights
        Edit(f"{names.deleted(path)}\n{names.assigned(path, 'None')}", _AUXILIARY)
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
            for edits in self.endings.makeshifts(cut):
                yield from self._complete((*self.strides.removals(), *edits))
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
        functions: list[Edit] = []
        changed: list[Edit] = []
        changes = self._rewritings()
        if root != NOTHING:
            in_root = changes.get("", NOTHING)
            changes[""] = replace(root, left_out=in_root.left_out, slowed=in_root.slowed)
        try:
            for path, change in changes.items():
                name = f"forward_of_{re.sub('[^0-9A-Za-z]', '_', path)}" if path else "forward"
                new = rewritten(self.model, path, self.layers, change, name)
                functions.append(Edit(new.source, "", defines=True))
                changed += self._with_forward(path, name, new, ends=change.cut is not None)
        except Inexpressible as error:
            self.reasons.setdefault(str(error))
            return
        yield (*functions, *edits, *changed)

    def _with_forward(self, path: str, name: str, new: NewForward, *, ends: bool) -> Iterator[Edit]:
        """Give a module another forward, and what that needs."""
        prefix = f"{path}." if path else ""
        for child, code in new.added:
            why = HEAD if ends else "brings the map back to the size that the head wants"
            yield Edit(f"{self.expression(path)}.{child} = {code}", why)
        for child in new.unused if ends else ():
            yield Edit(self.deleted(f"{prefix}{child}"), GONE)
        module = self.expression(path)
        subclass = f"{type(self.modules[path]).__name__}{'Truncated' if ends else 'Changed'}"
        made = f'type("{subclass}", (type({module}),), {{"forward": {name}}})'
        yield Edit(f"{module}.__class__ = {made}", "the same class, with another forward")

    def _rewritings(self) -> dict[str, Rewriting]:
        """Poolings that are single calls, by the module in whose forward they are."""
        change = self.candidate.change
        found: dict[str, Rewriting] = {}
        for layer in self.layers:
            if layer_key(layer) not in change.without_downsampling or self.strides.is_edited(layer):
                continue
            here = found.get(layer.scope, NOTHING)
            if layer_key(layer) in change.removed:
                here = replace(here, left_out=(*here.left_out, layer))
            elif layer.is_module:
                self.reasons.setdefault(f"{layer.title} is one of several calls with one stride")
            else:
                here = replace(here, slowed=(*here.slowed, layer))
            found[layer.scope] = here
        return found

    def _ended_in_forward(self, cut: int) -> Iterator[tuple[Edit, ...]]:
        """The model's forward up to a layer, a head, and what the model does with its outputs."""
        endings = self.endings
        logits, last_map = endings.logits(cut), endings.last_map
        if logits is not None:
            edits = (*self.strides.removals(), *self._gone_inside(endings.gone))
            root = Rewriting(cut=cut, logits=logits, head=endings.head_behind(cut))
            yield from self._complete(edits, root)
        if last_map is not None:
            # the map is pooled where the network ends, and flattened and classified where it was
            removed = (*self.strides.removals(), *self._gone_inside(endings.in_front))
            root = Rewriting(cut=cut, logits=last_map, head=endings.global_pooling)
            for ending in endings.endings(cut):
                yield from self._complete((*removed, *ending), root)

    def _gone_inside(self, gone: Set[int]) -> Iterator[Edit]:
        """Take out what goes of modules of which something stays."""
        kept = (x for i, x in enumerate(self.layers) if i not in self.endings.gone)
        children = {path for layer in kept for path in layer.modules_around[:1]}
        units = self.analysis.architecture.relations.modules_within(gone)
        inside = [path for path in units if path.split(".")[0] in children]
        return self.endings.without(inside, delete=True)

    def _resized_in_forward(self, head: int) -> Iterator[tuple[Edit, ...]]:
        """The model's forward, with a pooling where the map is last seen whole."""
        chain = self.heads.chain(self.layers[head])
        if chain:
            pool = pooling_to(self.layers[chain[-1]].positions)
            change = Rewriting(resized_behind=chain[-1], size=pool)
            yield from self._complete(tuple(self.strides.removals()), change)
