"""Models measured on data that the tests draw: what comes out, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import rflint
from rflint.errors import RflintError, UsageError
from rflint.measurement.comparison import compare
from rflint.measurement.results import Measured, measured_from
from rflint.measurement.running.covariance import RunningCovariance, rows_of, saturation
from rflint.measurement.running.data.split import split_of
from rflint.measurement.running.features import grouped, number_of_features, pooled
from rflint.measurement.running.measure import MeasuringOptions, measure_model
from rflint.measurement.running.observation import observed
from rflint.measurement.running.progress import Progress

CLASSES = 3


def data(number: int = 60, channels: int = 3, size: int = 12, seed: int = 0) -> TensorDataset:
    """Images whose class is a pattern of stripes below noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(number) % CLASSES
    stripes = torch.sin(torch.arange(size) * (1.0 + labels.view(-1, 1)))
    noise = torch.randn(number, channels, size, size, generator=generator)
    return TensorDataset(noise + 2 * stripes.view(number, 1, 1, size), labels)


class Net(nn.Module):
    """A module that is called twice, a branch that is never called, a function, a head."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.mix = nn.Conv2d(8, 8, 3, padding=1)
        self.unused = nn.Conv2d(8, 8, 3)
        self.head = nn.Linear(8, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        x = torch.relu(self.mix(torch.relu(self.mix(x))))
        return self.head(x.mean((2, 3)))


def net() -> Net:
    torch.manual_seed(0)
    return Net()


def measured(model: nn.Module, train: Any = None, test: Any = None, **options: Any) -> Measured:
    train = data(seed=0) if train is None else train
    test = data(seed=1) if test is None else test
    report = rflint.measure(model, train, test, 12, device="cpu", **options)
    found = report.models[0].measured
    assert found is not None
    return found


def test_every_call_of_a_layer_is_measured() -> None:
    found = measured(net())
    assert [layer.key for layer in found.layers] == [
        ("stem", 0), ("mix", 0), ("mix", 1), ("head", 0),
    ]  # fmt: skip
    assert (found.samples, found.test_samples, found.classes) == (60, 60, CLASSES)
    assert found.trunk == {("stem", 0), ("mix", 0), ("mix", 1)}
    assert found.complete
    for layer in found.layers:
        assert layer.saturation is not None
        assert 0 < layer.saturation <= 1
        assert layer.probe is not None
        assert layer.probe_error == pytest.approx((layer.probe * (1 - layer.probe) / 60) ** 0.5)


def test_saturation_is_that_of_the_outputs() -> None:
    model, train = net(), data()
    found = measured(model, train, probes=False)
    outputs: dict[Any, Tensor] = {}
    with observed(model, [("mix", 1)], lambda call, output: outputs.update({call: output})):
        model(train.tensors[0])
    running = RunningCovariance(8)
    running.add(rows_of(outputs["mix", 1].detach(), torch.Generator()))
    layer = found.layer("mix", 1)
    assert layer is not None
    assert layer.saturation == saturation(running.covariance, 0.99)
    assert layer.probe is None


def test_probes_are_those_of_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    pipeline = pytest.importorskip("sklearn.pipeline").make_pipeline
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler
    model, train, test = net(), data(300), data(300, seed=1)
    layer = measured(model, train, test).layer("mix", 0)
    assert layer is not None
    features = []
    for part in (train, test):
        with observed(model, [("mix", 0)], lambda _, output: features.append(pooled(output))):
            model(part.tensors[0])
    theirs = pipeline(scaler(), linear.LogisticRegression(max_iter=2000))
    theirs.fit(features[0].detach().numpy(), train.tensors[1].numpy())
    accuracy = theirs.score(features[1].detach().numpy(), test.tensors[1].numpy())
    assert layer.probe == pytest.approx(accuracy, abs=0.01)


def test_the_models_own_accuracy_is_told() -> None:
    class Knows(nn.Module):
        """Reads the class off the stripes."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            self.conv(x)
            row = x.mean((1, 2))
            steps = torch.arange(12.0)
            patterns = torch.stack([torch.sin(steps * (1 + c)) for c in range(CLASSES)])
            return row @ patterns.T + 0 * self.conv(x).mean((1, 2, 3)).unsqueeze(1)

    assert measured(Knows(), probes=False).accuracy == 1.0
    assert measured(nn.Sequential(nn.Conv2d(3, 4, 3)), probes=False).accuracy is None


