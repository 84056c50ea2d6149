"""Targets that a file describes: `hydra:`, `hf:` and `ultralytics:`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

from rflint.errors import ImportFailed, RflintError, UsageError
from rflint.tracing.model.build import build
from rflint.usercode.closure import import_closure
from rflint.usercode.isolation import IsolatedImports
from rflint.usercode.target import check_target, load_target
from tests.helpers.program import write
from zoo.torchvision_import import import_torchvision

import_torchvision()

FILES = {
    "conf/config.yaml": "defaults:\n  - model: small\n  - _self_\nclasses: 7\n",
    "conf/model/small.yaml": (
        "_target_: hydra_nets.Net\nwidth: 8\nclasses: ${classes}\nact:\n  _target_: torch.nn.ReLU\n"
    ),
    "hydra_nets.py": """
        from torch import nn

        class Net(nn.Sequential):
            def __init__(self, width, classes, act):
                super().__init__(nn.Conv2d(3, width, 3), act, nn.Conv2d(width, classes, 1))
    """,
    "small/config.json": (
        '{"model_type": "resnet", "architectures": ["ResNetForImageClassification"],'
        ' "embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1]}'
    ),
    "mine.yaml": (
        "nc: 4\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 1, Conv, [32, 3, 2]]\n"
        "head:\n  - [-1, 1, Classify, [nc]]\n"
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    write(tmp_path, FILES)
    imports = IsolatedImports()
    yield tmp_path
    imports.prepare("timm:resnet18", tmp_path / "small")


def built(target: str, root: Path, **arguments: object) -> nn.Module:
    check_target(target, root)
    return build(load_target(target, root), arguments, target).model


def refused(target: str, root: Path, **arguments: object) -> RflintError:
    with pytest.raises(RflintError) as raised:
        built(target, root, **arguments)
    return raised.value


class TestHydra:
    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        pytest.importorskip("hydra", reason="hydra-core is not installed")

    def test_a_composed_configuration_is_instantiated(self, root: Path) -> None:
        model = built("hydra:conf/config.yaml#model", root)
        assert type(model).__name__ == "Net"
        assert (model[0].out_channels, model[2].out_channels) == (8, 7)
        assert isinstance(model[1], nn.ReLU)

    def test_arguments_override_it(self, root: Path) -> None:
        assert built("hydra:conf/config.yaml#model", root, width=4)[0].out_channels == 4

    def test_a_misspelt_argument_gets_its_neighbour(self, root: Path) -> None:
        error = refused("hydra:conf/config.yaml#model", root, widht=4)
        assert error.message == (
            "hydra:conf/config.yaml#model: hydra_nets.Net has no parameter 'widht'"
        )
        assert error.hint == "Did you mean width? Its parameters: width, classes, act."

    def test_a_broken_file_is_told_by_its_line(self, root: Path) -> None:
        write(root, {"conf/model/small.yaml": "_target_: hydra_nets.Net\nwidth: {a: 8]\n"})
        error = refused("hydra:conf/config.yaml#model", root)
        assert str(error).endswith(
            "small.yaml:2: this is no YAML: expected ',' or '}', but got ']'"
        )
        assert "\n" not in error.message

    def test_a_misspelt_key_is_told(self, root: Path) -> None:
        error = refused("hydra:conf/config.yaml#modle", root)
        assert "has no key 'modle'" in error.message
        assert error.hint == "Did you mean model?"

    def test_a_table_without_target_points_at_those_with(self, root: Path) -> None:
        error = refused("hydra:conf/config.yaml", root)
        assert "has no _target_" in error.message
        assert "hydra:conf/config.yaml#model" in error.hint

    def test_another_configuration_is_left_as_it_was(self, root: Path) -> None:
        import hydra
        from hydra.core.global_hydra import GlobalHydra

        with hydra.initialize_config_dir(str(root / "conf"), version_base=None):
            before = GlobalHydra.instance().hydra
            built("hydra:conf/config.yaml#model", root)
            assert GlobalHydra.instance().hydra is before


def test_a_missing_file_is_told_before_hydra_is_looked_for(root: Path) -> None:
    with pytest.raises(ImportFailed, match=r"no file conf/confg\.yaml") as raised:
        check_target("hydra:conf/confg.yaml#model", root)
    assert "conf/config.yaml" in raised.value.hint


def test_a_described_model_depends_on_its_file(root: Path) -> None:
    closure = import_closure("hydra:conf/config.yaml#model", root)
    assert closure.files == {str((root / "conf/config.yaml").resolve())}
    assert closure.is_open
    assert import_closure("hf:small", root).files == {str((root / "small/config.json").resolve())}
    assert import_closure("ultralytics:mine.yaml", root).files == {str(root / "mine.yaml")}


class TestTransformers:
    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        pytest.importorskip("transformers", reason="transformers is not installed")

    @pytest.mark.parametrize(
        ("target", "kind"),
        [
            ("hf:small", "ResNetForImageClassification"),
            ("hf:small/config.json", "ResNetForImageClassification"),
            ("hf:small#ResNetModel", "ResNetModel"),
            ("hf:ResNetConfig", "ResNetModel"),
            ("hf:transformers.ResNetConfig#ResNetForImageClassification", "ResNetForImage"),
        ],
    )
    def test_a_configuration_is_a_model(self, root: Path, target: str, kind: str) -> None:
        assert type(built(target, root)).__name__.startswith(kind)

    def test_arguments_change_the_configuration(self, root: Path) -> None:
        assert built("hf:small", root, num_labels=5).config.num_labels == 5
        assert built("hf:ResNetConfig", root, depths=[1, 1, 1, 1]).config.depths == [1, 1, 1, 1]
        error = refused("hf:small", root, depht=3)
        assert "has no 'depht'" in error.message
        assert "depths" in error.hint

    def test_a_misspelt_class_gets_its_neighbours(self, root: Path) -> None:
        assert "hf:ResNetConfig" in refused("hf:ResnetConfg", root).hint
        assert "ResNetModel" in refused("hf:small#ResNetModle", root).hint

    def test_a_class_of_ones_own_needs_its_model_named(self, root: Path) -> None:
        text = "from transformers import ResNetConfig\nclass Mine(ResNetConfig): ...\n"
        write(root, {"hf_configs.py": text})
        error = refused("hf:hf_configs.Mine", root)
        assert error.message == "hf:hf_configs.Mine: Mine does not say which model is meant"
        assert "behind a hash: hf:hf_configs.Mine#ResNetModel or " in error.hint
        assert type(built("hf:hf_configs.Mine#ResNetModel", root)).__name__ == "ResNetModel"

    def test_of_an_encoder_with_a_decoder_the_class_is_named(self, root: Path) -> None:
        """What makes the model for a configuration does not know it, and lists all that it does."""
        parts = '"encoder": {"model_type": "vit"}, "decoder": {"model_type": "bert"}'
        text = f'{{"model_type": "vision-encoder-decoder", {parts}}}'
        write(root, {"ved/config.json": text})
        error = refused("hf:ved", root)
        assert error.message == (
            "hf:ved: VisionEncoderDecoderConfig does not say which model is meant"
        )
        assert error.hint == (
            "Name the class of the model behind a hash: hf:ved#VisionEncoderDecoderModel."
        )

    def test_what_cannot_be_imported_is_told_with_its_cause(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """transformers imports a model when it is asked for, which may fail for other packages."""
        import transformers

        class Breaks(type(transformers)):  # type: ignore[misc]
            def __getattr__(self, name: str) -> object:
                if name == "ResNetModel":
                    raise ModuleNotFoundError("Could not import") from RuntimeError("no operator")
                return super().__getattr__(name)

        monkeypatch.delitem(transformers.__dict__, "ResNetModel", raising=False)
        monkeypatch.setattr(transformers, "__class__", Breaks)
        error = refused("hf:ResNetConfig#ResNetModel", root)
        assert error.message == (
            "importing ResNetModel of transformers raised RuntimeError: no operator"
        )
        assert "-c 'from transformers import ResNetModel'" in error.hint

    def test_nothing_is_downloaded(self, root: Path) -> None:
        error = refused("hf:someone/no-such-model", root)
        assert "not in the cache" in error.message
        assert "downloads nothing" in error.hint

    def test_weights_of_a_backbone_are_not_asked_for(self, root: Path) -> None:
        model = built("hf:DetrConfig", root)
        assert not getattr(model.config, "use_pretrained_backbone", False)


class TestUltralytics:
    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        pytest.importorskip("ultralytics", reason="ultralytics is not installed")

    def test_a_file_of_the_package_is_a_model(self, root: Path) -> None:
        model = built("ultralytics:yolov8n.yaml", root, nc=3)
        assert type(model).__name__ == "DetectionModel"
        assert model.yaml["nc"] == 3

    def test_a_file_of_ones_own_is_a_model(self, root: Path) -> None:
        assert type(built("ultralytics:mine.yaml", root)).__name__ == "ClassificationModel"

    def test_what_the_package_defines_is_a_target(self, root: Path) -> None:
        model = built("ultralytics:YOLO", root, model="yolov8n.yaml")
        assert type(model).__name__ == "YOLO"

    def test_a_misspelt_name_gets_files_and_attributes(self, root: Path) -> None:
        assert "ultralytics:YOLO " in refused("ultralytics:YOL", root).hint
        assert refused("ultralytics:yolov8n", root).hint == "Did you mean ultralytics:yolov8n.yaml?"

    def test_an_unknown_file_gets_its_neighbours(self, root: Path) -> None:
        assert "ultralytics:yolov8.yaml" in refused("ultralytics:yolov88.yaml", root).hint


def test_a_checkpoint_of_ultralytics_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="weights are not loaded") as raised:
        check_target("ultralytics:yolov8n.pt", root)
    assert "ultralytics:yolov8n.yaml" in raised.value.hint
