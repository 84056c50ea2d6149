"""From a recording to an architecture: the operator table applied to every node of the graph."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from torch import fx, nn

from rflint.graph.architecture import Architecture
from rflint.graph.heads import global_heads
from rflint.graph.layer import INPUT, Edge, Kind, Layer, Rearrangement
from rflint.graph.sizing import KEPT, Fixed, Sizing, Sliding
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Reach, Window
from rflint.operators.call import Call, mapped
from rflint.operators.dimensions import Layout, all_axes, placed, positions, sole_axis
from rflint.operators.effect import Effect, reach_of
from rflint.operators.mixing import composed, mixing_geometry
from rflint.operators.values import Arrangement, Value
from rflint.tracing.lowering.axes.axes import Axes
from rflint.tracing.lowering.axes.find import with_new_axes
from rflint.tracing.lowering.interpreter import (
    GraphInterpreter,
    is_identity,
    shape_of_first,
    with_patches,
)
from rflint.tracing.lowering.measure import Measured, measured
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.lowering.probe import Patience
from rflint.tracing.model.construction import construction_of
from rflint.tracing.model.other_methods import inputs_not_given, used_by_other_methods
from rflint.tracing.recording.recording import Recording, Step

_WORKING = frozenset({Kind.CONV, Kind.CONV_TRANSPOSE, Kind.LINEAR, Kind.ATTENTION})
"""Kinds of layers that multiply and accumulate."""

_BIASED = frozenset({Kind.CONV, Kind.CONV_TRANSPOSE, Kind.LINEAR})
"""Kinds of layers that can add a bias to every position."""

_JOINS = frozenset({Trait.CONCATENATES, Trait.STACKS})
"""What rows of the table do that put whole maps together."""


def lower(
    model: nn.Module,
    recording: Recording,
    parameters: Parameters,
    axes: Axes,
    *,
    train: bool = False,
) -> Architecture:
    """The architecture that a recording describes; see `Architecture` for its parts."""
    return _Lowering(model, recording, parameters, axes, train=train).run()


class _Lowering(GraphInterpreter):
    def __init__(
        self,
        model: nn.Module,
        recording: Recording,
        parameters: Parameters,
        found: Axes,
        *,
        train: bool,
    ) -> None:
        self.training = train
        super().__init__(recording, parameters, len(found.resolution))
        self.model = model
        self.found = found
        self.resolution = found.resolution
        self.layers: list[Layer] = []
        self.inputs: list[tuple[int, ...]] = []
        self.node: fx.Node | None = None
        """The one that is being lowered."""
        self._calls: dict[str, int] = {}
        self._counted: set[str] = set()
        self._probes: dict[str, Measured] = {}
        self._patience = Patience()

    def run(self) -> Architecture:
        for node in self.interpret():
            self.node = node
        outputs = [self.values[node] for node in self.recording.outputs]
        self._counted.update(
            name for value in outputs if value.source is None for name in value.parameters.names()
        )
        used = self.parameters.reaching_outputs()
        unused = self.parameters.sizes.keys() - used
        not_given = inputs_not_given(self.model, len(self.inputs))
        return Architecture(
            inputs=tuple(self.inputs),
            resolution=self.resolution,
            layers=global_heads(self.layers),
            outputs=tuple(v.source for v in outputs if v.source is not None and v.source != INPUT),
            output_shapes=tuple(value.shape for value in outputs),
            returns_input=any(value.source == INPUT for value in outputs),
            params=sum(self.parameters.sizes.values()),
            left_out=self.recording.left_out,
            assumed=self.recording.assumed,
            unregistered=self.parameters.unregistered(),
            unused=tuple(
                self.parameters.named(name)
                for name in self.parameters.sizes
                if name not in self._counted
            ),
            used=used,
            not_given=not_given,
            used_elsewhere=used_by_other_methods(self.model, unused, lacks_inputs=bool(not_given)),
            losses=self.parameters.of_losses(unused),
            read_otherwise=self.parameters.read_otherwise(self.values),
            frozen=self.parameters.frozen,
            layouts=self.found.layouts,
            places=self.found.inputs,
            declared=self.found.declared,
            carried=self.found.carried,
            unplaced=self.found.unplaced,
        )

    def input_value(self, node: fx.Node, shape: tuple[int, ...]) -> Value:
        """An input; of those with other axes or sizes than the first, a source of its own."""
        index = len(self.inputs)
        self.inputs.append(shape)
        axes = self.found.inputs[index]
        layout = placed(shape, axes)
        if self.found.is_like_the_first(index):
            return Value(shape, layout, INPUT)
        begins = tuple(sorted((a, n) for a, n in zip(axes, shape, strict=True) if a is not None))
        self.layers.append(
            Layer(
                name=node.name,
                call=0,
                kind=Kind.INPUT,
                op="input",
                operation="input",
                inputs=(),
                geometry=mixing_geometry(self.axes, {}),
                in_shape=shape,
                out_shape=shape,
                positions=tuple(positions(layout, axis) for axis in range(self.axes)),
                sizing=(None,) * self.axes,
                begins=begins,
            )
        )
        return Value(shape, layout, len(self.layers) - 1)

    def effect(self, node: fx.Node, step: Step, call: Call) -> Effect:
        """What an operator does; axes that it makes (a spectrum's frequencies) begin behind it."""
        effect = self._measured(node, call) if step.row is None else step.row.effect(call)
        begun = self.found.new.get(node)
        return with_new_axes(effect, begun) if begun else effect

    def _begins(self) -> tuple[tuple[int, int], ...]:
        """The axes that the operator makes which is being lowered, and their sizes."""
        assert self.node is not None
        return tuple(sorted(self.found.new.get(self.node, {}).values()))

    def on_constant_call(self, step: Step, call: Call) -> None:
        """Work on constants (a projected table of positions) is work all the same.

        Products with a vector are not: that is how weights are normalised, not what a layer does.
        """
        works = step.row is not None and step.row.kind in _WORKING
        if works and (step.module is not None or len(shape_of_first(step.result)) > 1):
            assert step.row is not None
            self._append(step, call, step.row.effect(call), step.row.kind)

    def _measured(self, node: fx.Node, call: Call) -> Effect:
        """The effect of an operator in no table; the same call is measured once."""
        shapes = mapped((call.args, call.kwargs), Value, lambda value: (value.shape, value.layout))
        key = f"{node.op} {node.target} {shapes}"
        if key not in self._probes:
            tensors = {made: step.result for made, step in self.recording.steps.items()}
            self._probes[key] = measured(node, call, self.model, tensors, self._patience)
        found = self._probes[key]
        return replace(found.effect, unknown_because=found.because)

    def output_value(self, step: Step, call: Call, effect: Effect, shape: tuple[int, ...]) -> Value:
        """A new layer, or nothing new where a view leaves every position where it is."""
        kind = _kind(step, effect)
        if any(f.patches for v in call.data for dimension in v.layout for f in dimension):
            effect = with_patches(effect, kind, call, _traits(step))
        plumbing = kind in (Kind.RESHAPE, Kind.SLICE) and step.module is None
        if plumbing and len(call.data) == 1 and is_identity(effect):
            return Value(shape, effect.layout, call.data[0].source, zeros=effect.zeros)
        self._append(step, call, effect, kind)
        return Value(shape, effect.layout, len(self.layers) - 1, zeros=effect.zeros)

    def _append(self, step: Step, call: Call, effect: Effect, kind: Kind) -> None:
        name = step.layer
        held = self.held(step)
        parameters = self.parameters.of_call(step, call, held.values())
        weight, arranged = (
            self.parameters.of_argument(step, call, held, "weight", 1)
            if effect.weights
            else ((), None)
        )
        new = [(n, size) for n, size in parameters if n not in self._counted]
        self._counted.update(n for n, _ in new)
        edges = self._rejoined(_edges(call, effect), call, effect)
        if effect.gathered and edges:
            edges = (self._gathering(step, call, edges[0], effect.gathered), *edges[1:])
        out_positions = tuple(positions(effect.layout, axis) for axis in range(self.axes))
        slides = kind in (Kind.CONV, Kind.POOL) and step.module is None
        same_padded = self._same_padded(step, edges, out_positions) if slides else ()
        builder = step.module if step.module is not None else step.owner
        count = self._calls.get(name, 0)
        self._calls[name] = count + 1
        batch = self.found.batch
        self.layers.append(
            Layer(
                name=name,
                call=count,
                kind=kind,
                op=_op(step),
                operation=step.row.name if step.row else step.spelling,
                inputs=edges,
                geometry=effect.geometry,
                in_shape=(call.data or call.tensors)[0].shape,
                out_shape=shape_of_first(step.result),
                params=sum(size for _, size in new),
                macs=effect.macs // max(batch, 1),
                taps=effect.taps,
                weights=effect.weights,
                weight=weight,
                weight_order=_order(arranged, weight, parameters),
                weight_mixed=arranged is not None and arranged.mixed,
                bias=self._bias(step, call, held) if kind in _BIASED else (),
                statistics=tuple(sorted(effect.statistics)),
                subtracts_mean=kind is Kind.NORM and self._subtracts_mean(step, effect),
                parameters=tuple(parameters),
                scope=step.scope,
                is_module=step.module is not None or step.owner is not None,
                in_place=step.writes,
                positions=out_positions,
                sizing=same_padded or self._sizing(step, kind, edges, effect, out_positions),
                is_map=_is_map(effect.layout, self.axes),
                moves=effect.moves,
                covers_map=effect.covers_map and not self._is_padded(edges),
                construction=construction_of(builder) if builder is not None else (),
                called=step.called,
                unknown_because=effect.unknown_because,
                begins=self._begins(),
                traits=_traits(step),
            )
        )

    def _sizing(
        self,
        step: Step,
        kind: Kind,
        edges: tuple[Edge, ...],
        effect: Effect,
        out_positions: tuple[int, ...],
    ) -> tuple[Sizing | None, ...]:
        """Per axis, how many positions the output has, whatever the input has."""
        if kind is Kind.MERGE and _traits(step).isdisjoint(_JOINS):
            return (None,) * self.axes  # where something is written into depends on the size
        normalises = kind in (Kind.ACTIVATION, Kind.NORM) and len(edges) == 1
        given = [self._positions_of(edge.source) for edge in edges]

        def along(axis: int) -> Sizing | None:
            if axis in effect.sizing:
                sizing = effect.sizing[axis]
                fixed = isinstance(sizing, Fixed) and sizing.size not in (1, self.resolution[axis])
                # the size in a function call may be that of another map, or depend on this one
                return None if fixed and step.module is None else sizing
            reaches = [edge.reach[axis] for edge in edges]
            widest = max((sizes[axis] for sizes in given if sizes), default=0)
            if normalises or all(reach == POINTWISE for reach in reaches):
                return KEPT if widest == out_positions[axis] else None
            gone = Extent.GLOBAL in reaches and out_positions[axis] == 1
            return Fixed() if gone else None

        return tuple(map(along, range(self.axes)))

    def _positions_of(self, source: int) -> tuple[int, ...]:
        return self.resolution if source == INPUT else self.layers[source].positions

    def _is_padded(self, edges: tuple[Edge, ...]) -> bool:
        return any(e.source != INPUT and self.layers[e.source].kind is Kind.PAD for e in edges)

    def _same_padded(
        self, step: Step, edges: tuple[Edge, ...], out_positions: tuple[int, ...]
    ) -> tuple[Sizing | None, ...]:
        """The sizing of a class that first pads by what its map's size asks for; else nothing.

        That is TensorFlow's SAME: ceil(n / stride) positions, and padding that is no constant.
        """
        source = edges[0].source if len(edges) == 1 else INPUT
        pad = self.layers[source] if source != INPUT else None
        in_one_class = pad is not None and pad.scope == step.scope != "" and not pad.is_module
        if pad is None or pad.kind is not Kind.PAD or not in_one_class or len(pad.inputs) != 1:
            return ()
        sizing = []
        for axis, n in enumerate(self._positions_of(pad.inputs[0].source)):
            reach = edges[0].reach[axis]
            stride = reach.stride if isinstance(reach, Window) else 0
            if not isinstance(stride, int) or stride < 1 or out_positions[axis] != -(-n // stride):
                return ()
            sizing.append(Sliding(1, stride))
        # the padding counts as part of the convolution
        inside = self._positions_of(pad.inputs[0].source)
        self.layers[source] = replace(pad, sizing=(KEPT,) * self.axes, positions=inside)
        return tuple(sizing)

    def _gathering(self, step: Step, call: Call, edge: Edge, gathered: tuple[Reach, ...]) -> Edge:
        """A layer for what views did in front of another: blocks of positions, in the channels."""
        shape = call.data[0].shape
        self.layers.append(
            Layer(
                name=f"{step.layer}.gathered",
                call=self._calls.get(step.layer, 0),
                kind=Kind.RESHAPE,
                op="view",
                operation="view",
                inputs=(Edge(edge.source, gathered),),
                geometry=mixing_geometry(self.axes, dict(enumerate(gathered))),
                in_shape=shape,
                out_shape=shape,
                scope=step.scope,
                positions=self._positions_of(edge.source),
                sizing=(None,) * self.axes,
                called=step.called,
            )
        )
        return Edge(len(self.layers) - 1, edge.reach)

    def _rejoined(self, edges: tuple[Edge, ...], call: Call, effect: Effect) -> tuple[Edge, ...]:
        """Strided slices of one map that meet again in the channels: space-to-depth, a window.

        Each of them reads one position of a block; whatever reads all channels reads the block.
        """
        chains = [self._sliced_from(edge) for edge in edges]
        common = [s for s in chains[0] if all(s in chain for chain in chains)] if chains else []
        if len(edges) < 2 or not common:
            return edges
        source = common[0]
        if len({chain[source] for chain in chains}) == 1:
            return edges  # one and the same slice, several times
        reaches = tuple(
            _block([chain[source][axis] for chain in chains]) for axis in range(self.axes)
        )
        side_by_side = all(
            positions(value.layout, axis) == positions(effect.layout, axis)
            for value in call.data
            for axis in range(self.axes)
        )
        pointwise = all(reach is POINTWISE for edge in edges for reach in edge.reach)
        # single positions that were picked are no slices of a block
        slices = [self.layers[edge.source] for edge in edges]
        one = any(taps.windows < 2 < taps.positions for x in slices for taps in x.taps)
        if pointwise and side_by_side and not one and None not in reaches:
            return (Edge(source, tuple(reach for reach in reaches if reach)),)
        return edges

    def _sliced_from(self, edge: Edge) -> dict[int, tuple[Reach, ...]]:
        """What was sliced, once or again and again, for the value of an edge, nearest first."""
        found: dict[int, tuple[Reach, ...]] = {}
        source = edge.source
        reach: tuple[Reach, ...] = (POINTWISE,) * self.axes
        while source != INPUT:
            layer = self.layers[source]
            if layer.kind is not Kind.SLICE or len(layer.inputs) != 1:
                break
            (read,) = layer.inputs
            reach = tuple(map(composed, read.reach, reach))
            source = read.source
            found[source] = reach
        return found

    def _bias(self, step: Step, call: Call, held: Mapping[str, Value]) -> tuple[str, ...]:
        position = step.row.bias_at if step.row is not None else 2
        names, _ = self.parameters.of_argument(step, call, held, "bias", position)
        return names

    def _subtracts_mean(self, step: Step, effect: Effect) -> bool:
        """Whether a normalisation does, while it trains, though it may be called as in evaluation.

        A class of the user's that derives from batch normalisation calls the function, and then
        asks for its own mode; if it does not ask, it is one that is frozen.
        """
        if not self._reads_a_layer():
            return False
        caller = self.parameters.modules.get(step.scope) if step.module is None else None
        if isinstance(caller, nn.modules.batchnorm._BatchNorm) and not self.training:
            subtracts = _asks_for_its_mode(caller)
        else:
            subtracts = effect.subtracts_mean
        # who writes a train() of their own keeps normalisations from training, as a rule
        holders = self._holders(step.layer if step.module is not None else step.scope)
        if any(type(x).train is not nn.Module.train or "train" in vars(x) for x in holders):
            return False
        if step.module is not None and Trait.RUNNING_STATISTICS in _traits(step):
            # with a momentum of zero evaluation subtracts what the mean was at first
            keeps = step.module.track_running_stats and step.module.momentum == 0
            return subtracts and not keeps and (step.training or not self.training)
        return subtracts

    def _reads_a_layer(self) -> bool:
        """Whether what is being lowered reads what a layer wrote, and nothing is in between.

        Views and functional dropout are no layers, but permute dimensions or drop values.
        """
        assert self.node is not None
        node = self.node.all_input_nodes[0]
        while Trait.EXACT in _traits(self.recording.steps[node]) and node.all_input_nodes:
            node = node.all_input_nodes[0]
        row = self.recording.steps[node].row
        return row is not None and row.kind in _BIASED

    def _holders(self, path: str) -> Iterator[nn.Module]:
        """The module of that path, and all that it is in."""
        while path:
            yield self.parameters.modules[path]
            path = path.rpartition(".")[0]
        yield self.model


def _order(
    arranged: Arrangement | None, weight: Sequence[str], parameters: Sequence[tuple[str, int]]
) -> tuple[Rearrangement, ...] | None:
    """How the numbers of a kernel's parameters are rearranged; None where that is not known."""
    if arranged is None:
        return None
    # of a weight that is normalised, another parameter holds the norms
    largest = max((size for name, size in parameters if name in weight), default=0)
    whole = {name for name, size in parameters if name in weight and size == largest}
    orders = {order for name, order in arranged.orders if name in whole}
    return orders.pop() if len(orders) == 1 else None


def _asks_for_its_mode(module: nn.Module) -> bool:
    """Whether the code of a module's forward reads `training`."""
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    return code is not None and "training" in code.co_names


def _op(step: Step) -> str:
    """What the code calls a step."""
    return type(step.owner).__name__ if step.owner is not None else step.op or step.spelling


def _traits(step: Step) -> frozenset[Trait]:
    return step.row.traits if step.row is not None else frozenset()


def _kind(step: Step, effect: Effect) -> Kind:
    if step.row is not None:
        return step.row.kind
    unknown = any(Extent.UNKNOWN in reach for reach in effect.reaches)
    return Kind.UNKNOWN if unknown else Kind.MEASURED


def _block(slices: Sequence[Reach]) -> Window | None:
    """The window over slices that differ in where they start; None if they differ otherwise."""
    windows = [reach for reach in slices if isinstance(reach, Window) and reach.size == 1]
    strides = {window.stride for window in windows}
    if len(windows) < len(slices) or len(strides) > 1:
        return None
    starts = [window.start for window in windows]
    (stride,) = strides
    size = max(starts) - min(starts) + 1
    # neighbouring blocks must not overlap: else these are shifts, not blocks
    return Window(size, stride, min(starts)) if size <= stride else None


def _is_map(layout: Layout, axes: int) -> bool:
    """Whether a tensor is laid out as (batch, channels, *positions)."""
    return len(layout) == axes + 2 and all(
        sole_axis(dimension) == axis for axis, dimension in enumerate(layout[2:])
    )


def _edges(call: Call, effect: Effect) -> tuple[Edge, ...]:
    edges: list[Edge] = []
    if not call.data:
        return ()
    # of operands that a row says nothing of, it is safe to say that all is read
    unsaid = (
        reach_of(call.axes, dict.fromkeys(all_axes(v.layout), Extent.GLOBAL))
        for v in call.data[len(effect.reaches) :]
    )
    for value, reach in zip(call.data, (*effect.reaches, *unsaid), strict=True):
        assert value.source is not None
        edges.append(Edge(value.source, reach))
    return tuple(dict.fromkeys(edges))
