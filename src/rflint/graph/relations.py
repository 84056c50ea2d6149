"""How the layers of an architecture depend on each other: readers, dominators, modules.

Everything is computed when it is first asked for, and kept: an architecture has one `Relations`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

from rflint.graph.layer import INPUT, Kind, Layer


class Relations:
    """What can be asked of the graph that layers and their edges make.

    Values are named by the index of the layer that makes them; INPUT is the model's input.
    """

    def __init__(self, layers: Sequence[Layer], outputs: Sequence[int]) -> None:
        self._layers = layers
        self._outputs = outputs

    @cached_property
    def readers(self) -> Mapping[int, tuple[int, ...]]:
        """By value, the layers that read it, in execution order."""
        found: dict[int, dict[int, None]] = {INPUT: {}}
        for index, layer in enumerate(self._layers):
            found[index] = {}
            for edge in layer.inputs:
                found[edge.source][index] = None
        return {value: tuple(readers) for value, readers in found.items()}

    @cached_property
    def live_readers(self) -> Mapping[int, tuple[int, ...]]:
        """By value, the readers that some output depends on."""
        live = self.live_layers
        return {
            value: tuple(index for index in readers if index in live)
            for value, readers in self.readers.items()
        }

    @cached_property
    def live_layers(self) -> frozenset[int]:
        """The layers that some output depends on; what the others compute is thrown away."""
        return self._live(through_gates=True)

    @cached_property
    def live_without_gates(self) -> frozenset[int]:
        """The layers that some output depends on, on a path that is no attention gate."""
        return self._live(through_gates=False)

    def _live(self, *, through_gates: bool) -> frozenset[int]:
        live = set(self._outputs)
        for index in reversed(range(len(self._layers))):
            if index in live:
                for edge in self._layers[index].inputs:
                    if edge.source != INPUT and (through_gates or not edge.is_gate):
                        live.add(edge.source)
        return frozenset(live)

    @cached_property
    def depending_on_inputs(self) -> frozenset[int]:
        """The layers that depend on something that the model is given."""
        found: set[int] = set()
        for index, layer in enumerate(self._layers):
            sources = [edge.source for edge in layer.inputs]
            if layer.kind is Kind.INPUT or any(x == INPUT or x in found for x in sources):
                found.add(index)
        return frozenset(found)

    def ancestors(self, value: int) -> frozenset[int]:
        """The layers that a value depends on, the one that makes it among them."""
        found: set[int] = set()
        pending = [value]
        while pending:
            index = pending.pop()
            if index != INPUT and index not in found:
                found.add(index)
                pending += [edge.source for edge in self._layers[index].inputs]
        return frozenset(found)

    @cached_property
    def dominators(self) -> tuple[int, ...]:
        """The layers that every path from the input to an output passes through, in order.

        In execution order these are the live layers that no edge jumps over; an output in
        mid-network counts as an edge to the end.
        """
        end = len(self._layers)
        jumps = [0] * (end + 2)
        edges = [(e.source, i) for i in self.live_layers for e in self._layers[i].inputs]
        for source, target in (*edges, *((output, end) for output in self._outputs)):
            jumps[source + 1] += 1
            jumps[target] -= 1
        found, over = [], 0
        for index in range(end):
            over += jumps[index]
            if over == 0 and index in self.live_layers:
                found.append(index)
        return tuple(found)

    def common_dominator(self, values: Iterable[int]) -> int | None:
        """The last value that all feature paths to these values go through; None: there is none."""
        pending = set(values)
        while len(pending) > 1:
            index = max(pending)
            pending.remove(index)
            before = [edge.source for edge in self._layers[index].feature_edges]
            if not before:
                return None
            pending.update(before)
        return pending.pop() if pending else None

    def find(self, name: str, call: int) -> int | None:
        """The layer of this name and call; None where there is none, or several."""
        found = self._named.get((name, call), ())
        return found[0] if len(found) == 1 else None

    @cached_property
    def _named(self) -> Mapping[tuple[str, int], Sequence[int]]:
        named: dict[tuple[str, int], list[int]] = {}
        for index, layer in enumerate(self._layers):
            named.setdefault((layer.name, layer.call), []).append(index)
        return named

    @cached_property
    def _modules_around(self) -> tuple[tuple[str, ...], ...]:
        return tuple(layer.modules_around for layer in self._layers)

    @cached_property
    def layers_of_module(self) -> Mapping[str, tuple[int, ...]]:
        """By path of a module, the layers inside of it, in execution order."""
        found: dict[str, list[int]] = {}
        for index, paths in enumerate(self._modules_around):
            for path in paths:
                found.setdefault(path, []).append(index)
        return {path: tuple(indices) for path, indices in found.items()}

    def modules_within(self, layers: Iterable[int]) -> tuple[str, ...]:
        """The largest modules all of whose calls are among these layers, in execution order."""
        wanted = set(layers)
        straddling = {""}
        for index, paths in enumerate(self._modules_around):
            if index not in wanted:
                straddling.update(paths)
        outermost = (
            next((path for path in self._modules_around[index] if path not in straddling), "")
            for index in sorted(wanted)
        )
        return tuple(dict.fromkeys(path for path in outermost if path))


def users_of_parameters(layers: Sequence[Layer], wanted: Collection[str]) -> dict[str, set[int]]:
    """By name of a parameter that is wanted, the indices of the layers that use it."""
    users: dict[str, set[int]] = {name: set() for name in wanted}
    for index, layer in enumerate(layers):
        for name, _ in layer.parameters:
            if name in users:
                users[name].add(index)
    return users
