"""Findings before and after: which are new, which are gone, and which are still there.

They are matched as a baseline matches them: by the rule, the layer and its operation, and never by
lines or messages, which change while the finding stays what it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rflint.report.baseline import BaselineEntry, matched_entries
from rflint.report.schema import JsonObject
from rflint.text.numbers import size

_GONE = "(gone)"
"""Behind a name, it makes one that no layer has."""


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """Entries of `findings` of the reports."""

    new: tuple[JsonObject, ...] = ()
    gone: tuple[JsonObject, ...] = ()
    kept: tuple[JsonObject, ...] = ()
    """As they are after."""

    def to_dict(self) -> JsonObject:
        """The entry `findings`."""
        return {"new": list(self.new), "gone": list(self.gone), "kept": list(self.kept)}


def compare_findings(
    before: JsonObject,
    after: JsonObject,
    new_names: Mapping[str, str],
    gone_names: Collection[str] = (),
) -> FindingChanges:
    """The changes from one model's findings to another's.

    `new_names` are what layers are called after; what was found of those in `gone_names` is gone,
    also if another layer is called so now. What the baseline accepts is found all the same: it is
    kept where it was there before, but it is not new.
    """
    old, new = _all_findings(before), _all_findings(after)
    names = {**new_names, **{name: f"{name} {_GONE}" for name in gone_names}}
    held = _entries(before, old, names)
    entry_of = matched_entries(_entries(after, new, {}), held)
    used = set(entry_of.values())
    open_after = len(after["findings"])
    return FindingChanges(
        new=tuple(x for i, x in enumerate(new) if i not in entry_of and i < open_after),
        gone=tuple(x for i, x in enumerate(old) if i not in used),
        kept=tuple(x for i, x in enumerate(new) if i in entry_of),
    )


def _all_findings(model: JsonObject) -> list[JsonObject]:
    """Those that are open, and behind them those that a baseline accepts."""
    return [*model["findings"], *model["accepted"]]


def _entries(
    model: JsonObject, findings: list[JsonObject], new_names: Mapping[str, str]
) -> list[BaselineEntry]:
    operations = {x["name"]: _operation(x) for x in model["layers"]}
    return [
        BaselineEntry(
            x["code"], new_names.get(x["layer"], x["layer"]), operations.get(x["layer"], "")
        )
        for x in findings
    ]


def _operation(layer: JsonObject) -> str:
    channels = "->".join(str(x[1]) for x in (layer["in_shape"], layer["out_shape"]) if x[1:])
    return f"{layer['op']} {size(layer['kernel'])} {channels}"
