"""A comparison in words and numbers, as all formats for people show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from rflint.report.difference.comparison import Comparison
from rflint.report.difference.difference import Difference, SideName
from rflint.report.difference.layers import ChangedLayer
from rflint.report.difference.renaming import Renaming
from rflint.report.schema import JsonObject
from rflint.text.numbers import abbreviated, compact_size, plural, relative_change, size

Trend: TypeAlias = Literal["better", "worse", ""]

_OWN = ("op", "kernel", "stride", "dilation", "padding", "params")
"""What a layer is by itself: the rest follows from what comes before it, or from the input."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a model, before and after; empty texts where a side has none."""

    name: str
    before: str
    after: str
    change: str = ""
    """How much more or less."""
    trend: Trend = ""

    @property
    def differs(self) -> bool:
        """Whether it is another one after."""
        return self.before != self.after or bool(self.change)


def known_sides(comparison: Comparison) -> tuple[SideName, ...]:
    """The sides of which there is anything to tell."""
    sides: tuple[tuple[SideName, JsonObject | None], ...] = (
        ("before", comparison.before),
        ("after", comparison.after),
    )
    return tuple(name for name, model in sides if model is not None)


def figures(comparison: Comparison, cross: str = "x") -> tuple[Figure, ...]:
    """What a model is and costs."""
    return tuple(_figures(comparison, cross))


def _figures(comparison: Comparison, cross: str) -> Iterator[Figure]:
    def totals(name: str) -> tuple[int | None, int | None]:
        sides = (comparison.before, comparison.after)
        old, new = (x["totals"][name] if x else None for x in sides)
        return old, new

    def texts(value: Any) -> tuple[str, str]:
        old, new = (value(x) if x else "" for x in (comparison.before, comparison.after))
        return old, new

    for name, field in (("parameters", "params"), ("MACs", "macs")):
        yield _amount(name, *totals(field), cross)
    yield replace(_number("convolutions judged", *totals("convs")), trend="")
    yield _number("unproductive", *totals("unproductive"))
    yield _amount("dead weights", *totals("dead_weights"), cross)
    yield Figure("border layer", *texts(lambda x: x["border"]["min"] or "none"))
    yield Figure(
        "asks for inputs of", *texts(lambda x: size(x["feasible_resolution"]["min"], cross) or "-")
    )
    inputs = texts(lambda x: ", ".join(size(shape, cross) for shape in x["inputs"]))
    if inputs[0] != inputs[1]:
        yield Figure("inputs", *inputs)
    complete = texts(lambda x: "yes" if x["complete"] else "no")
    if "no" in complete:
        yield Figure("followed to the end", *complete)
    findings = [None if x is None else len(x["findings"]) for x in _sides(comparison)]
    yield _number("findings", *findings)


def _sides(comparison: Comparison) -> tuple[JsonObject | None, JsonObject | None]:
    return comparison.before, comparison.after


def _amount(name: str, old: int | None, new: int | None, cross: str) -> Figure:
    before, after = ("" if x is None else abbreviated(x) for x in (old, new))
    change = ""
    if old is not None and new is not None and old != new:
        change = relative_change(old, new, cross) or f"{new - old:+,}"
    return Figure(name, before, after, change, _less(old, new))


def _number(name: str, old: int | None, new: int | None) -> Figure:
    return Figure(name, _shown(old), _shown(new), _step(old, new), _less(old, new))


def _shown(number: int | None) -> str:
    return "" if number is None else str(number)


def _step(old: int | None, new: int | None) -> str:
    return "" if old is None or new is None or old == new else f"{new - old:+d}"


def _less(old: int | None, new: int | None) -> Trend:
    """Less is better."""
    if old is None or new is None or old == new:
        return ""
    return "better" if new < old else "worse"


# -- layers


def is_own_change(layer: ChangedLayer) -> bool:
    """Whether the layer itself was changed, and not only what it is given or sees."""
    return any(name in _OWN for name in layer.fields)


def layer_changes(layer: ChangedLayer, cross: str = "x") -> tuple[Figure, ...]:
    """What is different about a layer: the usual facts, or what else there is."""
    names = [name for name in _MAIN if name in layer.fields]
    shown = names or [name for name in _REST if name in layer.fields] or list(layer.fields)
    return tuple(
        Figure(
            _MAIN.get(name) or _REST.get(name) or name.replace("_", " "),
            _value(layer.before, name, cross),
            _value(layer.after, name, cross),
        )
        for name in shown
    )


_MAIN = {
    "op": "operation",
    "kernel": "kernel",
    "stride": "stride",
    "dilation": "dilation",
    "padding": "padding",
    "out_shape": "output",
    "r_in_min": "sees",
    "params": "parameters",
    "macs": "MACs",
    "dead_weights": "dead weights",
    "verdict": "verdict",
}
_REST = {
    "r_in_max": "sees at most",
    "r_out_min": "receptive field",
    "r_out_max": "largest receptive field",
    "jump": "jump",
    "erf": "effective receptive field",
    "in_shape": "input",
    "role": "role",
    "kind": "kind",
}
_AMOUNTS = ("params", "macs", "dead_weights")


def _value(layer: JsonObject, name: str, cross: str) -> str:
    value = layer[name]
    if name in _AMOUNTS:
        return abbreviated(value)
    if name in ("in_shape", "out_shape"):
        return size(value, cross) or "-"
    if isinstance(value, list):
        if not value:
            return "-"
        unbounded = "sizes decide" if name == "padding" else "all"
        return compact_size(value, cross, unbounded)
    return str(value)


