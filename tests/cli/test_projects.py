"""Whole projects, as people have them: what they see from the first command to a finding."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.aged_files import aged
from tests.helpers.forked import Forked
from tests.helpers.program import Ran, write
from tests.helpers.repository import Repository
from tests.helpers.torchvision_importable import STATEMENTS, python_path


@pytest.fixture(scope="module")
def equipped() -> Iterator[Forked]:
    """The program in processes in which torchvision can be imported."""
    with Forked(STATEMENTS) as running:
        yield running


def needs(*packages: str) -> None:
    """Skip a test whose project needs a package that is not there. None is imported here."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


def model_of(ran: Ran, number: int = 0) -> Any:
    assert ran.status in (0, 1), ran.err
    return ran.report["models"][number]


def found(model: Any) -> list[tuple[str, str, str]]:
    """Code, layer and place of each finding."""
    return [(x["code"], x["layer"], _place(x["source"])) for x in model["findings"]]


def _place(source: Any) -> str:
    return f"{source['path']}:{source['line']}" if source else ""


def line_of(text: str, part: str) -> int:
    """The line in which a text has this part."""
    return next(i for i, line in enumerate(text.splitlines(), start=1) if part in line)


# -- src layouts, and flat ones

LAYERS = """from torch import nn


def conv(i, o, stride=1):
    return nn.Sequential(nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())
"""
CLASSIFIER = """from torch import nn

from ..layers import conv


class Classifier(nn.Module):
    def __init__(self, classes: int = 10):
        super().__init__()
        widths = [3, 8, 16, 32, 32, 32]
        self.stages = nn.Sequential(*[conv(i, o, 2) for i, o in zip(widths, widths[1:])])
        self.last = conv(32, 32)
        self.head = nn.Linear(32, classes)

    def forward(self, x):
        return self.head(self.last(self.stages(x)).mean((2, 3)))
"""
TRAINING = """from .models import Classifier


def main():
    model = Classifier()
    model.train()


if __name__ == "__main__":
    main()
"""
PACKAGE = {
    "__init__.py": '"""A shop."""\n',
    "layers.py": LAYERS,
    "models/__init__.py": "from .net import Classifier\n",
    "models/net.py": CLASSIFIER,
    "train.py": TRAINING,
}
PROJECT_TABLE = '[project]\nname = "shop"\nversion = "0.1"\ndependencies = ["torch"]\n'


def built_by(backend: str, more: str = "") -> str:
    requirement = backend.partition(".")[0]
    return (
        f'[build-system]\nrequires = ["{requirement}"]\nbuild-backend = "{backend}"\n\n'
        f"{PROJECT_TABLE}\n{more}"
    )


@pytest.mark.parametrize(
    ("pyproject", "folder", "target"),
    [
        (
            built_by("setuptools.build_meta", '[tool.setuptools.packages.find]\nwhere = ["src"]\n'),
            "src/",
            "src/shop/models/net.py:Classifier",
        ),
        (
            built_by("hatchling.build", '[tool.hatch.build.targets.wheel]\npackages = ["py/shop"]'),
            "py/",
            "py/shop/models/net.py:Classifier",
        ),
        (built_by("setuptools.build_meta"), "", "shop.models.net:Classifier"),
    ],
    ids=["setuptools", "hatch", "flat"],
)
def test_a_package_is_configured_and_its_finding_is_repaired(
    forked: Forked, tmp_path: Path, pyproject: str, folder: str, target: str
) -> None:
    """None of it is installed, and every module imports from its own package."""
    aged(tmp_path, {f"{folder}shop/{name}": text for name, text in PACKAGE.items()})
    tests = {"tests/test_shop.py": "from shop.models import Classifier\nmodel = Classifier()\n"}
    aged(tmp_path, {"pyproject.toml": pyproject, **tests})

    made = forked.rflint("init", "--yes", "--res", "32", cwd=tmp_path)
    assert made.status == 0, made.out + made.err
    assert made.err == "rflint: wrote 1 model to pyproject.toml; lint them with: rflint\n"
    assert made.out.splitlines()[1].split() == [target, "1", "1×3×32×32"]

    ran = forked.rflint(cwd=tmp_path)
    assert ran.status == 1, ran.err
    assert f"{target}  on 1×3×32×32" in ran.out
    place = f"{folder}shop/layers.py:{line_of(LAYERS, 'nn.Conv2d')}"
    caller = f"{folder}shop/models/net.py:{line_of(CLASSIFIER, 'self.last =')}"
    assert f"{place} (from {caller})  last.0" in ran.out
    assert f"Write one as code: rflint fix {target} --repair 1" in ran.out

    for module in ("shop.models.net:Classifier", "shop.models:Classifier"):
        named = forked.rflint(module, "--res", "32", "--format", "json", cwd=tmp_path)
        assert ("RF101", "last.0", place) in found(model_of(named))

    fixed = forked.rflint("fix", target, "--output", "wider.py", cwd=tmp_path)
    assert fixed.status == 0, fixed.err
    again = forked.rflint("wider.py:build", "--res", "32", "--format", "json", cwd=tmp_path)
    assert model_of(again)["totals"]["unproductive"] == 0


