"""The callback for Lightning: lints before the first step, and leaves everything as it was."""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import rflint
from zoo.torchvision_import import import_torchvision

with contextlib.suppress(ImportError):
    import_torchvision()  # Lightning's metrics import it

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


@pytest.fixture(params=PACKAGES)
def pl(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param, reason="Lightning is not installed")


def callback(pl: Any, **options: Any) -> Any:
    """The callback as a program sees it that has imported this Lightning and no other."""
    others = [name for name in PACKAGES if name != pl.__name__]
    with pytest.MonkeyPatch.context() as patch:
        for name in others:
            patch.delitem(sys.modules, name, raising=False)
        patch.delitem(sys.modules, "rflint.lightning", raising=False)
        module = importlib.import_module("rflint.lightning")
    found = module.LintCallback(**options)
    assert isinstance(found, pl.Callback)
    return found


def module(pl: Any, convolutions: int = 4) -> Any:
    class Net(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(
                *(nn.Conv2d(3, 3, 7, padding=3) for _ in range(convolutions)),
                nn.BatchNorm2d(3),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(3, 2),
            )
            self.steps = 0

        def forward(self, x: Any) -> Any:
            return self.net(x)

        def training_step(self, batch: Any, index: int) -> Any:
            self.steps += 1
            images = batch["image"] if isinstance(batch, dict) else batch[1]
            return self(images).sum()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Net()


def pairs(size: int = 8) -> Any:
    """Batches of a label, then an image: the first tensor is not what the model is fed."""
    examples = [(torch.tensor(0), torch.rand(3, size, size)) for _ in range(4)]
    return torch.utils.data.DataLoader(examples, batch_size=2)


def fit(pl: Any, net: Any, folder: Path, batches: Any, *callbacks: Any) -> list[str]:
    """Train for a step; what rflint warned of."""
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_steps=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.fit(net, batches)
    return [text for x in caught if "rflint" in (text := str(x.message))]


def test_it_warns_with_the_size_of_the_first_batch(pl: Any, tmp_path: Path) -> None:
    net = module(pl)
    (said,) = fit(pl, net, tmp_path, pairs(), callback(pl))
    assert "RF101 unproductive-layer" in said
    assert "1×3×8×8" in said
    assert net.steps == 1


def test_a_sound_model_is_trained_without_a_word(pl: Any, tmp_path: Path) -> None:
    net = module(pl)
    assert fit(pl, net, tmp_path, pairs(64), callback(pl, on_findings="raise")) == []
    assert net.steps == 1


def test_it_ends_the_training_before_the_first_step(pl: Any, tmp_path: Path) -> None:
    net = module(pl)
    with pytest.raises(AssertionError, match="RF101 unproductive-layer"):
        fit(pl, net, tmp_path, pairs(), callback(pl, on_findings="raise"))
    assert net.steps == 0


def test_a_given_size_goes_before_the_batch(pl: Any, tmp_path: Path) -> None:
    (said,) = fit(pl, module(pl), tmp_path, pairs(64), callback(pl, res=8))
    assert "1×3×8×8" in said
    assert fit(pl, module(pl), tmp_path, pairs(), callback(pl, input=(1, 3, 64, 64))) == []


def test_batches_may_be_dictionaries_and_options_are_those_of_lint(pl: Any, tmp_path: Path) -> None:
    examples = [{"id": torch.tensor(0), "image": torch.rand(3, 8, 8)} for _ in range(2)]
    batches = torch.utils.data.DataLoader(examples)
    (said,) = fit(pl, module(pl), tmp_path, batches, callback(pl, select="RF101"))
    assert "RF101" in said
    assert fit(pl, module(pl), tmp_path, batches, callback(pl, select="RF402")) == []
    chosen = callback(pl, input_of=lambda batch: batch["image"].repeat(1, 1, 8, 8))
    assert fit(pl, module(pl), tmp_path, batches, chosen) == []


def test_a_part_of_the_module_is_linted_alone(pl: Any, tmp_path: Path) -> None:
    (said,) = fit(pl, module(pl), tmp_path, pairs(), callback(pl, submodule="net"))
    assert "Sequential  on 1×3×8×8" in said


def test_training_goes_on_as_without_it(pl: Any, tmp_path: Path) -> None:
    """The weights after a step, the mode, the state and the random numbers are the same."""

    def trained(*callbacks: Any) -> tuple[dict[str, torch.Tensor], bool, torch.Tensor]:
        torch.manual_seed(3)
        net = module(pl)
        fit(pl, net, tmp_path, pairs(), *callbacks)
        return net.state_dict(), net.training, torch.rand(4)

    alone, mode, drawn = trained()
    linted, mode_after, drawn_after = trained(callback(pl))
    assert mode == mode_after
    assert torch.equal(drawn, drawn_after)
    assert alone.keys() == linted.keys()
    assert all(torch.equal(value, linted[name]) for name, value in alone.items())
    assert all(value.device.type == "cpu" for value in linted.values())


def test_what_cannot_be_linted_is_trained_all_the_same(pl: Any, tmp_path: Path) -> None:
    net = module(pl)
    wrong = callback(pl, input=(1, 5, 8, 8))
    (said,) = fit(pl, net, tmp_path, pairs(), wrong)
    assert said.startswith("rflint could not lint the model: ")
    assert "expects 3 input channels, got 5" in said
    assert net.steps == 1
    with pytest.raises(rflint.RflintError, match="got 5"):
        fit(
            pl, module(pl), tmp_path, pairs(), callback(pl, input=(1, 5, 8, 8), on_findings="raise")
        )


def test_every_fit_is_linted(pl: Any, tmp_path: Path) -> None:
    lints = callback(pl)
    assert len(fit(pl, module(pl), tmp_path, pairs(), lints)) == 1
    assert len(fit(pl, module(pl), tmp_path, pairs(), lints)) == 1


def test_an_unknown_way_to_tell_is_refused(pl: Any) -> None:
    with pytest.raises(rflint.RflintError, match="on_findings is 'panic'"):
        callback(pl, on_findings="panic")


@pytest.mark.parametrize("keyword", ["on_finding", "on_findings_"])
def test_a_misspelt_keyword_is_refused_at_once(pl: Any, keyword: str) -> None:
    with pytest.raises(TypeError, match=r"has no argument .* Did you mean on_findings\?"):
        callback(pl, **{keyword: "raise"})
    with pytest.raises(TypeError, match=r"Did you mean select\?"):
        callback(pl, selct="RF101")


def test_a_part_that_is_not_there_is_told_of_with_those_that_are(pl: Any, tmp_path: Path) -> None:
    net = module(pl)
    (said,) = fit(pl, net, tmp_path, pairs(), callback(pl, submodule="nt", res=8))
    assert "Net has no submodule 'nt'\nDid you mean net? Its children: net." in said
    assert net.steps == 1
    (said,) = fit(pl, module(pl), tmp_path, pairs(), callback(pl, submodule="net.9.x"))
    assert "Net.net has no submodule '9'\nIts children: 0, 1, 2" in said
    part = callback(pl, submodule="nt", on_findings="raise")
    with pytest.raises(rflint.RflintError, match="no submodule"):
        fit(pl, module(pl), tmp_path, pairs(), part)


def test_no_mistake_of_its_own_ends_a_training_that_may_go_on(pl: Any, tmp_path: Path) -> None:
    wrong = callback(pl, input_of=lambda batch: batch["image"])
    net = module(pl)
    (said,) = fit(pl, net, tmp_path, pairs(), wrong)
    assert "input_of raised TypeError: " in said
    assert net.steps == 1


class Looks:
    """Lints at every point of a fit at which a callback is asked."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []

    def __call__(self, trainer: Any, net: Any, *_: Any) -> None:
        self.found.append(rflint.lint(net, res=8).to_dict())


def test_a_report_in_a_fit_is_that_of_the_module_outside_of_it(pl: Any, tmp_path: Path) -> None:
    """The trainer that is attached to it then holds loaders, loops, and what is logged."""

    class Net(type(module(pl))):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.spare = nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            result = self.net(x)
            self.log("mean", result.mean())
            return result

    class Examples(list):  # type: ignore[type-arg]
        def __deepcopy__(self, memo: Any) -> Any:
            raise RuntimeError("too large to be copied")

    outside = rflint.lint(Net(), res=8).to_dict()
    assert outside["models"][0]["repairs"]
    assert "RF302" in {finding["code"] for finding in outside["models"][0]["findings"]}
    looks = Looks()
    points = ("on_fit_start", "on_train_batch_start", "on_train_batch_end", "on_train_end")
    hooks = type("Hooks", (pl.Callback,), dict.fromkeys(points, staticmethod(looks)))
    net = Net()
    batches = torch.utils.data.DataLoader(Examples(pairs().dataset), batch_size=2)
    fit(pl, net, tmp_path, batches, hooks())
    assert looks.found == [outside] * 4
    assert "mean" in net.trainer.callback_metrics


def test_a_model_in_fabric_is_the_model(pl: Any) -> None:
    fabric = pytest.importorskip("lightning.fabric", reason="lightning is not installed")
    inner = module(pl).net
    alone = rflint.lint(inner, res=8, name="net").to_dict()
    wrapped = fabric.Fabric(accelerator="cpu", devices=1).setup(inner)
    assert rflint.lint(wrapped, res=8, name="net").to_dict() == alone


def test_without_lightning_the_error_says_what_to_install() -> None:
    code = (
        "import sys\nsys.modules['lightning'] = sys.modules['pytorch_lightning'] = None\n"
        "import rflint.lightning"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError: rflint.lightning needs Lightning: pip install" in ran.stderr
