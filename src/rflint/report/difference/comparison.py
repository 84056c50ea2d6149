"""One model at one size, before and after."""

from __future__ import annotations

from dataclasses import dataclass, field

from rflint.report.difference.findings import FindingChanges, compare_findings
from rflint.report.difference.layers import LayerChanges, compare_layers
from rflint.report.schema import JsonObject
from rflint.text.escape import one_line
from rflint.text.numbers import size

_FACTS = ("inputs", "resolution", "complete", "totals", "border", "feasible_resolution")
"""What a model is, apart from its layers and findings."""

_OTHER_SIZE = (
    "The sides were analysed at different input sizes, {old} before and {new} after: what differs "
    "in MACs, verdicts and findings may come from the size alone."
)


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Entries of `models` of two reports, and what differs."""

    before: JsonObject | None
    """None where there is no such model, or where it could not be analysed."""
    after: JsonObject | None
    layers: LayerChanges = field(default_factory=LayerChanges)
    findings: FindingChanges = field(default_factory=FindingChanges)
    is_compared: bool = True
    """False if one side is not known, since it failed there."""

    def __repr__(self) -> str:
        """Short, as a difference's."""
        found, layers = self.findings, self.layers
        counts = (
            (len(found.new), "new findings"),
            (len(found.gone), "findings gone"),
            (len(layers.really_added), "layers added"),
            (len(layers.really_removed), "layers removed"),
            (len(layers.all_changes), "layers changed"),
        )
        told = ", ".join(f"{number} {what}" for number, what in counts if number)
        return f"<Comparison of {one_line(self.title)}: {told or 'nothing'}>"

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be known to read it."""
        if self.before is None or self.after is None:
            return ()
        old, new = (size(x["resolution"]) or "no size" for x in (self.before, self.after))
        return (_OTHER_SIZE.format(old=old, new=new),) if old != new else ()

    @property
    def title(self) -> str:
        """The model's name, or both names, and the size of its input."""
        models = [x for x in (self.before, self.after) if x]
        names = list(dict.fromkeys(x["name"] for x in models))
        sizes = list(dict.fromkeys(size(x["resolution"]) for x in models))
        at = f" at {' and '.join(sizes)}" if any(sizes) else ""
        return f"{' and '.join(names)}{at}"

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        before, after, found = self.before, self.after, self.findings
        if before is None or after is None:
            return False
        layers = self.layers
        changed = layers.added or layers.removed or layers.renamed or layers.all_changes
        return not (changed or found.new or found.gone) and all(
            before[name] == after[name] for name in _FACTS
        )

    def to_dict(self) -> JsonObject:
        """The entries of a comparison; the models come without their layers."""
        return {
            "before": _without_layers(self.before),
            "after": _without_layers(self.after),
            "layers": self.layers.to_dict(),
            "findings": self.findings.to_dict(),
            "notes": list(self.notes),
        }


def compare_models(before: JsonObject, after: JsonObject) -> Comparison:
    """What differs between two models."""
    layers = compare_layers(before["layers"], after["layers"])
    findings = compare_findings(before, after, layers.new_names, layers.gone_names)
    return Comparison(before, after, layers, findings)


def new_model(after: JsonObject) -> Comparison:
    """A model that was not there before: all its layers and findings are new."""
    return Comparison(
        None,
        after,
        LayerChanges(really_added=tuple(after["layers"]), added=tuple(after["layers"])),
        FindingChanges(new=tuple(after["findings"])),
    )


def removed_model(before: JsonObject) -> Comparison:
    """A model that is not there any more."""
    return Comparison(
        before,
        None,
        LayerChanges(really_removed=tuple(before["layers"]), removed=tuple(before["layers"])),
        FindingChanges(gone=tuple(before["findings"])),
    )


def _without_layers(model: JsonObject | None) -> JsonObject | None:
    return model and {name: value for name, value in model.items() if name != "layers"}