# -- Lightning

NETWORK = """from torch import nn


def network(width: int = 16) -> nn.Module:
    layers = [nn.Conv2d(1, width, 3, stride=2, padding=1), nn.ReLU()]
    for _ in range(4):
        layers += [nn.Conv2d(width, width, 3, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))
"""
MODULES = """import lightning as L
import torch
from torch import nn
from torch.nn import functional as F

from .network import network


class Trained(L.LightningModule):
    def __init__(self, width: int = 16, lr: float = 1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = network(width)

    def training_step(self, batch, batch_idx):
        images, labels = batch
        loss = F.cross_entropy(self.net(images), labels)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


class WithForward(L.LightningModule):
    def __init__(self, width: int = 16):
        super().__init__()
        self.backbone = network(width)
        self.angle = nn.Linear(10, 1)
        self.forgotten = nn.Linear(10, 4)

    def forward(self, images):
        return self.backbone(images)

    def training_step(self, batch, batch_idx):
        images, labels, angles = batch
        out = self(images)
        return F.cross_entropy(out, labels) + F.mse_loss(self.angle(out), angles)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())
"""
ADVERSARIAL = """
from lightning import LightningModule
from digits.network import network

class Adversarial(LightningModule):
    def __init__(self):
        super().__init__()
        self.generator, self.discriminator = network(), network()

    def training_step(self, batch, batch_idx):
        return self.discriminator(self.generator(batch)).mean()
"""


def test_a_lightning_project(equipped: Forked, tmp_path: Path) -> None:
    needs("lightning")
    project = tmp_path / "project"
    train = "import lightning\nfrom digits.modules import Trained\n\nif __name__ == '__main__':\n"
    aged(
        project,
        {
            "pyproject.toml": PROJECT_TABLE,
            "digits/__init__.py": "",
            "digits/network.py": NETWORK,
            "digits/modules.py": MODULES,
            "train.py": f"{train}    lightning.Trainer(max_epochs=1).fit(Trained())\n",
        },
    )
    made = equipped.rflint(
        "init", "--yes", "--res", "28", cwd=project, PYTHONPATH=python_path(tmp_path)
    )
    assert made.status == 0, made.out + made.err
    assert [x.split()[0] for x in made.out.splitlines()[1:3]] == [
        "digits.modules:Trained",
        "digits.modules:WithForward",
    ]

    ran = equipped.rflint("--format", "json", "--verbose", cwd=project)
    assert "digits.modules:Trained has no forward: linted is its net, which its steps" in ran.err
    too_deep = f"digits/network.py:{line_of(NETWORK, 'layers +=')}"
    steps, forward = ran.report["models"]
    assert ("RF101", "8", too_deep) in found(steps)
    assert ("RF101", "backbone.8", too_deep) in found(forward)
    unused = [x for x in found(forward) if x[0] == "RF302"]
    place = f"digits/modules.py:{line_of(MODULES, 'self.forgotten')}"
    assert unused == [("RF302", "forgotten", place)], "angle is what training_step uses"

    again = equipped.rflint("--verbose", cwd=project)
    for model in ("Trained", "WithForward"):
        assert f"digits.modules:{model} was answered by the cache" in again.err

    write(project, {"adversarial.py": ADVERSARIAL})
    several = equipped.rflint("adversarial.py:Adversarial", "--res", "28", cwd=project)
    assert several.status == 2
    assert "uses several models: generator, discriminator" in several.err
    assert "def build(): return Adversarial(...).generator" in several.err


