"""Measure a trained model on data: saturation, probes, and effective receptive fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.analysis.roles import Role
from rflint.errors import RflintError, UsageError, error_text
from rflint.graph.layer import Kind
from rflint.measurement.results import Measured, MeasuredField, MeasuredLayer
from rflint.measurement.running import effective_field
from rflint.measurement.running.contribution_map import centre_of, contribution_map
from rflint.measurement.running.covariance import RunningCovariance, rows_of, saturation
from rflint.measurement.running.data.split import Split, check_classes
from rflint.measurement.running.observation import LayerCall, observed
from rflint.measurement.running.probes import probes
from rflint.text.numbers import plural, size
from rflint.text.suggest import did_you_mean, similar

FIELD_SAMPLES = 64
"""Samples whose gradients are averaged for effective receptive fields."""


class MeasurementFailed(RflintError):
    """The model does not run on the data, or what comes out cannot be measured."""

    kind = "measurement"


@dataclass(frozen=True, slots=True)
class MeasuringOptions:
    """What is measured, and how."""

    delta: float = 0.99
    layers: tuple[str, ...] = ()
    """Patterns of names; empty: all convolutions and linear layers."""
    probes: bool = True
    fields: tuple[str, ...] = ()
    """Patterns of the layers whose effective receptive field is measured."""
    seed: int = 0
    device: str = "auto"


class Progress:
    """Told how far it is; a user interface overrides what it shows."""

    def begins(self, step: str, number: int) -> None:
        """Called before a step that consists of so many samples or layers."""

    def advances(self, by: int) -> None:
        """Called when so many of them are done."""


def measure_model(
    model: nn.Module,
    analysis: Analysis,
    train: Split,
    test: Split,
    options: MeasuringOptions,
    *,
    classes: int | None = None,
    progress: Progress | None = None,
) -> Measured:
    """Measure the layers of a model, in evaluation mode; the model comes back as it was.

    `classes` is their number, where the data set itself tells it. After Ctrl-C, what is measured
    so far is returned, and says that it is not complete.

    Raises UsageError for patterns that fit no layer, UnusableData for labels that cannot be
    learnt, MeasurementFailed where the model does not run on the samples or gives NaN.
    """
    classes = check_classes(train, test, classes)
    chosen = _chosen(analysis, options.layers)
    fields = _chosen(analysis, options.fields) if options.fields else []
    device = chosen_device(options.device)
    with _evaluated(model, device):
        run = _Run(model, device, progress or Progress())
        measured = run.saturations(chosen, train, options)
        accuracy = run.accuracy(test, classes)
        found = Measured(
            train.size,
            test.size,
            classes,
            accuracy,
            options.delta,
            tuple(measured),
            frozenset(
                (x.name, x.call) for x in chosen if x.kind.is_convolution and x.role is Role.TRUNK
            ),
        )
        try:
            if options.probes:
                found = run.with_probes(found, train, test)
            if fields:
                found = run.with_fields(found, fields, train, options)
        except KeyboardInterrupt:
            return replace(run.so_far, complete=False)
    return found


def chosen_device(named: str) -> torch.device:
    """The device of a name; "auto" is an accelerator, where one is there. Raises UsageError."""
    if named != "auto":
        try:
            device = torch.device(named)
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(f"there is no device {named!r}: {error_text(error)}") from error
        return device
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _chosen(analysis: Analysis, patterns: Sequence[str]) -> list[AnalysedLayer]:
    """The convolutions and linear layers whose names fit; those called as functions have none."""
    there = [
        layer
        for layer in analysis.layers
        if layer.is_module and (layer.kind.is_convolution or layer.kind is Kind.LINEAR)
    ]
    if not there:
        raise UsageError("no module of the model is a convolution or linear layer")
    for pattern in patterns:
        if not any(fnmatchcase(layer.name, pattern) for layer in there):
            near = similar(pattern, [layer.name for layer in there], 2)
            raise UsageError(
                f"no convolution or linear layer is called {pattern!r}",
                hint=did_you_mean(near) or "Names may hold *, as in 'layer3*'.",
            )
    if not patterns:
        return there
    return [x for x in there if any(fnmatchcase(x.name, pattern) for pattern in patterns)]


@contextmanager
def _evaluated(model: nn.Module, device: torch.device) -> Iterator[None]:
    """The model on a device in evaluation mode; afterwards where and as it was."""
    modes = {module: module.training for module in model.modules()}
    home = next((x.device for x in (*model.parameters(), *model.buffers())), device)
    try:
        model.eval().to(device)
        yield
    finally:
        model.to(home)
        for module, mode in modes.items():
            module.training = mode


class _Run:
    """Passes of one model over samples, and what they have shown so far."""

    def __init__(self, model: nn.Module, device: torch.device, progress: Progress) -> None:
        self.model = model
        self.device = device
        self.progress = progress
        self.shapes: dict[LayerCall, tuple[int, ...]] = {}
        self.so_far: Measured

    def outputs(self, split: Split) -> Iterator[tuple[Any, Tensor]]:
        """What the model gives for each batch, and the labels."""
        for inputs, labels in split:
            with torch.no_grad():
                yield self._called(_on(inputs, self.device)), labels

    def _called(self, inputs: Any) -> Any:
        try:
            if isinstance(inputs, Mapping):
                return self.model(**inputs)
            return self.model(*inputs) if isinstance(inputs, tuple) else self.model(inputs)
        except KeyboardInterrupt:
            raise
        except Exception as error:
            raise MeasurementFailed(
                f"the model does not run on a batch of {_shapes(inputs)}: {error_text(error)}",
                hint="The data has to give what the model takes: check the size, the channels and "
                "the transform.",
            ) from error

    def saturations(
        self, layers: Sequence[AnalysedLayer], train: Split, options: MeasuringOptions
    ) -> list[MeasuredLayer]:
        """s_l of all layers, in one pass: C^2 numbers of double precision for each."""
        generator = torch.Generator().manual_seed(options.seed)
        gathered: dict[LayerCall, RunningCovariance] = {}

        def add(call: LayerCall, output: Tensor) -> None:
            rows = rows_of(output, generator)
            if not torch.isfinite(rows).all():
                raise MeasurementFailed(
                    f"{call[0]} gives values that are not finite (NaN or infinite)",
                    hint="Check the weights, and what the data is normalised by.",
                )
            if call not in gathered:
                gathered[call] = RunningCovariance(rows.shape[1])
                self.shapes[call] = tuple(output.shape)
            gathered[call].add(rows)

        calls = [(layer.name, layer.call) for layer in layers]
        self.progress.begins("saturation", train.size)
        with observed(self.model, calls, add):
            for _, labels in self.outputs(train):
                self.progress.advances(len(labels))
        return [
            MeasuredLayer(
                name,
                call,
                saturation(gathered[name, call].covariance, options.delta)
                if (name, call) in gathered
                else None,
            )
            for name, call in calls
        ]

    def accuracy(self, test: Split, classes: int) -> float | None:
        """The share of the test samples that the model classifies as they are labelled.

        None where its output is no score for each class.
        """
        right = 0
        self.progress.begins("accuracy", test.size)
        for given, labels in self.outputs(test):
            self.progress.advances(len(labels))
            scores = _scores(given)
            if scores is None or scores.dim() != 2 or scores.shape[1] < classes:
                return None
            right += int((scores.argmax(1).cpu() == labels).sum())
        return right / test.size

    def with_probes(self, measured: Measured, train: Split, test: Split) -> Measured:
        """The same with p_l, layer by layer."""
        self.so_far = measured
        self.progress.begins("probes", len(self.shapes))
        found = probes(self.model, self.outputs, self.shapes, train, test, measured.classes)
        for call, probe in found:
            self.progress.advances(1)
            self.so_far = _changed(self.so_far, call, probe=probe.accuracy, probe_error=probe.error)
        return self.so_far

    def with_fields(
        self,
        measured: Measured,
        layers: Sequence[AnalysedLayer],
        train: Split,
        options: MeasuringOptions,
    ) -> Measured:
        """The same with measured effective receptive fields of some layers."""
        self.so_far = measured
        self.progress.begins("effective receptive fields", len(layers))
        for layer in layers:
            self.progress.advances(1)
            found = self._field(layer, train, options)
            if found is not None:
                self.so_far = _changed(self.so_far, (layer.name, layer.call), field=found)
        return self.so_far

    def _field(
        self, layer: AnalysedLayer, train: Split, options: MeasuringOptions
    ) -> MeasuredField | None:
        """The effective receptive field of a layer; None where its output is no map."""
        generator = torch.Generator().manual_seed(options.seed)
        outputs: list[Tensor] = []
        maps: list[tuple[int, effective_field.GradientMaps]] = []
        taken = 0
        call = (layer.name, layer.call)
        with observed(self.model, [call], lambda _, output: outputs.append(output)):
            for inputs, _ in train:
                given = _on(inputs, self.device)
                if not isinstance(given, Tensor):
                    raise UsageError(
                        "effective receptive fields are measured of models with one input"
                    )
                given = given.requires_grad_()
                with torch.enable_grad():
                    self._called(given)
                    output = outputs.pop()
                    if output.dim() < 3 or output.dim() != given.dim():
                        return None
                    maps.append(
                        (len(given), effective_field.gradient_maps(output, given, generator))
                    )
                taken += len(given)
                if taken >= FIELD_SAMPLES:
                    break
        contribution = sum(number * one.contribution for number, one in maps) / taken
        energy = sum(number * one.energy for number, one in maps) / taken
        assert isinstance(contribution, Tensor)
        assert isinstance(energy, Tensor)
        plain = effective_field.areas(contribution)
        logged = effective_field.areas(effective_field.compressed(contribution))
        centre = centre_of(layer.output_field, output.shape[2:], contribution.shape)
        return MeasuredField(
            effective_field.deviations(energy),
            tuple(zip(effective_field.SHARES, plain, logged, strict=True)),
            contribution_map(contribution, centre),
        )


def _changed(measured: Measured, call: LayerCall, **values: Any) -> Measured:
    layers = tuple(
        replace(layer, **values) if layer.key == call else layer for layer in measured.layers
    )
    return replace(measured, layers=layers)


def _on(inputs: Any, device: torch.device) -> Any:
    """A batch on a device."""
    if isinstance(inputs, Tensor):
        return inputs.to(device)
    if isinstance(inputs, Mapping):
        return {name: _on(value, device) for name, value in inputs.items()}
    if isinstance(inputs, tuple | list):
        return tuple(_on(value, device) for value in inputs)
    return inputs


def _scores(output: Any) -> Tensor | None:
    """The scores of classes, among what a classifier returns."""
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        output = output.get("logits", next(iter(output.values()), None))
    elif isinstance(output, tuple | list):
        output = output[0] if output else None
    else:
        output = getattr(output, "logits", None)
    return output if isinstance(output, Tensor) else None


def _shapes(inputs: Any) -> str:
    """The shapes of a batch, for a message."""
    if isinstance(inputs, Tensor):
        return size(inputs.shape)
    values = inputs.values() if isinstance(inputs, Mapping) else inputs
    tensors = [value for value in values if isinstance(value, Tensor)]
    return f"{plural(len(tensors), 'input')} ({', '.join(size(x.shape) for x in tensors)})"
