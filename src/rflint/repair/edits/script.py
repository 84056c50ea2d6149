"""A change as lines of plain PyTorch that edit a model `m`: what `rflint fix` writes.

These lines are the change: `apply.py` runs the very text that a person is shown. There may be
several ways to say a change; they come in order of preference, and the first that gives the model
that was forecast is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from rflint.analysis.analysis import Analysis
from rflint.repair.candidate import Candidate
from rflint.repair.change import layer_key
from rflint.repair.edit import Edit
from rflint.repair.edits.ending import Ending
from rflint.repair.edits.heads import SizedHeads, pooling_to
from rflint.repair.edits.kind import edits_of
from rflint.repair.edits.rewriter import UNCHANGED, ForwardChange, NewForward, rewritten_forward
from rflint.repair.edits.writer import GONE, HEAD, Inexpressible, Writer


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


class _Script(Writer):
    """Puts together what the kinds of a change's transformations write."""

    def __init__(self, model: nn.Module, analysis: Analysis, candidate: Candidate) -> None:
        super().__init__(model, analysis, candidate)
        change = candidate.change
        self.parts = [edits_of(model, analysis, candidate, x) for x in change.transformations]
        self.reasons: dict[str, None] = {}
        """Why further ways were not taken."""

    def ways(self) -> Iterator[tuple[Edit, ...]]:
        """Module edits first, then those that write the model's own forward anew."""
        if self.candidate.change.cut is not None:
            for ending in self.parts[-1].endings():
                yield from self._with(ending)
        elif self.candidate.pooled_before is None:
            yield from self._with(Ending())
        else:
            yield from self._with_sized_head(self.candidate.pooled_before)

    def _with_sized_head(self, index: int) -> Iterator[tuple[Edit, ...]]:
        """The changed layers, and a head that gets the size that it is made for, or another."""
        heads = SizedHeads(self.model, self.analysis, self.candidate)
        if self.candidate.head_inputs:
            yield from self._complete((*self._of_modules(), *heads.resized_head(index)))
            return
        for place, edit in heads.poolings_in_front_of(index):
            yield from self._with(Ending((edit,)), without=place)
        # in the model's forward, with a pooling where the map is last seen whole
        chain = heads.chain(self.layers[index])
        if chain:
            pooling = pooling_to(self.layers[chain[-1]].positions)
            forward = ForwardChange(resized_behind=chain[-1], pooling=pooling)
            yield from self._with(Ending(forward=forward))

    def _with(self, ending: Ending, without: str = "") -> Iterator[tuple[Edit, ...]]:
        """The changed layers but the module `without`, and what else there is to say."""
        yield from self._complete((*self._of_modules(without), *ending.edits), ending.forward)

    def _of_modules(self, without: str = "") -> Iterator[Edit]:
        """The edits of the modules that are changed layers."""
        for part in self.parts:
            yield from part.of_modules(without)

    def _complete(
        self, edits: tuple[Edit, ...], root: ForwardChange = UNCHANGED
    ) -> Iterator[tuple[Edit, ...]]:
        """Edits of modules, and the forwards that have to be written anew beside them."""
        functions: list[Edit] = []
        changed: list[Edit] = []
        changes = self._changed_forwards()
        if root != UNCHANGED:
            in_root = changes.get("", UNCHANGED)
            changes[""] = replace(root, left_out=in_root.left_out, unit_stride=in_root.unit_stride)
        try:
            for path, change in changes.items():
                name = f"forward_of_{re.sub('[^0-9A-Za-z]', '_', path)}" if path else "forward"
                new = rewritten_forward(self.model, path, self.layers, change, name)
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
            yield self.edit(path, f"{self.expression(path)}.{child} = {code}", why)
        for child in new.unused if ends else ():
            yield self.edit(f"{prefix}{child}", self.deleted(f"{prefix}{child}"), GONE)
        module = self.expression(path)
        subclass = f"{type(self.modules[path]).__name__}{'Truncated' if ends else 'Changed'}"
        made = f'type("{subclass}", (type({module}),), {{"forward": {name}}})'
        code = f"{module}.__class__ = {made}"
        yield self.edit(path, code, "the same class, with another forward")

    def _changed_forwards(self) -> dict[str, ForwardChange]:
        """The layers that are single calls, by the module in whose forward they are."""
        found: dict[str, ForwardChange] = {}
        for layer in self.layers:
            for part in self.parts:
                if layer_key(layer) in part.transformation.layers and not part.is_edited(layer):
                    here = found.get(layer.scope, UNCHANGED)
                    try:
                        here = part.in_forward(layer, here)
                    except Inexpressible as error:
                        self.reasons.setdefault(str(error))
                    found[layer.scope] = here
        return found