# -- Hugging Face

CONFIGURATIONS = {
    "models/cats/config.json": """{
        "architectures": ["ResNetForImageClassification"], "model_type": "resnet",
        "embedding_size": 16, "hidden_sizes": [16, 32, 64, 128], "depths": [1, 1, 2, 1],
        "layer_type": "basic", "id2label": {"0": "cat", "1": "dog"}
    }""",
    "models/reviews/config.json": """{
        "architectures": ["BertForSequenceClassification"], "model_type": "bert",
        "hidden_size": 36, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "vocab_size": 100, "max_position_embeddings": 64
    }""",
    "models/tiles/config.json": """{
        "architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
        "image_size": 32, "patch_size": 8
    }""",
}
CONFIGURED = """
[[models]]
target = "hf:models/cats"
res = 64

[[models]]
target = "hf:models/reviews/config.json"
input = { input_ids = "1x16:int64", attention_mask = "1x16:int64" }

[[models]]
target = "hf:models/tiles"
res = 32
"""


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment from which no other machine can be reached, and with empty caches."""
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    return {"HF_HOME": str(tmp_path / "hub"), "TORCH_HOME": str(tmp_path / "weights"), **proxies}


def test_configurations_of_transformers(
    equipped: Forked, tmp_path: Path, nowhere: dict[str, str]
) -> None:
    needs("transformers")
    project = tmp_path / "project"
    aged(project, {**CONFIGURATIONS, "rflint.toml": CONFIGURED})

    def lint(*arguments: str) -> Ran:
        return equipped.rflint(*arguments, cwd=project, **nowhere)

    ran = lint("--format", "json")
    assert ran.status == 0, ran.err
    cats, reviews, tiles = ran.report["models"]
    assert all(model["complete"] for model in (cats, reviews, tiles))
    assert cats["layers"][-1]["out_shape"] == [1, 2]
    assert reviews["inputs"] == [[1, 16], [1, 16]]
    assert tiles["inputs"] == [[1, 3, 32, 32]]

    small = model_of(lint("hf:models/cats", "--res", "32", "--isolated", "--format", "json"))
    assert "resnet.encoder.stages.3.layers.0.layer.1.convolution" in [x[1] for x in found(small)]

    tokens = lint("hf:models/reviews", "--res", "16", "--isolated", "--format", "json")
    assert model_of(tokens)["inputs"] == [[1, 16]], "a model of tokens is given tokens"
    asked = lint("hf:models/reviews", "--isolated")
    assert asked.status == 2
    assert "rflint hf:models/reviews --isolated --input 1x128:int64\n" in asked.err
    long = lint("hf:models/reviews", "--input", "1x100:int64", "--isolated")
    assert long.status == 2
    assert "the forward pass fails on a 1x100 input: in bert.embeddings: " in long.err

    absent = lint("hf:someone/cats", "--res", "64")
    assert absent.status == 2
    assert "not in the cache of Hugging Face" in absent.err
    assert not [x for x in (tmp_path / "hub").rglob("*") if x.name == "config.json"]


# -- Hydra

HYDRA = {
    "pyproject.toml": PROJECT_TABLE,
    "segment/__init__.py": "",
    "segment/net.py": """
        from torch import nn

        from .blocks import block


        class Net(nn.Module):
            def __init__(self, width: int, depth: int, classes: int, activation: nn.Module):
                super().__init__()
                self.stem = nn.Conv2d(3, width, 3, padding=1)
                self.body = nn.Sequential(*[block(width, activation) for _ in range(depth)])
                self.head = nn.Linear(width, classes)

            def forward(self, x):
                return self.head(self.body(self.stem(x).relu()).mean((2, 3)))
    """,
    "segment/blocks.py": """from torch import nn


