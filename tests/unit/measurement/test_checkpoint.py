"""Weights of files: state dicts however deep, under whatever prefix, and those of other models."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rflint.errors import RflintError, UsageError
from rflint.measurement.running.builder_hint import builder_hint
from rflint.measurement.running.checkpoint import UnfitWeights, load_weights

State = dict[str, Tensor]


def build(classes: int = 4) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(5, classes))


def prefixed(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


SPELLINGS: dict[str, tuple[Callable[[State], Any], str]] = {
    "plain": (lambda state: state, "last.pt"),
    "nested": (lambda state: {"epoch": 3, "state_dict": state}, "last.pt (state_dict)"),
    "deeper": (lambda state: {"a": {"model": state}}, "last.pt (a.model)"),
    "parallel": (lambda state: prefixed("module.", state), 'last.pt (without "module.")'),
    "lightning": (
        lambda state: {
            "pytorch-lightning_version": "2.0",
            "state_dict": prefixed("model.", state) | {"loss.weight": torch.ones(2)},
            "hyper_parameters": {"lr": 0.1},
        },
        'last.pt (state_dict, without "model.")',
    ),
    "compiled": (
        lambda state: {"model": prefixed("_orig_mod.module.", state)},
        'last.pt (model, without "_orig_mod.module.")',
    ),
    "without counters": (
        lambda state: {k: v for k, v in state.items() if "num_batches" not in k},
        "last.pt",
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_weights_are_found_however_they_are_kept(spelling: str, tmp_path: Path) -> None:
    keep, told = SPELLINGS[spelling]
    trained, model = build(), build()
    torch.save(keep(trained.state_dict()), tmp_path / "last.pt")
    loaded = load_weights(model, tmp_path / "last.pt")
    assert loaded.told == f"{tmp_path}/{told}"
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)


def test_of_several_states_the_averaged_one_is_taken(tmp_path: Path) -> None:
    """As timm keeps them, and evaluates them."""
    plain, averaged, model = build(), build(), build()
    kept = {"state_dict": plain.state_dict(), "state_dict_ema": averaged.state_dict()}
    torch.save(kept, tmp_path / "last.pt")
    assert load_weights(model, tmp_path / "last.pt").inside == "state_dict_ema"
    torch.testing.assert_close(model[0].weight, averaged[0].weight)


def test_safetensors(tmp_path: Path) -> None:
    save = pytest.importorskip("safetensors.torch").save_file
    trained, model = build(), build()
    save(prefixed("module.", trained.state_dict()), tmp_path / "last.safetensors")
    load_weights(model, tmp_path / "last.safetensors")
    torch.testing.assert_close(model[0].weight, trained[0].weight)


def test_half_precision_is_widened(tmp_path: Path) -> None:
    trained, model = build(), build()
    torch.save({k: v.half() for k, v in trained.state_dict().items()}, tmp_path / "last.pt")
    load_weights(model, tmp_path / "last.pt")
    assert model[0].weight.dtype == torch.float32
    torch.testing.assert_close(model[0].weight, trained[0].weight, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (build(7).state_dict(), "other shapes: 3.weight is 7x5 in the file and 4x5 in the model"),
        (
            {k: v for k, v in build().state_dict().items() if not k.startswith("0.")},
            "2 keys missing: 0.weight, 0.bias",
        ),
        (build().state_dict() | {"4.weight": torch.ones(1)}, "1 key unexpected: 4.weight"),
        (
            {"x": torch.ones(1)},
            "8 keys missing: 0.weight, 0.bias, 1.weight, 1.bias and 4 more; 1 key unexpected: x",
        ),
    ],
)
def test_it_is_said_which_keys_do_not_fit(state: State, said: str, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "last.pt")
    model = build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(UnfitWeights, match=re.escape(said)):
        load_weights(model, tmp_path / "last.pt")
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), "nothing is loaded in part"


def saved(state: State, folder: Path) -> Path:
    torch.save(state, folder / "last.pt")
    return folder / "last.pt"


def hint(state: State, folder: Path) -> str:
    with pytest.raises(UnfitWeights) as raised:
        load_weights(build(), saved(state, folder))
    return raised.value.hint


def test_a_name_that_is_nearly_that_of_the_model_is_told(tmp_path: Path) -> None:
    class Named(nn.Module):
        def __init__(self, name: str, channels: int = 3) -> None:
            super().__init__()
            self.add_module(name, nn.Linear(channels, 2))

    with pytest.raises(UnfitWeights) as raised:
        load_weights(Named("features"), saved(Named("feature").state_dict(), tmp_path))
    said = "feature.weight of the file may be features.weight of the model: rename the keys."
    assert raised.value.hint == said
    for other in (Named("classifier"), Named("feature", 4)):  # another name, another shape
        with pytest.raises(UnfitWeights) as raised:
            load_weights(Named("features"), saved(other.state_dict(), tmp_path))
        assert raised.value.hint == ""


def test_weights_of_another_model_are_not_taken_for_misspelt_ones(tmp_path: Path) -> None:
    """Ends of names, and numbers, are alike in all models."""
    for names in (("7.weight", "7.bias"), ("body.0.weight", "0.running"), ("0.kernel",)):
        assert hint({name: torch.ones(5, 3, 3, 3) for name in names}, tmp_path) == ""


def built(classes: int = 4, width: int = 3, depth: float = 4.0, **more: Any) -> None: ...


def plain() -> None: ...


class Made(nn.Module):
    def __init__(self, classes: int = 9, channels: int = 1) -> None: ...


AS_TRAINED = "Build the model as it was built for the training"


@pytest.mark.parametrize(
    ("builder", "arguments", "sizes", "said"),
    [
        (built, {}, [(4, 7)], ", with --arg classes=7: these are the sizes in the file."),
        (built, {"width": 4}, [(4, 7)], ", with --arg classes=7 or --arg width=7: these are"),
        (built, {}, [(4, 7), (3, 1)], ", with --arg classes=7 and --arg width=1: these are"),
        (built, {"classes": 5}, [(4, 7)], ". Its parameters: classes, width, depth."),
        (built, {}, [], ". Its parameters: classes, width, depth."),
        (built, {}, [(1, 3)], ", with --arg channels=3: these are the sizes in the file."),
        (Made, {}, [(9, 2)], ", with --arg classes=2: these are"),
        (plain, {}, [(4, 7)], ""),
    ],
)
def test_the_builders_own_parameters_are_named(
    builder: Any, arguments: dict[str, int], sizes: list[tuple[int, int]], said: str
) -> None:
    """Those whose value is the size that differs, or all; further ones are the class's."""
    found = builder_hint(builder, Made, arguments, sizes)
    assert found.startswith(AS_TRAINED + said) if said else not found


