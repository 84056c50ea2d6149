"""Targets that name a model of a package: `timm:resnet18`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import rflint
from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.read import load_configuration
from rflint.errors import ImportFailed, RflintError, UsageError
from rflint.tracing.model.build import build
from rflint.usecases.fix import fix_target
from rflint.usercode.closure import import_closure
from rflint.usercode.schemes import timm
from rflint.usercode.schemes.offline import offline
from rflint.usercode.schemes.registered import registered
from rflint.usercode.schemes.registry import PREFIXES, scheme, scheme_of
from rflint.usercode.target import check_target, load_target
from tests.helpers.program import write
from zoo.torchvision_import import import_torchvision

import_torchvision()


def built(target: str, root: Path, **arguments: object) -> nn.Module:
    check_target(target, root)
    return build(load_target(target, root), arguments, target).model


@pytest.mark.parametrize("target", ["timm:resnet18", "torchvision:resnet18"])
def test_a_name_of_a_registry_is_a_target(target: str, tmp_path: Path) -> None:
    model = built(target, tmp_path, num_classes=7)
    assert model.fc.out_features == 7
    assert {x.device.type for x in model.parameters()} == {"meta"}


def test_a_name_with_the_tag_of_its_weights_is_the_architecture(tmp_path: Path) -> None:
    assert isinstance(built("timm:resnet18.a1_in1k", tmp_path), nn.Module)


def test_a_detector_gets_no_weights_for_its_backbone_either(tmp_path: Path) -> None:
    """Without being told, torchvision would download those."""
    model = built("torchvision:fasterrcnn_mobilenet_v3_large_320_fpn", tmp_path)
    assert type(model).__name__ == "FasterRCNN"


@pytest.mark.parametrize(
    ("target", "argument"),
    [
        ("timm:resnet18", {"pretrained": True}),
        ("timm:create_model", {"model_name": "resnet18", "pretrained": True}),
        ("torchvision:resnet18", {"weights": "DEFAULT"}),
        ("torchvision:models.resnet18", {"weights": "DEFAULT"}),
        ("torchvision:fcn_resnet50", {"weights_backbone": "DEFAULT"}),
    ],
)
def test_weights_are_refused(target: str, argument: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="asks for weights") as raised:
        built(target, tmp_path, **argument)
    assert "nothing is downloaded" in raised.value.hint


@pytest.mark.parametrize(
    ("target", "near"),
    [
        ("timm:resnt18", "timm:resnet18"),
        ("timm:ResNet18", "timm:resnet18"),
        ("torchvision:resnt18", "torchvision:resnet18"),
        ("torchvision:vit_b", "torchvision:vit_b_16"),
        ("timm:create_modl", "timm:create_model"),
        ("torchvision:models.resnt18", "torchvision:models.resnet18"),
    ],
)
def test_a_misspelt_name_gets_its_neighbours(target: str, near: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="has no model") as raised:
        built(target, tmp_path)
    assert near in raised.value.hint


def test_what_the_package_defines_is_still_a_target(tmp_path: Path) -> None:
    assert isinstance(built("timm:create_model", tmp_path, model_name="resnet18"), nn.Module)
    model = built("torchvision:models.resnet18", tmp_path, num_classes=3)
    assert model.fc.out_features == 3
    crop = load_target("torchvision:transforms.CenterCrop", tmp_path)
    assert type(crop(size=3)).__name__ == "CenterCrop"


def test_a_module_of_the_package_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="torchvision has no model 'models'"):
        built("torchvision:models", tmp_path)


@pytest.mark.parametrize("target", ["timm:timm/resnet18.a1_in1k", "timm:hf-hub:timm/resnet18"])
def test_a_model_of_a_hub_is_refused_before_anything_is_imported(
    target: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no name of a model") as raised:
        check_target(target, tmp_path)
    assert "not downloaded" in raised.value.hint


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_missing_package_is_named_with_what_installs_it(prefix: str, tmp_path: Path) -> None:
    absent = replace(scheme(prefix), package="no_such_package", check=lambda name, root: None)
    with pytest.raises(ImportFailed, match="not installed") as raised:
        absent.check_target(absent.example.partition(":")[2], tmp_path)
    assert f"pip install {absent.install}" in raised.value.hint


def test_a_package_that_may_not_be_imported_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs keep packages out with a finder that raises, or None among the modules."""

    class Refuses:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "timm":
                raise ModuleNotFoundError("No module named 'timm'", name="timm")

    loaded = [x for x in sys.modules if x.partition(".")[0] in ("timm", "torchvision")]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Refuses(), *sys.meta_path])
    monkeypatch.setitem(sys.modules, "torchvision", None)
    for package in ("timm", "torchvision"):
        with pytest.raises(ImportFailed, match="not installed"):
            check_target(f"{package}:resnet18", tmp_path)
    assert registered("resnet18") == []


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_alone_names_no_model(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no model") as raised:
        check_target(f"{prefix}:", tmp_path)
    assert scheme(prefix).example in raised.value.hint


def test_each_scheme_goes_by_its_own_prefix() -> None:
    assert [scheme(prefix).prefix for prefix in PREFIXES] == list(PREFIXES)


def test_a_misspelt_prefix_gets_its_neighbour(tmp_path: Path) -> None:
    with pytest.raises(RflintError, match="no module named 'torchvison'") as raised:
        check_target("torchvison:resnet18", tmp_path)
    assert "Did you mean torchvision:NAME?" in raised.value.hint


def test_a_module_of_a_package_is_no_scheme() -> None:
    assert scheme_of("torchvision.models:resnet18") is None
    assert scheme_of("timm.py:build") is None
    assert scheme_of("timm") is None
    assert scheme_of("timm:resnet18") == (timm.SCHEME, "resnet18")


def test_a_registry_depends_on_no_file_of_the_user(tmp_path: Path) -> None:
    write(tmp_path, {"resnet18.py": "", "timm_resnet18.py": ""})
    assert import_closure("timm:resnet18", tmp_path).files == frozenset()


def test_a_configuration_names_such_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = """
        [[tool.rflint.models]]
        target = "timm:resnet18"
        name = "backbone"
        res = 64
        args = { num_classes = 3 }
    """
    write(tmp_path, {"pyproject.toml": text})
    (model,) = load_configuration(None, isolated=False).models
    assert model.target == "timm:resnet18"
    report = rflint.lint_project(cache=False)
    assert [x["target"] for x in report.to_dict()["models"]] == ["timm:resnet18"]
    assert report.to_dict()["models"][0]["layers"][-1]["out_shape"] == [1, 3]
    by_name = rflint.lint_project(["backbone"], cache=False)
    assert by_name.to_dict()["models"] == report.to_dict()["models"]


@pytest.mark.parametrize("target", ["timm:resnet18", "torchvision:resnet18"])
def test_a_repair_is_a_file_that_builds_without_rflint(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ModelOptions(res=((32, 32),), args={"num_classes": 3})
    made = fix_target(target, given, Configuration(tmp_path), tmp_path / "patched.py")
    assert made is not None
    assert "rflint" not in made.text.partition("from __future__")[2]
    names: dict[str, Any] = {}
    exec(compile(made.text, "patched.py", "exec"), names)
    assert isinstance(names["build"](), nn.Module)


def test_packages_are_told_that_there_is_no_network_only_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "0")
    with offline():
        assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in os.environ
    assert os.environ["TRANSFORMERS_OFFLINE"] == "0"
