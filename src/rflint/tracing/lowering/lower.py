"""From a recording to an architecture: the operator table applied to every node of the graph."""

from __future__ import annotations

from collections import deque

from torch import fx, nn

from rflint.graph.architecture import Architecture
from rflint.graph.global_heads import with_global_heads
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.inputs.tracing_options import TracingOptions
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimensions, input_dimensions, position_count, sole_axis
from rflint.operators.effect import Effect
from rflint.operators.reaches import mixing_geometry
from rflint.operators.values import Value
from rflint.tracing.lowering.absolute import absolute_axes
from rflint.tracing.lowering.axes.axes import Axes
from rflint.tracing.lowering.axes.find import with_new_axes
from rflint.tracing.lowering.dropouts import stray_dropouts
from rflint.tracing.lowering.interpreter import (
    GraphInterpreter,
    is_identity,
    shape_of_first,
    with_patches,
)
from rflint.tracing.lowering.kernels import bias_of, kernel_of
from rflint.tracing.lowering.layers import Layers
from rflint.tracing.lowering.loose_tensors import loose_tensors
from rflint.tracing.lowering.lowered_call import LoweredCall, kind_of, op_of
from rflint.tracing.lowering.normalisation import BIASED, removes_bias
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.lowering.probing.measurements import Measurements
from rflint.tracing.lowering.sizing import sizing_of
from rflint.tracing.lowering.sliced_maps import gathering_layer, joined_slices
from rflint.tracing.lowering.views import views
from rflint.tracing.model.construction import construction_of
from rflint.tracing.model.other_methods import used_by_other_methods
from rflint.tracing.model.repeated import repeated_modules
from rflint.tracing.model.signature import optional_inputs
from rflint.tracing.recording.recording import Recording, Step

_WORKING = frozenset({Kind.CONV, Kind.CONV_TRANSPOSE, Kind.LINEAR, Kind.ATTENTION})
"""Kinds of layers that multiply and accumulate."""


def lower(
    model: nn.Module,
    recording: Recording,
    parameters: Parameters,
    axes: Axes,
    options: TracingOptions,
) -> Architecture:
    """The architecture that a recording describes; see `Architecture` for its parts."""
    lowering = _Lowering(model, recording, parameters, axes, options)
    deque(lowering.interpret(), maxlen=0)
    return lowering.architecture()


