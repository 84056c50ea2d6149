"""Measure a trained model on data: saturation, probes, and effective receptive fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.analysis.roles import Role
from rflint.errors import UsageError
from rflint.measurement.identity import is_measurable
from rflint.measurement.results import Measured, MeasuredField, MeasuredLayer
from rflint.measurement.running import effective_field
from rflint.measurement.running.calls import called, check_sizes, moved, only_input, scores_of
from rflint.measurement.running.contribution_map import centre_of, contribution_map
from rflint.measurement.running.covariance import RunningCovariance, rows_of, saturation
from rflint.measurement.running.data.split import (
    Labelled,
    Split,
    check_classes,
    labelled,
)
from rflint.measurement.running.failures import check_finite
from rflint.measurement.running.observation import LayerCall, observed
from rflint.measurement.running.probes import probes, probing_device
from rflint.measurement.running.progress import SILENT, Progress
from rflint.text.numbers import first_few, plural
from rflint.text.suggest import did_you_mean, similar

_SHOWN = 4
"""Of names in a sentence."""
FIELD_SAMPLES = 64
"""Samples whose gradients are averaged for effective receptive fields."""


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


def measure_model(
    model: nn.Module,
    analysis: Analysis,
    train: Split,
    test: Split,
    options: MeasuringOptions,
    *,
    classes: int | None = None,
    progress: Progress = SILENT,
) -> Measured:
    """Measure the layers of a model, in evaluation mode; the model comes back as it was.

    `classes` is their number, where the data set itself tells it. After Ctrl-C, what is measured
    so far is returned, and says that it is not complete.

    Raises UsageError for patterns that fit no layer, UnusableData for labels that cannot be
    learnt, MeasurementFailed where the model does not run on the samples or gives NaN.
    """
    chosen = _chosen(analysis, options.layers)
    fields = _chosen(analysis, options.fields) if options.fields else []
    device = chosen_device(options.device)
    fitted, tested = labelled((train, test), progress)
    classes = check_classes(fitted.labels, tested.labels, classes)
    lowest = int(min(fitted.labels.min(), tested.labels.min()))
    shown = [x for x in analysis.layers if x in chosen or x in fields]
    trunk = [x for x in shown if x.kind.is_convolution and x.role is Role.TRUNK]
    begun = Measured(
        train.size,
        0,
        classes,
        None,
        options.delta,
        (),
        frozenset((x.name, x.call) for x in trunk),
        commonest=int(tested.labels.bincount().max()) / len(tested.labels),
    )
    with _evaluated(model, device):
        run = _Run(model, device, analysis.architecture.inputs, progress)
        steps: dict[str, Callable[[], object]] = {
            "saturation": lambda: run.saturations(begun, chosen, train, options),
            "accuracy": lambda: run.accuracy(test, classes, lowest),
        }
        if options.probes:
            steps["probes"] = lambda: run.add_probes(fitted, tested)
        if fields:
            steps["effective receptive fields"] = lambda: run.add_fields(
                fields, train, options, [(x.name, x.call) for x in shown]
            )
        names = list(steps)
        for number, step in enumerate(steps.values()):
            try:
                step()
            except KeyboardInterrupt:
                if not run.has_shown_something:
                    raise
                return run.interrupted(names[number + 1 :])
    return run.so_far


def chosen_device(named: str) -> torch.device:
    """The device of a name; "auto" is an accelerator, where one is there. Raises UsageError."""
    there = _devices()
    if named == "auto":
        return torch.device(there[-1])
    try:
        device = torch.device(named)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"there is no device {named!r} here", hint=f"There is: {', '.join(there)}."
        ) from error
    return device


def _devices() -> list[str]:
    """The devices that can be used here: the CPU, and then the accelerators, the best last."""
    there = ["cpu"]
    if torch.backends.mps.is_available():
        there.append("mps")
    if torch.cuda.is_available():
        there.append("cuda")
    return there


def _chosen(analysis: Analysis, patterns: Sequence[str]) -> list[AnalysedLayer]:
    """The convolutions and linear layers whose names fit; those called as functions have none."""
    there = [x for x in analysis.layers if is_measurable(x.layer)]
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
    # some models count and average in evaluation, too
    buffers = [
        (module, name, value.clone())
        for module in model.modules()
        for name, value in module._buffers.items()
        if value is not None
    ]
    home = next((x.device for x in (*model.parameters(), *model.buffers())), device)
    try:
        model.eval().to(device)
        yield
    finally:
        model.to(home)
        for module, name, value in buffers:
            now = module._buffers.get(name)
            if now is None or now.shape != value.shape or not torch.equal(now, value):
                module._buffers[name] = value
        for module, mode in modes.items():
            module.training = mode


_INTERRUPTED = {
    "saturation": "saturation comes from {} of {} samples",
    "eigendirections": "saturation is told of {} of {} layers",
    "accuracy": "the model's accuracy comes from {} of {} samples",
    "probes": "probes were fitted at {} of {} layers",
    "effective receptive fields": "effective receptive fields were measured of {} of {} layers",
}
"""What an interruption leaves of a step, in words."""


class _Run:
    """Passes of one model over samples, and what they have shown so far."""

    def __init__(
        self,
        model: nn.Module,
        device: torch.device,
        analysed: Sequence[tuple[int, ...]],
        progress: Progress,
    ) -> None:
        self.model = model
        self.device = device
        self.analysed = analysed
        """The shapes of the inputs that receptive fields are told for."""
        self.progress = progress
        self.shapes: dict[LayerCall, tuple[int, ...]] = {}
        self.so_far: Measured
        """From the first batch on."""
        self.step, self.number, self.done = "", 0, 0

    def begins(self, step: str, number: int) -> None:
        """Begin a step that consists of so many samples or layers."""
        self.step, self.number, self.done = step, number, 0
        self.progress.begins(step, number)

    def advances(self, by: int) -> None:
        """Note that so many of them are done."""
        self.done += by
        self.progress.advances(by)

    @property
    def has_shown_something(self) -> bool:
        """Whether anything has been measured."""
        return hasattr(self, "so_far")

    def noted(self, sentence: str) -> None:
        """Note what was not measured, and why."""
        self.so_far = replace(self.so_far, notes=(*self.so_far.notes, sentence))

    def interrupted(self, left: Sequence[str]) -> Measured:
        """What is known after Ctrl-C; `left` are the steps that had not begun."""
        told = _INTERRUPTED[self.step].format(f"{self.done:,}", f"{self.number:,}")
        rest = f"; not measured: {', '.join(left)}" if left else ""
        self.noted(f"interrupted: {told}{rest}")
        return replace(self.so_far, complete=False)

    def outputs(self, split: Split) -> Iterator[tuple[Any, Tensor]]:
        """What the model gives for each batch, and the labels."""
        for inputs, labels in split:
            check_sizes(self.model, inputs, self.analysed)
            with torch.no_grad():
                yield called(self.model, moved(inputs, self.model, self.device)), labels

    def saturations(
        self,
        measured: Measured,
        layers: Sequence[AnalysedLayer],
        train: Split,
        options: MeasuringOptions,
    ) -> None:
        """s_l of all layers, in one pass: C^2 numbers of double precision for each.

        After Ctrl-C, s_l of the samples until then.
        """
        generator = torch.Generator().manual_seed(options.seed)
        gathered: dict[LayerCall, RunningCovariance] = {}

        def add(call: LayerCall, output: Tensor) -> None:
            rows = rows_of(output, generator)
            check_finite(call[0], rows, self.model)
            if call not in gathered:
                gathered[call] = RunningCovariance(rows.shape[1], rows.device)
                self.shapes[call] = tuple(output.shape)
            gathered[call].add(rows)

        calls = [(layer.name, layer.call) for layer in layers]
        self.begins("saturation", train.size)
        try:
            with observed(self.model, calls, add):
                for _, labels in self.outputs(train):
                    self.advances(len(labels))
        except KeyboardInterrupt:
            if self.done:
                found = tuple(_saturated(call, gathered, options.delta) for call in calls)
                self.so_far = replace(measured, samples=self.done, layers=found)
            raise
        self.so_far = replace(measured, layers=tuple(MeasuredLayer(*call, None) for call in calls))
        self.begins("eigendirections", len(calls))
        for call in calls:
            layer = _saturated(call, gathered, options.delta)
            self.so_far = _changed(self.so_far, call, saturation=layer.saturation)
            self.advances(1)
        never = [name for name, call in calls if (name, call) not in gathered]
        if never:
            self.noted(
                f"never called on this data, so that nothing is known of it: {_listed(never)}"
            )

    def accuracy(self, test: Split, classes: int, lowest: int) -> None:
        """The share of the test samples that the model classifies as they are labelled.

        None where its output is no score for each class. `lowest` is the smallest label there is.
        """
        right = 0
        self.begins("accuracy", test.size)
        for given, labels in self.outputs(test):
            scores = scores_of(given)
            if scores is None or scores.dim() != 2 or len(scores) != len(labels):
                self.noted("the model gives no scores of classes: its accuracy is not told")
                break
            if scores.shape[1] < classes:
                self.noted(_too_few(scores.shape[1], classes, lowest))
                break
            right += int((scores.argmax(1).cpu() == labels).sum())
            self.advances(len(labels))
            self.so_far = replace(self.so_far, accuracy=right / self.done, test_samples=self.done)
        self.so_far = replace(self.so_far, test_samples=test.size)

    def add_probes(self, train: Labelled, test: Labelled) -> None:
        """p_l, layer by layer."""
        self.begins("probes", len(self.shapes))
        classes, device = self.so_far.classes, probing_device(self.device)
        without = []
        found = probes(self.model, self.outputs, self.shapes, train, test, classes, device)
        for call, probe in found:
            if probe is None:
                without.append(call[0])
            else:
                self.so_far = _changed(
                    self.so_far, call, probe=probe.accuracy, probe_error=probe.error
                )
            self.advances(1)
        if without:
            self.noted(
                "the first dimension of the output is not that of the samples, so that no probe "
                f"was fitted: {_listed(without)}"
            )

    def add_fields(
        self,
        layers: Sequence[AnalysedLayer],
        train: Split,
        options: MeasuringOptions,
        order: Sequence[LayerCall],
    ) -> None:
        """Effective receptive fields of some layers; they may be none of which all else is told.

        `order` is that in which all these layers are executed.
        """
        self.begins("effective receptive fields", len(layers))
        without = []
        for layer in layers:
            call = (layer.name, layer.call)
            found = self._field(layer, train, options)
            if found is None:
                without.append(layer.name)
            else:
                self.so_far = _changed(_with_layer(self.so_far, call, order), call, field=found)
            self.advances(1)
        if without:
            self.noted(
                "no map with the axes of the input is made there, so that no effective receptive "
                f"field was measured: {_listed(without)}"
            )

    def _field(
        self, layer: AnalysedLayer, train: Split, options: MeasuringOptions
    ) -> MeasuredField | None:
        """The effective receptive field of a layer; None where it makes no map on this data."""
        generator = torch.Generator().manual_seed(options.seed)
        outputs: list[Tensor] = []
        maps: list[tuple[int, effective_field.GradientMaps]] = []
        taken = 0
        call = (layer.name, layer.call)
        with observed(self.model, [call], lambda _, output: outputs.append(output)):
            for inputs, _ in train:
                given = only_input(self.model, moved(inputs, self.model, self.device))
                if given is None:
                    raise UsageError(
                        "effective receptive fields are measured of models with one input"
                    )
                given = given.requires_grad_()
                with torch.enable_grad():
                    called(self.model, given)
                    if not outputs:
                        return None
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


def _saturated(
    call: LayerCall, gathered: Mapping[LayerCall, RunningCovariance], delta: float
) -> MeasuredLayer:
    """What is known of a layer after the pass for saturation."""
    known = gathered.get(call)
    return MeasuredLayer(*call, None if known is None else saturation(known.covariance, delta))


def _too_few(scores: int, classes: int, lowest: int) -> str:
    """Why a model that gives so many scores has no accuracy on the labels of the data."""
    gives = f"the model gives {plural(scores, 'score')}, and the labels of the data"
    if lowest and classes - lowest <= scores:
        return (
            f"{gives} seem to start at {lowest} ({lowest} to {classes - 1}): classes are counted "
            "from 0, and the accuracy is not told"
        )
    return f"{gives} are of {classes} classes, counted from 0: its accuracy is not told"


def _listed(names: Sequence[str]) -> str:
    return first_few(list(dict.fromkeys(names)), _SHOWN)


def _with_layer(measured: Measured, call: LayerCall, order: Sequence[LayerCall]) -> Measured:
    """What was measured, with a place for this layer too."""
    if measured.layer(*call) is not None:
        return measured
    layers = (*measured.layers, MeasuredLayer(*call, None))
    return replace(measured, layers=tuple(sorted(layers, key=lambda x: order.index(x.key))))


def _changed(measured: Measured, call: LayerCall, **values: Any) -> Measured:
    layers = tuple(
        replace(layer, **values) if layer.key == call else layer for layer in measured.layers
    )
    return replace(measured, layers=layers)
