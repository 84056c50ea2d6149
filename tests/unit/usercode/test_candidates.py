"""What in a project builds models, as its source says."""

from __future__ import annotations

from pathlib import Path

import pytest

from rflint.usercode.candidates import Candidates
from tests.helpers.program import write

BODY = "\n    def forward(self, x):\n        return x\n"


def found(root: Path, *paths: str) -> list[str]:
    places = [root / path for path in paths or (".",)]
    return [one.target for one in Candidates(places, root).all()]


def proposed(root: Path) -> list[str]:
    return [one.title for one in Candidates([root], root).without_parts()]


@pytest.mark.parametrize(
    "header",
    [
        "from torch import nn\nclass Net(nn.Module):",
        "import torch\nclass Net(torch.nn.Module):",
        "import torch.nn as N\nclass Net(N.Module):",
        "from torch.nn import Module as M\nclass Net(M):",
        "from torch.nn import *\nfrom torch import nn\nclass B(nn.Module): pass\nclass Net(B):",
        "from typing import Generic\nfrom torch import nn\nclass Net(nn.Module, Generic):",
        "import lightning as L\nclass Net(L.LightningModule):",
        "import lightning.pytorch as pl\nclass Net(pl.LightningModule):",
        "from pytorch_lightning import LightningModule\nclass Net(LightningModule):",
        "import torchvision\nclass Net(torchvision.models.ResNet):",
        "from mmengine.model import BaseModel\nclass Net(BaseModel):",
        "try:\n    from torch import nn\nexcept ImportError:\n    raise\nclass Net(nn.Module):",
    ],
)
def test_classes_that_are_modules(tmp_path: Path, header: str) -> None:
    write(tmp_path, {"net.py": f"{header}{BODY}"})
    assert found(tmp_path) == ["net.py:Net"]


@pytest.mark.parametrize(
    "text",
    [
        "class Net:\n    def forward(self, x): return x",
        "import torch\nclass F(torch.autograd.Function):\n"
        "    @staticmethod\n    def forward(c, x): return x",
        "from torch.utils.data import Dataset\nclass D(Dataset):\n    def __len__(self): return 1",
        "from torch import nn\nclass Base(nn.Module): pass",
        "from torch import nn\nclass Base(nn.Module):\n"
        "    def forward(self, x): raise NotImplementedError",
        "from torch import nn\nfrom abc import abstractmethod\nclass Base(nn.Module):\n"
        "    @abstractmethod\n    def features(self): ...\n    def forward(self, x): return x",
        "from torch import nn\nclass _Net(nn.Module):\n    def forward(self, x): return x",
        "from torch import nn\nif __name__ == '__main__':\n    model = nn.Linear(1, 1)",
        "def f(x): return x\ndef g() -> int: return 3\ndef h(): yield f",
        "import pytest\nfrom torch import nn\n@pytest.fixture\ndef net(): return nn.Linear(1, 1)",
        "this is no Python",
    ],
)
def test_what_is_no_model(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"net.py": text})
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "def build() -> nn.Module: ...",
        "def build(width=3) -> 'Net': ...",
        "def build(): return Net()",
        "def build():\n    model = Net()\n    model.x = 1\n    return model",
        "def build():\n    return nn.Sequential(nn.Conv2d(3, 8, 3)).eval()",
        "def build(deep=False):\n    if deep:\n        return Net()\n    return nn.Sequential()",
        "def other(): return Net()\ndef build(): return other()",
        "build = lambda: Net()",
        "from functools import partial\nbuild = partial(Net, width=3)",
        "import torchvision\ndef build(): return torchvision.models.resnet18(num_classes=3)",
        "import timm\ndef build(): return timm.create_model('resnet18')",
        "import torch\ndef build(): return torch.compile(Net())",
        "build = Net()",
        "build: nn.Module = nn.Sequential()",
        "TABLE = {'net': Net}\ndef build(name='net'): return TABLE[name]()",
        "TABLE = {'net': Net}\ndef build(name='net'): return TABLE.get(name)()",
        "from zoo import register_model\n@register_model\ndef build(**args): return helper(args)",
        "from zoo import MODELS\n@MODELS.register('x')\ndef build(): return helper()",
        "def build(): return helper()\nMODELS = {'x': build}",
    ],
)
def test_what_returns_a_model(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"net.py": f"from torch import nn\nclass Net(nn.Module):{BODY}\n{text}\n"})
    assert "net.py:build" in found(tmp_path)