@pytest.mark.parametrize(
    "returns",
    [
        lambda scores: (scores, scores),
        lambda scores: {"logits": scores},
        lambda scores: [scores],
    ],
)
def test_scores_are_found_in_what_classifiers_return(returns: Callable[[Tensor], Any]) -> None:
    class Wrapped(Net):
        def forward(self, x: Tensor) -> Any:
            return returns(super().forward(x))

    assert measured(Wrapped(), probes=False).accuracy is not None


def test_the_model_comes_back_as_it_was() -> None:
    model = net().train()
    model.mix.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measured(model, erf="stem")
    assert (model.training, model.mix.training, model.stem.training) == (True, False, True)
    assert not model.stem._forward_hooks
    assert not model._forward_pre_hooks
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_same_seed_gives_the_same() -> None:
    first, again = (measured(net(), samples=20, seed=3) for _ in range(2))
    assert first == again
    assert first != measured(net(), samples=20, seed=4)


def test_layers_are_chosen_by_patterns() -> None:
    found = measured(net(), layers=["mi*", "head"], probes=False)
    assert [layer.name for layer in found.layers] == ["mix", "mix", "head"]
    with pytest.raises(UsageError, match="is called 'stemm'") as caught:
        measured(net(), layers="stemm")
    assert caught.value.hint == "Did you mean stem?"


def test_effective_fields_are_measured_where_asked_for() -> None:
    found = measured(net(), erf="stem,mix", probes=False)
    fields = {layer.key: layer.field for layer in found.layers if layer.field}
    assert fields.keys() == {("stem", 0), ("mix", 0), ("mix", 1)}
    stem = fields["stem", 0]
    assert stem.deviation == pytest.approx((0.8, 0.8), abs=0.3), "a window of three"
    assert [share for share, _, _ in stem.areas] == [0.2, 0.3, 0.5, 0.99]
    assert stem.areas[-1][1] == pytest.approx(9 / 144), "which is a square of three by three"
    assert fields["mix", 1].deviation > stem.deviation


def test_an_effective_field_may_be_that_of_a_layer_of_which_nothing_else_is_told() -> None:
    found = measured(net(), layers="mix", erf="stem")
    assert [layer.key for layer in found.layers] == [("stem", 0), ("mix", 0), ("mix", 1)]
    stem, *others = found.layers
    assert stem.field == measured(net(), erf="stem", probes=False).layers[0].field
    assert (stem.saturation, stem.probe) == (None, None)
    assert all(layer.probe is not None and layer.field is None for layer in others)
    assert found.trunk == {("stem", 0), ("mix", 0), ("mix", 1)}


class Skipping(Net):
    """It leaves a layer out where it runs on data."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head((self.mix(x) if x.is_meta else x).mean((2, 3)))


@pytest.mark.parametrize(("model", "name"), [(Net(), "head"), (Skipping(), "mix")])
def test_where_there_is_no_map_it_is_said_that_there_is_no_effective_field(
    model: nn.Module, name: str
) -> None:
    found = measured(model, layers="stem", erf=name, probes=False)
    assert found.notes == (
        "no map with the axes of the input is made there, so that no effective receptive field was "
        f"measured: {name}",
    )
    assert [layer.name for layer in found.layers] == ["stem"]


def test_it_is_written_and_read_again() -> None:
    found = measured(net(), erf="stem")
    assert measured_from(json.loads(json.dumps(found.to_dict()))) == found


class Two(nn.Module):
    """Takes an image and numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(5, 4)
        self.head = nn.Linear(4, CLASSES)

    def forward(self, image: Tensor, numbers: Tensor) -> Tensor:
        return self.head(self.conv(image).mean((2, 3)) + self.linear(numbers))


