"""Lightning modules: what their steps use is used, and is what is linted without a forward."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import rflint
from rflint.errors import BuildFailed
from rflint.tracing.model.build import build
from zoo.torchvision_import import import_torchvision

import_torchvision()  # torchmetrics imports it
lightning = pytest.importorskip("lightning", reason="lightning is not installed")


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))


class NoForward(lightning.LightningModule):  # type: ignore[misc,name-defined]
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.model = network()
        self.spare = network()
        self.loss = nn.CrossEntropyLoss()

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        return self._shared(batch)

    def _shared(self, batch: Any) -> torch.Tensor:
        images, labels = batch
        return self.loss(self.model(images), labels)


class Adversarial(lightning.LightningModule):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.generator, self.discriminator = network(), network()

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        return self.discriminator(self.generator(batch)).mean()


class WithForward(NoForward):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        return self.model(batch).sum() + self.spare(batch).sum()


def test_the_model_that_training_calls_is_linted_where_there_is_no_forward() -> None:
    built = build(NoForward, {}, "net:NoForward")
    assert isinstance(built.model, nn.Sequential)
    assert built.wrappers == ("model",)
    assert "has no forward: linted is its model" in built.note
    assert rflint.lint(NoForward, res=32).to_dict()["models"][0]["complete"]


def test_several_models_are_named() -> None:
    with pytest.raises(BuildFailed, match="several models: generator, discriminator") as raised:
        build(Adversarial, {}, "net:Adversarial")
    assert "return Adversarial(...).generator" in raised.value.hint


def test_a_forward_is_what_is_linted_and_what_training_uses_is_used() -> None:
    report = rflint.lint(WithForward, res=32).to_dict()["models"][0]
    assert report["layers"][0]["name"] == "model.0"
    assert not [x for x in report["findings"] if x["code"] == "RF302"]
