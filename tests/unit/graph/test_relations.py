"""What can be asked of a graph, on random ones, against networkx and against every path."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace

import networkx as nx
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Edge, Geometry, Kind, Layer
from rflint.graph.windows import POINTWISE

END = "end"


def layer(name: str, edges: tuple[Edge, ...], scope: str = "", *, is_module: bool = True) -> Layer:
    return Layer(
        name=name,
        call=0,
        kind=Kind.CONV,
        op="Layer",
        operation="layer",
        inputs=edges,
        geometry=Geometry((1,), (1,), (1,), (0,)),
        in_shape=(1, 1, 8),
        out_shape=(1, 1, 8),
        scope=scope,
        is_module=is_module,
    )


def architecture(layers: list[Layer], outputs: tuple[int, ...]) -> Architecture:
    return Architecture(((1, 1, 8),), (8,), tuple(layers), outputs, ((1, 1, 8),), 0)


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    layers = []
    for index in range(draw(st.integers(1, 9))):
        sources = draw(st.lists(st.integers(INPUT, index - 1), min_size=1, max_size=3))
        gates = draw(st.lists(st.booleans(), min_size=len(sources), max_size=len(sources)))
        edges = (Edge(s, (POINTWISE,), gate) for s, gate in zip(sources, gates, strict=True))
        layers.append(layer(f"m{index}", tuple(edges)))
    outputs = draw(st.sets(st.integers(0, len(layers) - 1), min_size=1, max_size=2))
    return architecture(layers, tuple(sorted(outputs)))


def edges_of(graph: Architecture, *, with_gates: bool = True) -> Iterator[tuple[int, int]]:
    for index, layer in enumerate(graph.layers):
        for edge in layer.inputs if with_gates else layer.feature_edges:
            yield edge.source, index


def as_networkx(graph: Architecture, *, with_gates: bool = True) -> nx.DiGraph:
    found = nx.DiGraph(edges_of(graph, with_gates=with_gates))
    found.add_nodes_from(range(INPUT, len(graph.layers)))
    found.add_edges_from((output, END) for output in graph.outputs)
    return found


@settings(max_examples=200, deadline=None)
@given(architectures())
def test_readers_and_ancestors_are_those_of_the_graph(graph: Architecture) -> None:
    there = as_networkx(graph)
    relations = graph.relations
    live = nx.ancestors(there, END) - {INPUT}
    assert relations.live_layers == live
    for value in range(INPUT, len(graph.layers)):
        readers = sorted(x for x in there.successors(value) if x != END)
        assert list(relations.readers[value]) == readers
        assert list(relations.live_readers[value]) == [x for x in readers if x in live]
    for index in range(len(graph.layers)):
        assert relations.ancestors(index) == nx.ancestors(there, index) - {INPUT} | {index}
    without = as_networkx(graph, with_gates=False)
    assert relations.live_without_gates == nx.ancestors(without, END) - {INPUT}


@settings(max_examples=200, deadline=None)
@given(architectures())
def test_dominators_are_on_every_path(graph: Architecture) -> None:
    there = as_networkx(graph)
    paths = list(nx.all_simple_paths(there, INPUT, END))
    on_all = set[object](paths[0]).intersection(*paths) if paths else set()
    assert list(graph.relations.dominators) == sorted(x for x in on_all if x not in (INPUT, END))


@settings(max_examples=200, deadline=None)
@given(architectures(), st.data())
def test_the_common_dominator_is_the_last_on_every_path_to_both(
    graph: Architecture, data: st.DataObject
) -> None:
    value = st.integers(INPUT, len(graph.layers) - 1)
    pair = data.draw(st.tuples(value, value))
    there = as_networkx(graph, with_gates=False)
    before = set[int]().union(*(nx.ancestors(there, v) | {v} for v in pair))
    assume(all(v == INPUT or there.in_degree(v) for v in before))  # else it is made of gates only
    immediate = nx.immediate_dominators(there, INPUT)
    chains = [[v] for v in pair]
    for chain in chains:
        while chain[-1] != INPUT:
            chain.append(immediate[chain[-1]])
    assert graph.relations.common_dominator(pair) == max(set(chains[0]) & set(chains[1]))


def test_modules_around_layers() -> None:
    edge = (Edge(INPUT, (POINTWISE,)),)
    graph = architecture(
        [
            layer("a.conv", edge, "a"),
            layer("add", edge, "a", is_module=False),
            layer("b.c.conv", edge, "b.c"),
            layer("b.norm", edge, "b"),
        ],
        (3,),
    )
    around = [layer.modules_around for layer in graph.layers]
    assert around == [("a", "a.conv"), ("a",), ("b", "b.c", "b.c.conv"), ("b", "b.norm")]
    assert graph.relations.layers_of_module["b"] == (2, 3)
    assert graph.relations.modules_within([0, 1, 2]) == ("a", "b.c")
    assert graph.relations.modules_within([1]) == ()
    assert graph.relations.find("add", 0) == 1
    assert graph.relations.find("add", 1) is None


def test_relations_are_computed_once_and_are_not_pickled() -> None:
    graph = architecture([layer("a", (Edge(INPUT, (POINTWISE,)),))], (0,))
    assert graph.relations is graph.relations
    assert graph.relations.readers is graph.relations.readers
    again = pickle.loads(pickle.dumps(graph))
    assert again == graph
    assert "relations" not in vars(again)
    assert replace(graph, outputs=(0,)).relations is not graph.relations
