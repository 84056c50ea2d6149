"""The views of a recorded pass, each with what it is made of and in which shapes it is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import prod

from torch import fx

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.graph.views import View
from rflint.operators.values import Value
from rflint.tracing.lowering.interpreter import shape_of_first
from rflint.tracing.recording.recording import Recording, Step

_JOINS = frozenset({Trait.CONCATENATES, Trait.STACKS})


def views(recording: Recording, values: Mapping[fx.Node, Value]) -> Iterator[View]:
    """The views of what depends on the input that change more than one dimension."""
    steps = recording.steps
    for node, step in steps.items():
        if Trait.REGROUPS not in step.traits or values[node].source is None:
            continue
        before, after = _shape(steps, _viewed(node)), shape_of_first(step.result)
        if _is_plain(before) or _is_plain(after) or prod(before) != prod(after):
            continue
        if [n for n in before if n > 1] == [n for n in after if n > 1]:
            continue
        original = _original(steps, node)
        ends = dict.fromkeys(_ends(steps, node, recording.outputs))
        yield View(
            op=step.op or step.spelling,
            scope=step.scope,
            called=step.called,
            before=before,
            after=after,
            original=_shape(steps, original),
            ends=tuple(dict.fromkeys(_shape(steps, end) for end, _ in ends)),
            read_by=frozenset(kind for _, kind in ends if kind is not None),
            shifts=_is_padded(steps, values, original)
            or _is_sliced_and_viewed(steps, node)
            or _is_slice_of_swapped_sizes(steps, original),
        )


def _is_plain(shape: tuple[int, ...]) -> bool:
    """Whether there is no more than one dimension in it that holds something."""
    return sum(n > 1 for n in shape) < 2


def _shape(steps: Mapping[fx.Node, Step], node: fx.Node) -> tuple[int, ...]:
    return shape_of_first(steps[node].result)


def _viewed(node: fx.Node) -> fx.Node:
    return node.all_input_nodes[0]


def _keeps(steps: Mapping[fx.Node, Step], node: fx.Node) -> bool:
    """Whether a node makes a view of what it reads, or a copy in the same shape."""
    if node not in steps or not node.all_input_nodes:
        return False
    copies = Trait.KEEPS_NUMBERS in steps[node].traits and len(node.all_input_nodes) == 1
    return copies or Trait.REGROUPS in steps[node].traits


def _original(steps: Mapping[fx.Node, Step], node: fx.Node) -> fx.Node:
    while _keeps(steps, node):
        node = _viewed(node)
    return node


def _ends(
    steps: Mapping[fx.Node, Step], node: fx.Node, outputs: Collection[fx.Node]
) -> Iterator[tuple[fx.Node, Kind | None]]:
    """Behind further views, the nodes that are read by something else, and by what."""
    pending, seen = [node], {node}
    while pending:
        here = pending.pop()
        if here in outputs:
            yield here, None
        for user in here.users:
            if user not in steps or user in seen:
                continue
            if _keeps(steps, user) and _viewed(user) is here:
                seen.add(user)
                pending.append(user)
            elif (row := steps[user].row) is None or row.kind is not Kind.RESHAPE:
                yield here, row.kind if row is not None else None
            elif _viewed(user) is here:  # x.view_as(y) reads nothing of y
                yield here, row.kind


def _is_padded(
    steps: Mapping[fx.Node, Step], values: Mapping[fx.Node, Value], node: fx.Node
) -> bool:
    """Whether something constant was put around it, or it was written into something."""
    row = steps[node].row
    if row is None or row.kind is Kind.PAD:
        return row is not None
    if row.kind is not Kind.MERGE:
        return False
    parts = [values[part] for part in node.all_input_nodes if part in values]
    return row.traits.isdisjoint(_JOINS) or any(part.source is None for part in parts)


def _is_sliced_and_viewed(steps: Mapping[fx.Node, Step], node: fx.Node) -> bool:
    readers = [user for user in node.users if user in steps]
    slices = [user for user in readers if (row := steps[user].row) and row.kind is Kind.SLICE]
    return any(
        Trait.REGROUPS in steps[later].traits
        for cut in slices
        for later in cut.users
        if later in steps
    )


def _is_slice_of_swapped_sizes(steps: Mapping[fx.Node, Step], node: fx.Node) -> bool:
    """Whether it was sliced out of a view that has the sizes of its input in another order."""
    cut = node
    while (row := steps[node].row) is not None and row.kind is Kind.SLICE:
        node = _viewed(node)
    if node is cut or not _keeps(steps, node):
        return False
    before, after = _shape(steps, _original(steps, node)), _shape(steps, node)
    return before != after and sorted(before) == sorted(after)