def test_sizes_that_differ_are_kept_for_that(tmp_path: Path) -> None:
    with pytest.raises(UnfitWeights) as raised:
        load_weights(build(), saved(build(7).state_dict(), tmp_path))
    assert raised.value.sizes == ((4, 7),)


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return (print, ("ran",))


def test_no_code_of_a_file_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": build().state_dict(), "extra": Evil()}, tmp_path / "last.pt")
    with pytest.raises(UsageError, match="without running code"):
        load_weights(build(), tmp_path / "last.pt")
    assert "ran" not in capsys.readouterr().out


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("hello")
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    (tmp_path / "nothing.pt").touch()
    (tmp_path / "cut.pt").write_bytes((tmp_path / "empty.pt").read_bytes()[:300])
    (tmp_path / "net.keras").write_bytes(b"PK and more")
    (tmp_path / "renamed.pt").write_bytes(b"\x89HDF\r\n\x1a\n and more")
    torch.save(build(), tmp_path / "whole.pt")
    torch.jit.script(build()).save(tmp_path / "script.pt")
    for name, said in (
        ("absent.pt", "No such file"),
        ("text.pt", "is no checkpoint"),
        ("empty.pt", "holds no state dict"),
        ("nothing.pt", "is empty"),
        ("cut.pt", "its end is missing"),
        ("net.keras", "is a file of Keras, and holds no weights of a PyTorch model"),
        ("renamed.pt", r"is a file of Keras \(HDF5\)"),
        ("whole.pt", r"\(torch.nn.modules.container.Sequential\), which is not done"),
        ("script.pt", "is a TorchScript program"),
    ):
        with pytest.raises(RflintError, match=said):
            load_weights(build(), tmp_path / name)