def test_bases_and_builders_are_followed_through_the_project(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "src/shop/__init__.py": "from .nets.base import Base as Root",
            "src/shop/nets/__init__.py": "",
            "src/shop/nets/base.py": f"from torch import nn\nclass Base(nn.Module):{BODY}",
            "src/shop/nets/net.py": "from shop import Root\nclass Net(Root): pass",
            "src/shop/build.py": "from .nets import net\ndef build(): return net.Net()",
            "scripts/use.py": "from shop.build import *\ndef make(): return build()",
        },
    )
    assert found(tmp_path / "src") == [
        "shop.build:build",
        "shop.nets.base:Base",
        "shop.nets.net:Net",
    ]
    assert "scripts/use.py:make" in found(tmp_path)
    assert "src/shop/nets/net.py:Net" in found(tmp_path)


def test_circles_end(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.py": "from b import *\nfrom b import X\nclass Y(X): pass\ndef f(): return f()",
            "b.py": "from a import *\nfrom a import Y\nclass X(Y): pass",
        },
    )
    assert found(tmp_path) == []


def test_folders_of_others_are_left_out(tmp_path: Path) -> None:
    net = f"from torch import nn\nclass Net(nn.Module):{BODY}"
    files = ["net.py", ".hidden/net.py", "tests/net.py", "env3/lib/net.py", "test_net.py"]
    write(tmp_path, dict.fromkeys(files, net) | {"env3/pyvenv.cfg": ""})
    assert found(tmp_path) == ["net.py:Net"]
    assert found(tmp_path, "tests", "test_net.py") == ["test_net.py:Net", "tests/net.py:Net"]


PARTS = f"""
from torch import nn

class Block(nn.Module):
    def __init__(self, c=8):
        super().__init__()
{BODY}
def stage(n): return [Block() for _ in range(n)]

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(*stage(3))
{BODY}
def net10(): return Net(10)

class Alone(nn.Module):{BODY}
"""


def test_parts_of_models_are_not_proposed(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": PARTS})
    assert found(tmp_path) == ["net.py:Block", "net.py:Net", "net.py:net10", "net.py:Alone"]
    assert proposed(tmp_path) == ["net.py:Net", "net.py:net10", "net.py:Alone"]


def test_what_has_to_be_given(tmp_path: Path) -> None:
    text = """
    from torch import nn
    class Base(nn.Module):
        def __init__(self, a, b=1, *args, c, d=2, **kwargs):
            super().__init__()
        def forward(self, x): return x
    class Net(Base): pass
    def build(width, *, depth=2) -> nn.Module: ...
    """
    write(tmp_path, {"net.py": text})
    missing = {x.target: x.missing for x in Candidates([tmp_path], tmp_path).all()}
    assert missing == {
        "net.py:Base": ("a", "c"),
        "net.py:Net": ("a", "c"),
        "net.py:build": ("width",),
    }


def test_a_table_gives_the_names_of_its_models(tmp_path: Path) -> None:
    text = f"""
from torch import nn
class One(nn.Module):{BODY}
class Two(nn.Module):{BODY}
TABLE = {{"one": One, "two": Two}}
def create(name): return TABLE[name]()
"""
    write(tmp_path, {"zoo.py": text})
    assert proposed(tmp_path)[-2:] == ["zoo.py:create (name='one')", "zoo.py:create (name='two')"]


def test_a_target_is_recognised_however_it_is_written(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "src/shop/__init__.py": "from .net import Net",
            "src/shop/net.py": f"from torch import nn\nclass Net(nn.Module):{BODY}",
        },
    )
    here = Candidates([tmp_path], tmp_path)
    written = ["shop:Net", "shop.net:Net", "src/shop/net.py:Net"]
    (one,) = {here.definition_of(target) for target in written}
    assert one is here.all()[0].definition
    assert here.definition_of("shop:Other") is None
    assert here.definition_of("other:Net") is None