class Tuples(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return 30

    def __getitem__(self, index: int) -> Any:
        image, label = torch.randn(3, 12, 12), index % CLASSES
        return image, torch.randn(5), label


class Pairs(Tuples):
    def __getitem__(self, index: int) -> Any:
        image, numbers, label = super().__getitem__(index)
        return (image, numbers), label


class Dictionaries(Tuples):
    def __getitem__(self, index: int) -> Any:
        image, numbers, label = super().__getitem__(index)
        return {"id": index, "numbers": numbers, "image": image, "label": label}


@pytest.mark.parametrize("samples", [Tuples(), Pairs(), Dictionaries()])
def test_models_with_several_inputs(samples: Any) -> None:
    report = rflint.measure(
        Two(), samples, samples, input=[(1, 3, 12, 12), (1, 5)], device="cpu", batch=8
    )
    found = report.models[0].measured
    assert found is not None
    assert [x.name for x in found.layers if x.probe is not None] == ["conv", "linear", "head"]
    assert found.accuracy is not None


def test_of_a_mapping_a_model_with_one_input_takes_the_image() -> None:
    found = measured(net(), Dictionaries(), Dictionaries(), erf="stem")
    assert found.layers[0].field is not None


class Tokens(nn.Module):
    """A transformer's block: channels of linear layers come last."""

    def __init__(self, *, batch_first: bool = True) -> None:
        super().__init__()
        self.batch_first = batch_first
        self.patches = nn.Conv2d(3, 6, 4, 4)
        self.up = nn.Linear(6, 10)
        self.head = nn.Linear(10, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2)
        tokens = tokens.permute(0, 2, 1) if self.batch_first else tokens.permute(2, 0, 1)
        up = self.up(tokens)
        return self.head(up.mean(1 if self.batch_first else 0))


def test_channels_of_linear_layers_are_their_features() -> None:
    model, train = Tokens(), data()
    layer = measured(model, train).layer("up", 0)
    with torch.no_grad():
        output = model.up(model.patches(train.tensors[0]).flatten(2).transpose(1, 2))
    expected = torch.cov(output.flatten(0, 1).double().T, correction=0)
    assert layer is not None
    assert layer.saturation == saturation(expected, 0.99)
    assert layer.saturation * 10 == pytest.approx(round(layer.saturation * 10))


def test_where_samples_are_not_the_first_dimension_there_is_no_probe() -> None:
    found = measured(Tokens(batch_first=False), batch=7)
    assert [x.name for x in found.layers if x.probe is None] == ["up"]
    assert found.notes == (
        "the first dimension of the output is not that of the samples, so that no probe was "
        "fitted: up",
    )
    assert all(layer.saturation is not None for layer in found.layers)


def test_layers_that_are_never_called_are_told() -> None:
    class Sometimes(Net):
        skips = False

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            return self.head((x if self.skips else self.mix(x)).mean((2, 3)))

    model = Sometimes()
    analysis = rflint.lint(model, 12).models[0].analysis
    model.skips = True
    splits = [split_of(data(seed=seed), 60, 30, 0) for seed in (0, 1)]
    found = measure_model(model, analysis, *splits, MeasuringOptions(device="cpu"))
    mix = found.layer("mix", 0)
    assert mix is not None
    assert (mix.saturation, mix.probe, found.complete) == (None, None, True)
    assert found.notes == ("never called on this data, so that nothing is known of it: mix",)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Net(2), "the model gives 2 scores, and the labels of the data are of 3 classes"),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "the model gives no scores of classes"),
    ],
)
def test_why_the_models_accuracy_is_not_told(model: nn.Module, said: str) -> None:
    found = measured(model, probes=False)
    assert found.accuracy is None
    assert said in found.notes[0]


def test_labels_that_are_counted_from_one_are_told() -> None:
    shifted = [TensorDataset(x, y + 1) for x, y in (data(seed=s).tensors for s in (0, 1))]
    found = measured(net(), *shifted, probes=False)
    assert found.accuracy is None
    assert found.notes == (
        "the model gives 3 scores, and the labels of the data seem to start at 1 (1 to 3): "
        "classes are counted from 0, and the accuracy is not told",
    )


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float64])
def test_inputs_have_the_precision_of_the_model(precision: torch.dtype) -> None:
    found = measured(net().to(precision))
    for layer, wide in zip(found.layers, measured(net()).layers, strict=True):
        assert layer.saturation == pytest.approx(wide.saturation, abs=1 / 8)
        assert layer.probe == pytest.approx(wide.probe, abs=0.15)


