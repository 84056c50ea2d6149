"""Pages that rflint itself writes, and the browser that opens them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import torchvision_importable
from tests.helpers.browser import Opened, browser, needs, opened
from tests.helpers.forked import Forked
from tests.helpers.program import write
from tests.helpers.project import PROJECT

SOURCE = """
from functools import partial

import torchvision
from torch import nn

from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18
from tests.models.unet import UNet
from zoo.paper.vgg import vgg

vgg16 = partial(vgg, 16)
googlenet = partial(
    torchvision.models.googlenet, weights=None, aux_logits=False, init_weights=False
)
densenet121 = partial(torchvision.models.densenet121, weights=None)
resnet101 = partial(torchvision.models.resnet101, weights=None)


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "<!--<script>",
    '" onmouseover="alert(3)" x="',
    "__proto__",
    "constructor",
    "{{1}} ${1} &lt;b&gt; \\u2028 \\x00",
]


def hostile():
    steps = nn.ModuleDict({name: nn.Conv2d(3, 3, 3, padding=1) for name in HOSTILE})

    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = steps

        def forward(self, x):
            for step in self.steps.values():
                x = step(x)
            return x

    return Steps()


def biased():
    steps = [(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)) for _ in range(5)]
    return nn.Sequential(*(step for pair in steps for step in pair))


class asks(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 4, 3, padding=1)
        self.two = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        if x.shape[-1] > 100:
            x = nn.functional.max_pool2d(x, 2)
        return self.two(self.one(x))


def chain():
    steps = [nn.Conv2d(4, 4, 3, padding=1) for _ in range(999)]
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), *steps)
"""


MODELS = [
    ("resnet18", "32"),
    ("googlenet", "64"),
    ("densenet121", "32"),
    ("UNet", "64"),
    ("chain", "64"),
]
"""The models that are looked at, each with the size that it is linted at."""


@dataclass(frozen=True)
class Written:
    """A page that the program has written, and how to ask the program about its models."""

    file: Path
    report_at: Callable[[str], Any]
    """The JSON report at sizes, as --res takes them."""

    def island(self, name: str) -> Any:
        """What the page holds as JSON."""
        text = self.file.read_text("utf-8").partition(f'id="rflint-{name}">')[2]
        return json.loads(text.partition("</script>")[0])

    @property
    def report(self) -> Any:
        return self.island("report")

    @property
    def model(self) -> Any:
        """Its first model, in the report."""
        return self.report["models"][0]

    @property
    def sizes(self) -> Any:
        """What it knows of other sizes of its first model."""
        sizes = self.island("page")["models"][0]["sizes"]
        needs(sizes, "what becomes of the model at other sizes")
        return sizes


@pytest.fixture(scope="session")
def running() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="session")
def written(
    running: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Written]]:
    """Writes the page of a model; a browser is there to open it."""
    folder = tmp_path_factory.mktemp("pages")
    write(folder, {"page_models.py": SOURCE})
    with Forked(torchvision_importable.STATEMENTS) as program:

        def lint(target: str, res: str, kind: str) -> None:
            ran = program.rflint(
                f"page_models:{target}", "--res", res, "--format", kind, "--no-cache",
                cwd=folder, PYTHONPATH=str(PROJECT),
            )  # fmt: skip
            assert ran.status in (0, 1, 2), ran.err

        @cache
        def report_at(target: str, res: str) -> Any:
            file = folder / f"{target}-{res.replace(',', '-')}.json"
            lint(target, res, f"json:{file}")
            return json.loads(file.read_text("utf-8"))

        @cache
        def page(target: str, res: str) -> Written:
            file = folder / f"{target}-{res.replace(',', '-')}.html"
            lint(target, res, f"html:{file}")
            return Written(file, lambda sizes: report_at(target, sizes))

        yield page


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: model[0])
def page(request: pytest.FixtureRequest, written: Callable[..., Written]) -> Written:
    """The page of each model in turn."""
    return written(*request.param)


@pytest.fixture
def tab(page: Written, running: Any) -> Iterator[Opened]:
    """That page, opened anew for every test."""
    with opened(running, page.file) as tab:
        yield tab