@dataclass(frozen=True, slots=True)
class NewName:
    """What is called otherwise: a module, neighbours in a sequence, or several that are alike."""

    before: str
    after: str
    verb: str
    likewise: int
    """So many others were renamed as this one was."""
    layers: int
    is_as_before: bool
    """Whether nothing of the layers themselves has changed."""

    @property
    def remark(self) -> str:
        """'3 layers, the same structure'."""
        same = ", the same structure" if self.is_as_before else ""
        return f"{plural(self.layers, 'layer')}{same}"

    @property
    def others(self) -> str:
        """', 5 others likewise', or nothing."""
        return f", {plural(self.likewise, 'other')} likewise" if self.likewise else ""


def new_names(renamings: Sequence[Renaming]) -> tuple[NewName, ...]:
    """The names that have changed; what has changed in the same way is told once."""
    groups: dict[object, list[Renaming]] = {}
    for x in renamings:
        groups.setdefault(_way(x), []).append(x)
    return tuple(_new_name(group) for way in groups.values() for group in _neighbours(way))


def _parts(name: str) -> tuple[str, str]:
    parent, _, last = name.rpartition(".")
    return parent, last


def _way(renaming: Renaming) -> object:
    """Equal for modules that were renamed, or moved, in the same way."""
    (old_parent, old), (parent, new) = _parts(renaming.before), _parts(renaming.after)
    if old.isdecimal() and new.isdecimal():
        return old_parent, parent, int(new) - int(old)
    # alike where one name stands for another at the end of names, and nowhere else
    alike = old != new and old and new and (old_parent == parent or "" not in (old_parent, parent))
    return (old, new) if alike else (renaming.before, renaming.after)


def _neighbours(renamings: Sequence[Renaming]) -> Iterator[list[Renaming]]:
    """Those that were moved along a sequence, as far as they follow upon each other."""
    if not _parts(renamings[0].before)[1].isdecimal():
        yield list(renamings)
        return
    group: list[Renaming] = []
    for x in renamings:
        if group and int(_parts(x.before)[1]) != int(_parts(group[-1].before)[1]) + 1:
            yield group
            group = []
        group.append(x)
    yield group


def _new_name(group: Sequence[Renaming]) -> NewName:
    first, last = group[0], group[-1]
    pairs = [pair for x in group for pair in x.layers]
    is_as_before = not any(is_own_change(ChangedLayer(*pair)) for pair in pairs)
    if len(group) == 1 or not _parts(first.before)[1].isdecimal():
        others = len(group) - 1
        old, new = module_name(first.before), module_name(first.after)
        return NewName(old, new, "is called", others, len(pairs), is_as_before)
    old, new = f"{first.before} to {last.before}", f"{first.after} to {last.after}"
    return NewName(old, new, "are called", 0, len(pairs), is_as_before)


def layer_facts(layer: JsonObject, cross: str = "x") -> str:
    """'Conv2d 3x3, 590 k parameters, 2.36 M MACs, unproductive'."""
    kernel = layer["kernel"]
    has_window = kernel and None not in kernel and set(kernel) != {1}
    facts = [
        layer["op"] + (f" {size(kernel, cross)}" if has_window else ""),
        *([f"{abbreviated(layer['params'])} parameters"] if layer["params"] else []),
        *([f"{abbreviated(layer['macs'])} MACs"] if layer["macs"] else []),
        *([layer["verdict"]] if layer["verdict"] in ("unproductive", "partial") else []),
    ]
    return ", ".join(facts)


def module_name(name: str) -> str:
    """A module in a sentence; the model itself has no name."""
    return name or "the model"


# -- sentences


def layer_counts(comparison: Comparison) -> str:
    """'2 layers added, 1 removed, 3 changed, 40 as before'."""
    layers = comparison.layers
    renamed = sum(len(x.layers) for x in layers.renamings)
    counts = (
        (len(layers.really_added), "added"),
        (len(layers.really_removed), "removed"),
        (renamed, "renamed"),
        (len(layers.all_changes), "changed"),
        (layers.unchanged, "as before"),
    )
    return _counted(counts, "layer")


def finding_counts(new: int, gone: int, kept: int) -> str:
    """'1 new finding, 2 gone, 3 kept'."""
    first = plural(new, "new finding") if new else "No new finding"
    others = ((gone, "gone"), (kept, "kept"))
    return ", ".join((first, *(f"{number} {what}" for number, what in others if number)))


def closing(difference: Difference) -> str:
    """The last line: what there is new, or that nothing differs."""
    if difference.is_same:
        return "No difference."
    compared = [x for x in difference.comparisons if x.is_compared]
    if difference.failures and not compared:
        return f"Nothing was compared, {plural(len(difference.failures), 'failure')}."
    found = [x.findings for x in compared]
    new, gone, kept = (
        sum(len(getattr(x, name)) for x in found) for name in ("new", "gone", "kept")
    )
    failed = len(difference.failures)
    failures = f", {plural(failed, 'failure')}" if failed else ""
    return f"{finding_counts(new, gone, kept)}{failures}."


def missing_side(comparison: Comparison) -> str:
    """What is to be said where one side has no such model; empty where both have."""
    if comparison.before is not None and comparison.after is not None:
        return ""
    side = "before" if comparison.before is None else "after"
    if not comparison.is_compared:
        return f"Not compared: {side}, it could not be analysed."
    return "This model is new." if side == "before" else "This model is gone."


def _counted(counts: Sequence[tuple[int, str]], noun: str) -> str:
    parts: list[str] = []
    for number, what in counts:
        if number:
            parts.append(f"{plural(number, noun)} {what}" if not parts else f"{number} {what}")
    return ", ".join(parts)
