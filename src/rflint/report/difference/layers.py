"""The layers of one model against those of another: which are new, gone, changed or renamed.

Layers are the same if they have the same name. Positions in sequences are no names, see
alignment.py; and a module whose name has changed is recognised where its structure has not, see
renaming.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rflint.graph.layer import titled
from rflint.report.difference.alignment import key_of
from rflint.report.difference.renaming import Renaming, paired_layers, renamings
from rflint.report.schema import JsonObject

_NO_PROPERTIES = frozenset({"name", "call", "source"})
"""What a layer is called and where it stands, which is not what it is."""


@dataclass(frozen=True, slots=True, repr=False)
class ChangedLayer:
    """A layer on both sides."""

    before: JsonObject
    after: JsonObject

    def __repr__(self) -> str:
        """Short: its name, and what differs."""
        return f"<ChangedLayer {title_of(self.after)!r}: {', '.join(self.fields) or 'nothing'}>"

    @property
    def is_renamed(self) -> bool:
        """Whether it has another name after."""
        return key_of(self.before) != key_of(self.after)

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
    """What became of the layers."""

    really_added: tuple[JsonObject, ...] = ()
    """Those that were not there before, under whatever name."""
    really_removed: tuple[JsonObject, ...] = ()
    """Those that are not there any more, under whatever name."""
    pairs: tuple[ChangedLayer, ...] = ()
    """Those that both sides have, changed or not."""
    added: tuple[JsonObject, ...] = ()
    """As programs see it: what is really new, and all else whose name is new."""
    removed: tuple[JsonObject, ...] = ()
    """As programs see it: what is really gone, and all else whose name is gone."""

    @property
    def changed(self) -> tuple[ChangedLayer, ...]:
        """Those in which something differs, and that are called as before."""
        return tuple(x for x in self.pairs if x.fields and not x.is_renamed)

    @property
    def renamed(self) -> tuple[ChangedLayer, ...]:
        """Those under another name, or at another position."""
        return tuple(x for x in self.pairs if x.is_renamed)

    @property
    def renamings(self) -> tuple[Renaming, ...]:
        """The modules under another name, or at another position."""
        return renamings((x.before, x.after) for x in self.pairs)

    @property
    def unchanged(self) -> int:
        """How many are what they were; functions have no names that could change."""
        renamed = {id(new) for x in self.renamings for _, new in x.layers}
        return sum(not x.fields and id(x.after) not in renamed for x in self.pairs)

    @property
    def new_names(self) -> Mapping[str, str]:
        """What layers before are called now."""
        names: dict[str, str] = {}
        for x in self.pairs:
            names.setdefault(x.before["name"], x.after["name"])
        return names

    @property
    def gone_names(self) -> frozenset[str]:
        """The names before of layers that are really gone; others may bear them now."""
        return frozenset(x["name"] for x in self.really_removed) - self.new_names.keys()

    @property
    def all_changes(self) -> tuple[ChangedLayer, ...]:
        """The changed layers, those under another name included."""
        return tuple(x for x in self.pairs if x.fields)

    def to_dict(self) -> JsonObject:
        """The entry `layers`."""
        return {
            "added": [title_of(x) for x in self.added],
            "removed": [title_of(x) for x in self.removed],
            "changed": [x.to_dict() for x in self.changed],
            "renamed": [x.to_dict() for x in self.renamed],
        }


def compare_layers(before: Sequence[JsonObject], after: Sequence[JsonObject]) -> LayerChanges:
    """The changes from one model's layers to another's."""
    pairs = paired_layers(before, after)
    kept_old = {key_of(old) for old, _ in pairs}
    kept_new = {key_of(new) for _, new in pairs}
    olds, news = ({key_of(x) for x in side} for side in (before, after))
    return LayerChanges(
        really_added=tuple(x for x in after if key_of(x) not in kept_new),
        really_removed=tuple(x for x in before if key_of(x) not in kept_old),
        pairs=tuple(ChangedLayer(*pair) for pair in pairs),
        added=tuple(x for x in after if key_of(x) not in olds & kept_new),
        removed=tuple(x for x in before if key_of(x) not in news & kept_old),
    )


def title_of(layer: JsonObject) -> str:
    """A layer's name, with the call where it is not the first one."""
    return titled(layer["name"], layer["call"])