def test_what_a_model_counts_in_evaluation_is_put_back() -> None:
    class Counts(Net):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(8)
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            self.seen += len(x)
            self.norm.train()
            return self.head(self.norm(self.stem(x)).mean((2, 3)))

    model = Counts()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measured(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# -- what goes wrong


def nan_weights(model: Net) -> Net:
    nn.init.constant_(model.mix.weight, float("nan"))
    return model


def nan_data() -> TensorDataset:
    images, labels = data().tensors
    return TensorDataset(images * float("nan"), labels)


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (
            nan_weights(net()),
            {},
            r"mix gives values.*\nCheck the weights: mix.weight is not finite",
        ),
        (net(), {"train": nan_data()}, r"stem gives values.*\nThe weights are finite: .* for NaN"),
        (
            net(),
            {"train": TensorDataset(torch.ones(9, 3, 12, 12), torch.ones(9, dtype=int))},
            "all 9 samples are of one class",
        ),
        (
            Two(),
            {"train": data(), "input": [(1, 3, 12, 12), (1, 5)], "res": None},
            "takes image, numbers, and the data gives 1 input: missing a required argument: 'num",
        ),
        (net(), {"train": data(channels=4)}, "the samples are 4x12x12"),
        (net(), {"samples": 2}, "fewer than the 3 classes"),
        (net(), {"device": "cuda:99"}, "there is no device 'cuda:99'"),
        (nn.Sequential(nn.ReLU()), {"input": (1, 3, 12, 12)}, "no module of the model is a conv"),
    ],
)
def test_one_clear_message(model: nn.Module, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RflintError, match=said):
        rflint.measure(model, **{"train": data(), "test": data(seed=1), "res": 12, **options})