class _Lowering(GraphInterpreter):
    def __init__(
        self,
        model: nn.Module,
        recording: Recording,
        parameters: Parameters,
        axes: Axes,
        options: TracingOptions,
    ) -> None:
        super().__init__(recording, parameters, len(axes.resolution))
        self._model = model
        self._axes = axes
        self._training = options.train
        self._forward_call = options.call
        self._layers = Layers(axes.resolution)
        self._inputs: list[tuple[int, ...]] = []
        self._counted: set[str] = set()
        """The parameters of the layers so far; a shared one counts once."""
        self._measurements = Measurements(model, recording)

    def architecture(self) -> Architecture:
        """The architecture, once every node has been interpreted."""
        outputs = [self.values[node] for node in self.recording.outputs]
        parameters, axes = self.parameters, self._axes
        for value in outputs:
            if value.source is None:
                self._counted |= value.parameters.names()
        used = parameters.reaching_outputs()
        unused = parameters.sizes.keys() - used
        not_given = optional_inputs(self._model, self._forward_call, len(self._inputs))
        return Architecture(
            inputs=tuple(self._inputs),
            resolution=axes.resolution,
            layers=with_global_heads([*self._layers]),
            outputs=tuple(v.source for v in outputs if v.source is not None and v.source != INPUT),
            output_shapes=tuple(value.shape for value in outputs),
            returns_input=any(value.source == INPUT for value in outputs),
            params=sum(parameters.sizes.values()),
            left_out=self.recording.left_out,
            assumptions=self.recording.assumed,
            unregistered_parameters=parameters.unregistered(),
            unused_parameters=tuple(
                parameters.named(name) for name in parameters.sizes if name not in self._counted
            ),
            used_parameters=used,
            reads_sizes=self._reads_sizes(),
            omitted_inputs=not_given,
            used_by_other_methods=used_by_other_methods(
                self._model, unused, lacks_inputs=bool(not_given)
            ),
            loss_parameters=parameters.of_losses(unused),
            read_outside_layers=parameters.read_otherwise(self.values),
            frozen_parameters=parameters.frozen,
            stray_dropouts=tuple(stray_dropouts(self.recording, parameters.modules)),
            loose_tensors=tuple(loose_tensors(self.recording)),
            views=tuple(views(self.recording, self.values)),
            repeated_modules=tuple(repeated_modules(self._model)),
            layouts=axes.layouts,
            axes_of_dimensions=axes.inputs,
            declared_layouts=axes.declared,
            input_axes=axes.carried,
            no_axes_because=axes.unplaced,
        )

    def _reads_sizes(self) -> bool:
        """Whether the code asked how long something is along a spatial axis."""
        for node, dim in self.recording.sizes_read:
            dimensions = self.values[node].dimensions if node in self.values else ()
            asked = dimensions if dim is None else dimensions[dim : dim + 1 or None]
            if any(factor.axes for dimension in asked for factor in dimension):
                return True
        return False

    # -- what the interpreter asks

    def input_value(self, node: fx.Node, shape: tuple[int, ...]) -> Value:
        """An input; one with other axes or sizes than the first gets a layer of its own."""
        index = len(self._inputs)
        self._inputs.append(shape)
        axes = self._axes.inputs[index]
        dimensions = input_dimensions(shape, axes)
        if self._axes.is_like_the_first(index):
            return Value(shape, dimensions, INPUT)
        layer = Layer(
            name=node.name,
            call=0,
            kind=Kind.INPUT,
            op="input",
            operation="input",
            inputs=(),
            geometry=mixing_geometry(self.axes, {}),
            in_shape=shape,
            out_shape=shape,
            positions=tuple(position_count(dimensions, axis) for axis in range(self.axes)),
            sizing=(None,) * self.axes,
            new_axes=tuple(
                sorted((a, n) for a, n in zip(axes, shape, strict=True) if a is not None)
            ),
        )
        return Value(shape, dimensions, self._layers.add(layer))

    def effect(self, node: fx.Node, step: Step, call: Call) -> Effect:
        """What an operator does; axes that it makes (a spectrum's frequencies) begin behind it."""
        if step.row is None:
            effect = self._measurements.effect(node, call)
        else:
            effect = step.row.effect(call)
        new_axes = self._axes.new.get(node)
        return with_new_axes(effect, new_axes) if new_axes else effect

    def output_value(
        self, node: fx.Node, step: Step, call: Call, effect: Effect, shape: tuple[int, ...]
    ) -> Value:
        """A new layer, or nothing new where a view leaves every position where it is."""
        kind = kind_of(step, effect)
        if any(f.patches for v in call.data for dimension in v.dimensions for f in dimension):
            effect = with_patches(effect, kind, call, step.traits)
        is_view = kind in (Kind.RESHAPE, Kind.SLICE) and step.module is None
        if is_view and len(call.data) == 1 and is_identity(effect):
            source = call.data[0].source
        else:
            source = self._add(
                LoweredCall(node, step, call, effect, kind, self.computed_tensors(step))
            )
        return Value(shape, effect.dimensions, source, zeros=effect.zeros)

    def on_constant_call(self, node: fx.Node, step: Step, call: Call) -> None:
        """Work on constants (a projected table of positions) is work all the same.

        Products with a vector are not: that is how weights are normalised, not what a layer does.
        """
        row = step.row
        if row is None or row.kind not in _WORKING:
            return
        if step.module is not None or len(shape_of_first(step.result)) > 1:
            self._add(
                LoweredCall(
                    node, step, call, row.effect(call), row.kind, self.computed_tensors(step)
                )
            )

    # -- layers

    def _add(self, lowered: LoweredCall) -> int:
        """Add the layer of a call; its index."""
        step, call, effect, kind = lowered.step, lowered.call, lowered.effect, lowered.kind
        parameters = self.parameters.of_call(lowered)
        edges = self._edges(lowered)
        kernel = kernel_of(lowered, self.parameters, parameters)
        builder = step.module if step.module is not None else step.owner
        return self._layers.add(
            Layer(
                name=step.layer,
                call=self._layers.next_call(step.layer),
                kind=kind,
                op=op_of(step),
                operation=step.row.name if step.row else step.spelling,
                inputs=edges,
                geometry=effect.geometry,
                in_shape=(call.data or call.tensors)[0].shape,
                out_shape=shape_of_first(step.result),
                params=self._count(parameters),
                macs=effect.macs // max(self._axes.batch, 1),
                taps=effect.taps,
                weights=effect.weights,
                weight=kernel.names,
                weight_order=kernel.order,
                weight_mixed=kernel.mixed,
                bias=bias_of(lowered, self.parameters) if kind in BIASED else (),
                statistics=tuple(sorted(effect.statistics)),
                subtracts_mean=kind is Kind.NORM and self._removes_bias(lowered),
                normalised_over=effect.normalised_over,
                parameters=tuple(parameters),
                scope=step.scope,
                is_module=builder is not None,
                in_place=step.writes,
                positions=lowered.positions,
                sizing=sizing_of(lowered, edges, self._layers),
                resampling=tuple(sorted(effect.resampling.items(), key=lambda item: item[0])),
                is_map=_is_map(effect.dimensions, self.axes),
                reorders_positions=effect.reorders_positions,
                covers_map=effect.covers_map and not self._layers.read_a_pad(edges),
                construction=construction_of(builder) if builder is not None else (),
                called=step.called,
                unknown_because=effect.unknown_because,
                new_axes=tuple(sorted(self._axes.new.get(lowered.node, {}).values())),
                traits=step.traits,
                absolute=tuple(sorted(absolute_axes(lowered))),
            )
        )

    def _edges(self, lowered: LoweredCall) -> tuple[Edge, ...]:
        edges = joined_slices(lowered, lowered.edges(), self._layers)
        if lowered.effect.gathered and edges:
            first = edges[0]
            source = self._layers.add(gathering_layer(lowered, first, self._layers))
            edges = (Edge(source, first.reach), *edges[1:])
        return edges

    def _count(self, parameters: list[tuple[str, int]]) -> int:
        """The size of those parameters that no layer so far has."""
        new = sum(size for name, size in parameters if name not in self._counted)
        self._counted.update(name for name, _ in parameters)
        return new

    def _removes_bias(self, lowered: LoweredCall) -> bool:
        return removes_bias(lowered, self.recording, self.parameters, training=self._training)


def _is_map(dimensions: Dimensions, axes: int) -> bool:
    """Whether a tensor is laid out as (batch, channels, *positions)."""
    return len(dimensions) == axes + 2 and all(
        sole_axis(dimension) == axis for axis, dimension in enumerate(dimensions[2:])
    )