def block(width, activation):
    return nn.Sequential(nn.Conv2d(width, width, 3, stride=2, padding=1), activation)
""",
    "train.py": """
        import hydra


        @hydra.main(version_base=None, config_path="conf", config_name="config")
        def main(cfg):
            print(hydra.utils.instantiate(cfg.model))


        if __name__ == "__main__":
            main()
    """,
    "conf/config.yaml": "defaults:\n  - model: small\n  - _self_\n\nclasses: 4\nlr: 0.001\n",
    **{
        f"conf/model/{name}.yaml": f"_target_: segment.net.Net\nwidth: 8\ndepth: {depth}\n"
        "classes: ${classes}\nactivation:\n  _target_: torch.nn.ReLU\n"
        for name, depth in {"small": 2, "deep": 5}.items()
    },
}


def test_a_hydra_project(forked: Forked, tmp_path: Path) -> None:
    needs("hydra")
    aged(tmp_path, HYDRA)
    target = "hydra:conf/config.yaml#model"

    def lint(*arguments: str) -> Ran:
        return forked.rflint(target, "--res", "16", *arguments, cwd=tmp_path)

    small = model_of(lint("--format", "json"))
    assert small["complete"]
    assert small["layers"][-1]["out_shape"] == [1, 4], "classes come from the file above"
    assert found(small) == []
    assert f"{target} was answered by the cache" in lint("-v").err

    # what it is composed of counts, and no other file
    for file in ("conf/config.yaml", "conf/model/small.yaml", "segment/blocks.py"):
        changed = lint("-v", "--when-changed", file)
        assert f"{target} was answered by the cache" in changed.err, file
    for file in ("conf/model/deep.yaml", "train.py"):
        assert "no model depends on what has changed" in lint("-v", "--when-changed", file).err

    aged(tmp_path, {"conf/config.yaml": HYDRA["conf/config.yaml"].replace("small", "deep")})
    deep = lint("-v", "--when-changed", "conf/config.yaml", "--format", "json")
    assert f"{target} was linted anew: conf/config.yaml has changed" in deep.err
    place = f"segment/blocks.py:{line_of(HYDRA['segment/blocks.py'], 'nn.Conv2d')}"
    assert ("RF101", "body.4.0", place) in found(model_of(deep))
    overridden = lint("--arg", "depth=2", "--format", "json")
    assert found(model_of(overridden)) == []

    wrong = forked.rflint("hydra:conf/config.yaml", "--res", "16", cwd=tmp_path)
    assert wrong.status == 2
    assert f"{target}" in wrong.err


# -- what the files of schemes and the cache have to do with each other


def test_models_of_packages_and_files_are_answered_by_the_cache(
    equipped: Forked, tmp_path: Path, nowhere: dict[str, str]
) -> None:
    needs("timm", "transformers", "hydra")
    project = tmp_path / "project"
    targets = ["timm:resnet10t", "hydra:conf/config.yaml#model", "hf:models/cats"]
    configured = "".join(f'[[models]]\ntarget = "{x}"\nres = 64\n' for x in targets)
    aged(project, {**HYDRA, **CONFIGURATIONS, "rflint.toml": configured})

    def lint(*changed: str) -> list[str]:
        """Each model that is linted or answered, and by what."""
        options = ("--when-changed", *changed) if changed else ()
        ran = equipped.rflint("-v", "--fail-on", "never", *options, cwd=project, **nowhere)
        assert ran.status == 0, ran.err
        return ran.err.replace("rflint: ", "").splitlines()

    cached = [f"{x} was answered by the cache" for x in targets]
    assert lint() == []
    assert lint() == cached
    edits = {
        "conf/model/small.yaml": ("depth: 2", "depth: 3"),
        "models/cats/config.json": ("[1, 1, 2, 1]", "[1, 1, 3, 1]"),
    }
    for number, (file, (before, after)) in enumerate(edits.items(), start=1):
        # what a package has read it may remember for the models behind this one
        assert lint(file) == cached[number:]
        aged(project, {file: (project / file).read_text().replace(before, after)})
        assert lint(file)[0] == f"{targets[number]} was linted anew: {file} has changed"
        assert lint() == cached
    assert lint("README.md", "models/tiles/config.json") == ["no model depends on what has changed"]


# -- a model of several inputs in a commit

IMAGE = """from torch import nn