class Interrupted(Net):
    """Ctrl-C is pressed in the middle of a batch."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        self.calls -= 1
        if not self.calls:
            raise KeyboardInterrupt
        return self.head(torch.relu(self.mix(x)).mean((2, 3)))


def interrupted(calls: int, **options: Any) -> Measured:
    """What is kept where Ctrl-C comes in the so-many-th batch of 20; one more traces the model."""
    model = Interrupted(0)
    report = rflint.lint(model, 12)
    model.calls = calls
    splits = [split_of(data(seed=seed), 60, 20, 0) for seed in (0, 1)]
    analysis = report.models[0].analysis
    return measure_model(model, analysis, *splits, MeasuringOptions(device="cpu", **options))


def test_ctrl_c_during_saturation_keeps_that_of_the_samples_until_then() -> None:
    found = interrupted(3, fields=("stem",))
    assert (found.complete, found.samples, found.test_samples) == (False, 40, 0)
    assert found.accuracy is None
    assert found.notes == (
        "interrupted: saturation comes from 40 of 60 samples; not measured: accuracy, probes, "
        "effective receptive fields",
    )
    assert [layer.probe for layer in found.layers] == [None] * 3
    whole = interrupted(999, probes=False)
    assert (whole.complete, whole.notes) == (True, ())
    for layer, other in zip(found.layers, whole.layers, strict=True):
        assert layer.saturation == pytest.approx(other.saturation, abs=0.3)


def test_ctrl_c_during_accuracy_keeps_that_of_the_samples_until_then() -> None:
    found = interrupted(6)
    assert (found.complete, found.samples, found.test_samples) == (False, 60, 40)
    assert found.accuracy is not None
    assert "accuracy comes from 40 of 60 samples; not measured: probes" in found.notes[0]
    assert all(layer.saturation is not None for layer in found.layers)


def test_ctrl_c_before_anything_is_known_ends_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(1)


def test_ctrl_c_while_data_is_read() -> None:
    class Pressed(torch.utils.data.Dataset[Any]):
        left = 2 * 60 + 30  # the labels of both parts are looked at first

        def __len__(self) -> int:
            return 60

        def __getitem__(self, index: int) -> Any:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return torch.randn(3, 12, 12), index % CLASSES

    samples = Pressed()
    found = measured(net(), samples, samples, batch=20)
    assert (found.complete, found.samples) == (False, 20)


def test_ctrl_c_keeps_what_is_done() -> None:
    class Interrupting(Progress):
        def __init__(self) -> None:
            self.step, self.done = "", 0

        def begins(self, step: str, number: int) -> None:
            self.step, self.done = step, 0

        def advances(self, by: int) -> None:
            self.done += by
            if self.step == "probes" and self.done == 1:
                raise KeyboardInterrupt

    model = net()
    analysis = rflint.lint(model, 12).models[0].analysis
    splits = [split_of(data(seed=seed), 60, 30, 0) for seed in (0, 1)]
    options = MeasuringOptions(device="cpu")
    found = measure_model(model, analysis, *splits, options, progress=Interrupting())
    assert not found.complete
    assert all(layer.saturation is not None for layer in found.layers)
    assert [layer.probe is not None for layer in found.layers] == [True, False, False, False]
    assert found.notes == ("interrupted: probes were fitted at 1 of 4 layers",)
    assert compare(analysis, found).holds is None


# -- memory


def test_features_are_held_up_to_a_bound() -> None:
    shapes = {(name, 0): shape for name, shape in {
        "a": (2, 8, 32, 32), "b": (2, 8, 4, 4), "c": (2, 8, 3, 2), "d": (2, 8), "e": (2, 999),
    }.items()}  # fmt: skip
    assert [number_of_features(shape) for shape in shapes.values()] == [128, 128, 48, 8, 999]
    bound = 4 * 10 * (128 + 128)
    assert list(grouped(shapes, samples=10, most_bytes=bound)) == [
        [("a", 0), ("b", 0)], [("c", 0), ("d", 0)], [("e", 0)],
    ]  # fmt: skip


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 9), (2, 3, 9, 2), (2, 3, 9, 9, 1)])
def test_large_maps_are_pooled_to_four_positions(shape: tuple[int, ...]) -> None:
    features = pooled(torch.rand(shape))
    assert features.shape == (2, number_of_features(shape))
    assert features.mean() == pytest.approx(0.5, abs=0.3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_cuda_it_is_the_same_as_on_the_cpu() -> None:
    here = rflint.measure(net(), data(), data(seed=1), 12, device="cpu").models[0].measured
    there = rflint.measure(net(), data(), data(seed=1), 12, device="cuda").models[0].measured
    assert here is not None
    assert there is not None
    for one, other in zip(here.layers, there.layers, strict=True):
        assert one.saturation == pytest.approx(other.saturation, abs=1 / 8)
        assert one.probe == pytest.approx(other.probe, abs=0.05)


def test_what_was_saved_is_shown_beside_the_findings(tmp_path: Path) -> None:
    report = rflint.measure(net(), data(), data(seed=1), 12, device="cpu")
    assert "Measured on 60 samples of 3 classes" in str(report)
    entry = report.to_dict()["models"][0]["measured"]
    assert entry["layers"][0]["name"] == "stem"
    assert rflint.lint(net(), 12).to_dict()["models"][0]["measured"] is None


@pytest.mark.parametrize(
    ("channels", "size", "message", "hint"),
    [
        (3, 7, "the samples are 3x7x7, and the model was analysed at 3x12x12", "res=7"),
        (1, 12, "the samples are 1x12x12", "Build the model for 1 channel"),
    ],
)
def test_samples_are_of_the_size_that_was_analysed(
    channels: int, size: int, message: str, hint: str
) -> None:
    other = data(channels=channels, size=size)
    with pytest.raises(RflintError) as raised:
        measured(net(), other, other)
    assert message in raised.value.message
    assert hint in raised.value.hint


def test_the_share_of_the_commonest_class_is_told() -> None:
    images, labels = data(90).tensors
    few = TensorDataset(images[labels != 2][:50], labels[labels != 2][:50])
    rare = TensorDataset(images[:10], torch.tensor([0] * 7 + [1] * 3))
    found = measured(Net(2), few, rare)
    assert found.commonest == 0.7
    assert measured_from(found.to_dict()) == found
