"""The layers of one model against those of another: which are new, gone, changed or renamed.

Layers are the same if they have the same name. Beyond that, a module whose name has changed is
recognised where its structure has not: see renaming.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rflint.graph.layer import titled
from rflint.report.difference.renaming import Renaming, renamings
from rflint.report.schema import JsonObject

_NO_PROPERTIES = frozenset({"name", "call", "source"})
"""What a layer is called and where it stands, which is not what it is."""


@dataclass(frozen=True, slots=True)
class ChangedLayer:
    """A layer on both sides."""

    before: JsonObject
    after: JsonObject

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that differ; a report of an older version may lack some."""
        both = (name for name in self.after if name in self.before and name not in _NO_PROPERTIES)
        return tuple(name for name in both if self.before[name] != self.after[name])

    def to_dict(self) -> JsonObject:
        """An entry of `layers.changed`."""
        return {
            "name": self.after["name"],
            "call": self.after["call"],
            "fields": list(self.fields),
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, slots=True)
class LayerChanges:
    """What became of the layers, by their names."""

    added: tuple[JsonObject, ...] = ()
    removed: tuple[JsonObject, ...] = ()
    changed: tuple[ChangedLayer, ...] = ()
    unchanged: int = 0
    renamings: tuple[Renaming, ...] = ()
    """Modules under another name. Their layers are among the added and the removed ones."""
    renamed_changes: tuple[ChangedLayer, ...] = field(default=())
    """Layers under another name of which something else has changed too, as what they see."""

    @property
    def new_names(self) -> Mapping[str, str]:
        """The names of renamed layers after, by those before."""
        return {old["name"]: new["name"] for x in self.renamings for old, new in x.layers}

    @property
    def really_added(self) -> tuple[JsonObject, ...]:
        """Those that are no renamed layers."""
        renamed = {_key(new) for x in self.renamings for _, new in x.layers}
        return tuple(x for x in self.added if _key(x) not in renamed)

    @property
    def really_removed(self) -> tuple[JsonObject, ...]:
        """Those that are not there under another name."""
        renamed = {_key(old) for x in self.renamings for old, _ in x.layers}
        return tuple(x for x in self.removed if _key(x) not in renamed)

    @property
    def all_changes(self) -> tuple[ChangedLayer, ...]:
        """The changed layers, those under another name included."""
        return (*self.changed, *self.renamed_changes)

    def to_dict(self) -> JsonObject:
        """The entry `layers`, in which renamed layers are added and removed ones."""
        return {
            "added": [title_of(x) for x in self.added],
            "removed": [title_of(x) for x in self.removed],
            "changed": [x.to_dict() for x in self.changed],
        }


def compare_layers(before: Sequence[JsonObject], after: Sequence[JsonObject]) -> LayerChanges:
    """The changes from one model's layers to another's."""
    old = {_key(x): x for x in before}
    new = {_key(x): x for x in after}
    both = [ChangedLayer(old[key], x) for key, x in new.items() if key in old]
    changed = tuple(x for x in both if x.fields)
    found = renamings(before, after)
    renamed = (ChangedLayer(*pair) for x in found for pair in x.layers)
    return LayerChanges(
        added=tuple(x for key, x in new.items() if key not in old),
        removed=tuple(x for key, x in old.items() if key not in new),
        changed=changed,
        unchanged=len(both) - len(changed),
        renamings=found,
        renamed_changes=tuple(x for x in renamed if x.fields),
    )


def title_of(layer: JsonObject) -> str:
    """A layer's name, with the call where it is not the first one."""
    return titled(layer["name"], layer["call"])


def _key(layer: JsonObject) -> tuple[str, int]:
    return layer["name"], layer["call"]
