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
from rflint.measurement.results import Measured, measured_from
from rflint.measurement.running.covariance import RunningCovariance, rows_of, saturation
from rflint.measurement.running.data.split import split_of
from rflint.measurement.running.features import grouped, number_of_features, pooled
from rflint.measurement.running.measure import MeasuringOptions, Progress, measure_model
from rflint.measurement.running.observation import observed

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


def test_it_is_written_and_read_again() -> None:
    found = measured(net(), erf="stem")
    assert measured_from(json.loads(json.dumps(found.to_dict()))) == found


# -- what goes wrong


def nan_weights(model: Net) -> Net:
    nn.init.constant_(model.mix.weight, float("nan"))
    return model


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (nan_weights(net()), {}, "mix gives values that are not finite"),
        (net(), {"train": data(channels=4)}, "does not run on a batch of 60x4x12x12"),
        (net(), {"samples": 2}, "fewer than the 3 classes"),
        (net(), {"device": "cuda:99"}, "there is no device 'cuda:99'"),
        (nn.Sequential(nn.ReLU()), {"input": (1, 3, 12, 12)}, "no module of the model is a conv"),
    ],
)
def test_one_clear_message(model: nn.Module, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RflintError, match=said):
        rflint.measure(model, **{"train": data(), "test": data(seed=1), "res": 12, **options})


def test_ctrl_c_keeps_what_is_done() -> None:
    class Interrupting(Progress):
        def __init__(self) -> None:
            self.step, self.done = "", 0

        def begins(self, step: str, number: int) -> None:
            self.step, self.done = step, 0

        def advances(self, by: int) -> None:
            self.done += by
            if self.step == "probes" and self.done == 2:
                raise KeyboardInterrupt

    model = net()
    analysis = rflint.lint(model, 12).models[0].analysis
    splits = [split_of(data(seed=seed), 60, 30, 0) for seed in (0, 1)]
    options = MeasuringOptions(device="cpu")
    found = measure_model(model, analysis, *splits, options, progress=Interrupting())
    assert not found.complete
    assert all(layer.saturation is not None for layer in found.layers)
    assert [layer.probe is not None for layer in found.layers] == [True, False, False, False]


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
