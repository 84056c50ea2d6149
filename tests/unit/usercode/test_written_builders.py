"""Repairs of targets with a scheme: files that build the model without rflint."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.usecases.fix import fix_target
from tests.helpers.program import write
from zoo.torchvision_import import import_torchvision

import_torchvision()

ROOT = Path(__file__).parents[3]
FILES = {
    "conf/config.yaml": "defaults:\n  - model: small\n  - _self_\nclasses: 7\n",
    "conf/model/small.yaml": "_target_: written_nets.deep\nclasses: ${classes}\n",
    "src/written_nets.py": """
        from torch import nn

        def deep(classes, width=8):
            convs = [nn.Conv2d(3, width, 3, 2, 1)]
            convs += [nn.Conv2d(width, width, 3, 2, 1) for _ in range(5)]
            return nn.Sequential(*convs, nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, classes, 1))
    """,
    "src/written_configs.py": """
        from transformers import ResNetConfig

        class Small(ResNetConfig):
            def __init__(self, **given):
                small = {"embedding_size": 8, "hidden_sizes": [8, 16, 32, 64]}
                super().__init__(**{**small, "depths": [1, 1, 1, 1], **given})
    """,
    "small/config.json": (
        '{"model_type": "resnet", "architectures": ["ResNetForImageClassification"],'
        ' "embedding_size": 8, "hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1]}'
    ),
    "mine.yaml": (
        "nc: 4\nbackbone:\n"
        + "  - [-1, 1, Conv, [16, 3, 2]]\n" * 6
        + "head:\n  - [-1, 1, Classify, [nc]]\n"
    ),
}
ALONE = """
import sys
from zoo.torchvision_import import import_torchvision
import_torchvision()
from patched import build
assert "rflint" not in sys.modules
print(type(build()).__name__)
"""


@pytest.mark.parametrize(
    ("package", "target", "arguments", "kind"),
    [
        ("hydra", "hydra:conf/config.yaml#model", {"width": 4}, "Sequential"),
        ("transformers", "hf:small", {"num_labels": 3}, "ResNetForImageClassification"),
        ("transformers", "hf:small/config.json#ResNetModel", {}, "ResNetModel"),
        ("transformers", "hf:ResNetConfig", {"depths": [1, 1, 1, 1]}, "ResNetModel"),
        ("transformers", "hf:written_configs.Small#ResNetModel", {}, "ResNetModel"),
        ("ultralytics", "ultralytics:mine.yaml", {"nc": 3}, "ClassificationModel"),
        ("timm", "timm:create_model", {"model_name": "resnet18"}, "ResNet"),
        ("torchvision", "torchvision:models.resnet18", {"num_classes": 3}, "ResNet"),
    ],
)
def test_a_repair_is_a_file_that_python_alone_runs(
    package: str,
    target: str,
    arguments: dict[str, object],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From another folder than the project's, where nothing of it is on the search path."""
    pytest.importorskip(package, reason=f"{package} is not installed")
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    write(project, FILES)
    elsewhere.mkdir()
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(project)
    given = ModelOptions(res=((16, 16),), args=arguments)
    file = elsewhere / "patched.py"
    made = fix_target(target, given, Configuration(project), file)
    assert made is not None
    assert "rflint" not in made.text.partition("from __future__")[2]
    file.write_text(made.text)
    before_build, _, _ = made.text.partition("def build")
    assert before_build.endswith("\n\n\n")
    assert "\n\n\n\n" not in before_build
    ran = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=elsewhere,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip().splitlines()[-1:] == [kind], ran.stderr