def encoder(width):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
"""
MATCHER = """import torch
from torch import nn

from .image import encoder


class Matcher(nn.Module):
    def __init__(self, words: int = 1000, width: int = 16):
        super().__init__()
        self.image = encoder(width)
        self.embed = nn.Embedding(words, width)
        self.text = nn.Conv1d(width, width, 3, padding=1)
        self.head = nn.Linear(2 * width, 1)

    def forward(self, batch):
        image = self.image(batch["image"])
        words = self.text(self.embed(batch["tokens"]).transpose(1, 2)) * batch["mask"][:, None]
        return self.head(torch.cat([image, words.mean(2)], dim=1))
"""
DICTIONARY = """
[[tool.rflint.models]]
target = "caption.model:Matcher"

[tool.rflint.models.input.batch]
image = "1x3x16x16"
tokens = "1x20:int64"
mask = "1x20"
"""
HOOK = """repos:
  - repo: local
    hooks:
      - id: rflint
        name: rflint
        entry: rflint --when-changed
        language: system
        verbose: true
"""


def test_a_dictionary_is_asked_for_with_its_keys(forked: Forked, tmp_path: Path) -> None:
    files = {"__init__.py": "", "image.py": IMAGE, "model.py": MATCHER}
    aged(tmp_path, {f"src/caption/{name}": text for name, text in files.items()})
    aged(tmp_path, {"pyproject.toml": PROJECT_TABLE.replace("shop", "caption")})
    keys = "--input batch.image=1x3x32x32 --input batch.tokens=1x128:int64"
    keys += " --input batch.mask=1x128:int64"
    said = forked.rflint("init", "--yes", cwd=tmp_path)
    assert said.status == 2
    assert keys in " ".join(said.out.split())
    told = forked.rflint("caption.model:Matcher", "--res", "32", cwd=tmp_path)
    assert told.status == 2
    assert f"rflint caption.model:Matcher --res 32 {keys}\n" in told.err
    words = told.err.splitlines()[-1].split()[1:]
    assert forked.rflint(*words, cwd=tmp_path).status == 0, "it is to be copied"


def test_a_multimodal_model_is_gated_in_commits(tmp_path: Path) -> None:
    user = Repository(tmp_path / "user", PRE_COMMIT_HOME=str(tmp_path / "pre-commit"))
    write(
        user.path,
        {
            ".pre-commit-config.yaml": HOOK,
            "pyproject.toml": PROJECT_TABLE.replace("shop", "caption") + DICTIONARY,
            "src/caption/__init__.py": "",
            "src/caption/image.py": IMAGE,
            "src/caption/model.py": MATCHER,
            "train.py": "EPOCHS = 90\n",
        },
    )
    user.run(sys.executable, "-m", "pre_commit", "install")
    status, output = user.commit()
    assert status == 0, output
    assert "Passed" in output
    assert "caption.model:Matcher  on 1×3×16×16, 1×20 (BT), 1×20 (BT)" in output

    # the fourth convolution sees 31 of 16 pixels
    more = "        nn.Conv2d(width, width, 3, stride=2, padding=1),\n        nn.ReLU(),\n"
    end = "        nn.AdaptiveAvgPool2d(1),\n"
    deeper = IMAGE.replace(end, 2 * more + end)
    status, output = user.commit(**{"src/caption/image": deeper})
    assert status != 0
    assert "RF101" in output
    assert "src/caption/image.py:12" in output
    assert user.commits() == 1
    user.run("git", "reset", "-q", "--hard")

    status, output = user.commit(train="EPOCHS = 100\n")
    assert status == 0, output
    assert "caption.model:Matcher" not in output, "nothing that it depends on is committed"
    assert user.commits() == 2
