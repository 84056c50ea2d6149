"""The logistic regression of probes, against scikit-learn's on the same features."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rflint.measurement.running.logistic import fit


def blobs(
    number: int, classes: int, features: int, apart: float, seed: int
) -> tuple[Tensor, Tensor]:
    """Clouds of points around a centre for each class."""
    centres = torch.randn(classes, features, generator=torch.Generator().manual_seed(7)) * apart
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (number,), generator=generator)
    return centres[labels] + torch.randn(number, features, generator=generator), labels


def test_what_can_be_told_apart_is() -> None:
    train, test = blobs(500, 4, 10, 5.0, seed=0), blobs(500, 4, 10, 5.0, seed=1)
    assert fit(*train, classes=4).accuracy(*test) > 0.99


def test_of_labels_without_a_meaning_it_learns_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(4000, 5, generator=generator)
    labels = torch.randint(0, 4, (4000,), generator=generator)
    classifier = fit(features[:2000], labels[:2000], classes=4)
    chance, error = 0.25, (0.25 * 0.75 / 2000) ** 0.5
    assert abs(classifier.accuracy(features[2000:], labels[2000:]) - chance) < 4 * error


@pytest.mark.parametrize(
    ("number", "features", "apart", "scale"),
    [(300, 5, 1.0, 1.0), (300, 400, 0.3, 1.0), (1000, 30, 0.5, 1e4), (1000, 30, 0.5, 1e-4)],
)
def test_it_is_that_of_scikit_learn(number: int, features: int, apart: float, scale: float) -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    pipeline = pytest.importorskip("sklearn.pipeline").make_pipeline
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler
    train = blobs(number, 5, features, apart, seed=0)
    test = blobs(2000, 5, features, apart, seed=1)
    train, test = ((x * scale, labels) for x, labels in (train, test))
    theirs = pipeline(scaler(), linear.LogisticRegression(max_iter=2000))
    theirs.fit(train[0].numpy(), train[1].numpy())
    accuracy = theirs.score(test[0].numpy(), test[1].numpy())
    assert fit(*train, classes=5).accuracy(*test) == pytest.approx(accuracy, abs=0.01)


def test_features_that_do_not_vary_are_harmless() -> None:
    features, labels = blobs(200, 3, 6, 3.0, seed=0)
    dead = torch.cat([features, torch.full((200, 2), 5.0), torch.zeros(200, 1)], 1)
    classifier = fit(dead, labels, classes=3)
    assert classifier.accuracy(dead, labels) > 0.95
    assert torch.isfinite(classifier.weight).all()


def test_a_class_without_samples_is_never_said() -> None:
    features, labels = blobs(300, 3, 6, 3.0, seed=0)
    assert int(fit(features, labels, classes=5).predict(features).max()) <= 2
