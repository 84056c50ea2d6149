"""What a sweep goes through: patterns, search spaces, plain targets."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from rflint.errors import BuildFailed, ImportFailed, TrainsWhenLoaded, UsageError
from rflint.tracing.model.build import build
from rflint.usecases.sweep.sources import Candidate, expand, items
from tests.helpers.program import write
from zoo.torchvision_import import import_torchvision

import_torchvision()

NETS = """
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4, depth=1):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)

    def forward(self, x):
        return self.conv(x)

def net_small():
    return Net(2)

def net_of(width):
    return Net(width)

def helper():
    return 3

def _private():
    return Net()
"""
SPACES = """
import torch
from torch import nn
from nets import Net

def grid():
    print("going through")
    for width in (2, 4, 4):
        yield f"w{width}", lambda: Net(width)

LISTED = [("a", Net, {"width": 3}), ["b", Net, [5]], ("c", Net, None)]
BY_NAME = {"small": Net, "large": Net}
WALKED = iter([("a", Net), ("b", Net)])

def annotated() -> "list[tuple[str, object]]":
    return [("a", Net)]

def fails():
    yield "fine", Net
    raise ValueError("no more")

def exits():
    yield "fine", Net
    raise SystemExit(3)

def trains():
    yield "fine", Net
    net = Net()
    torch.optim.SGD(net.parameters(), 0.1).step()
    yield "late", Net

def endless():
    n = 0
    while True:
        n += 1
        yield f"n{n}", Net, {"width": n}

def needs(width):
    yield "a", Net

NO_BUILDER = [("a", Net), ("b", 3)]
NO_TUPLE = [("a", Net), Net]
NO_ARGUMENTS = [("a", Net, 3)]
NO_TEXTS = [("a", Net, {1: 2})]
"""


def targets(source: str, root: Path) -> list[str]:
    return [x.target for x in expand(source, root)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files whose names no other test uses: what is imported stays imported."""
    write(tmp_path, {"nets.py": NETS, "spaces.py": SPACES})
    return tmp_path


@pytest.mark.parametrize("source", ["spaces_of_nobody:build", "timm:resnet18", "hf:ResNetConfig"])
def test_a_plain_target_is_itself(source: str, tmp_path: Path) -> None:
    """Also one that cannot be imported: linting it says why."""
    assert list(expand(source, tmp_path)) == [Candidate(source, source)]


def test_a_file_that_shows_what_a_target_is_is_not_imported(tmp_path: Path) -> None:
    write(tmp_path, {"loud.py": f"raise SystemExit('imported')\n{NETS}"})
    assert targets("loud.py:Net", tmp_path) == ["loud.py:Net"]


def test_a_malformed_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no target"):
        targets("nets.py:a b", tmp_path)


def test_a_pattern_names_what_can_be_called_without_arguments(project: Path) -> None:
    assert targets("nets.py:*", project) == ["nets.py:Net", "nets.py:net_small"]
    assert targets("nets:net_*", project) == ["nets:net_small"]
    assert targets("*.py:Net", project) == ["nets.py:Net"]


def test_a_package_offers_what_its_init_imports(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "zoo_of/__init__.py": "from .nets import *\nfrom .more import Other as Renamed\n",
            "zoo_of/nets.py": NETS,
            "zoo_of/more.py": "from .nets import Net\nclass Other(Net):\n    pass\n",
        },
    )
    assert targets("zoo_of:*", tmp_path) == ["zoo_of:Net", "zoo_of:net_small", "zoo_of:Renamed"]
    assert targets("zoo_of.*:*", tmp_path) == [
        "zoo_of.more:Other",
        "zoo_of.nets:Net",
        "zoo_of.nets:net_small",
    ]
    assert targets("zoo_of/:Oth*", tmp_path) == ["zoo_of/more.py:Other"]
    assert targets("zoo_of/m*.py:*", tmp_path) == ["zoo_of/more.py:Other"]


def test_what_all_lists_is_all_that_a_module_offers(tmp_path: Path) -> None:
    write(tmp_path, {"listed.py": NETS + "\n__all__ = ['net_small']\n"})
    assert targets("listed.py:*", tmp_path) == ["listed.py:net_small"]


def test_a_pattern_that_nothing_matches_says_what_is_there(project: Path) -> None:
    with pytest.raises(UsageError) as caught:
        targets("nets.py:resnet*", project)
    assert caught.value.hint == "There is: Net, net_small."


def test_a_pattern_of_what_needs_arguments_says_which(project: Path) -> None:
    with pytest.raises(UsageError, match="net_of cannot be called") as caught:
        targets("nets.py:net_o*", project)
    assert caught.value.hint.startswith("net_of needs width")


def test_a_pattern_in_no_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="no module named 'nobody_has_this'"):
        targets("nobody_has_this:*", tmp_path)
    with pytest.raises(UsageError, match="names no models"):
        targets("*", tmp_path)


def test_patterns_name_models_of_registries(tmp_path: Path) -> None:
    import timm
    from torchvision import models

    assert targets("timm:resnet*d", tmp_path) == [f"timm:{x}" for x in timm.list_models("resnet*d")]
    assert targets("torchvision:*", tmp_path) == [f"torchvision:{x}" for x in models.list_models()]


def test_a_pattern_names_configurations_of_transformers(tmp_path: Path) -> None:
    found = targets("hf:ResNe*", tmp_path)
    assert "hf:ResNetConfig" in found
    assert all(x.endswith("Config") for x in found)


def test_patterns_may_choose_among_characters_where_no_item_can_be_meant(tmp_path: Path) -> None:
    assert targets("timm:resnet[12]8", tmp_path) == ["timm:resnet18"]


def test_a_pattern_that_no_registry_knows_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="torchvision has no model") as caught:
        targets("torchvision:resnet18x*", tmp_path)
    assert "torchvision" not in caught.value.hint
    assert "resnet18" in caught.value.hint


def test_a_module_of_an_installed_package_offers_its_builders(tmp_path: Path) -> None:
    from torchvision import models

    found = targets("torchvision.models:*", tmp_path)
    of_registry = set(models.list_models(module=models))
    assert of_registry <= {x.removeprefix("torchvision.models:") for x in found}
    assert "torchvision.models:get_model" not in found
    assert "torchvision.models:ResNet" not in found


def test_described_models_are_found_in_folders(tmp_path: Path) -> None:
    write(tmp_path, {"conf/a.yaml": "", "conf/b.yaml": ""})
    assert targets("hydra:conf/*.yaml#model", tmp_path) == [
        "hydra:conf/a.yaml#model",
        "hydra:conf/b.yaml#model",
    ]
    with pytest.raises(UsageError, match="matches no file"):
        targets("hydra:none/*.yaml", tmp_path)


def test_items_of_a_generator_are_named_and_numbered(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = "spaces.py:grid"
    assert list(expand(source, project)) == [
        Candidate("spaces.py:grid[w2]", source, 0),
        Candidate("spaces.py:grid[w4]", source, 1),
        Candidate("spaces.py:grid[w4#2]", source, 2),
    ]
    assert capfd.readouterr() == ("", "going through\n")


def test_single_items_are_named_as_reports_name_them(project: Path) -> None:
    source = "spaces.py:grid"
    assert list(expand(f"{source}[w4#2]", project)) == [Candidate(f"{source}[w4#2]", source, 2)]
    assert targets(f"{source}[w4*]", project) == [f"{source}[w4]", f"{source}[w4#2]"]
    assert targets("spaces.py:endless[n7]", project) == ["spaces.py:endless[n7]"]


@pytest.mark.parametrize("source", ["spaces.py:grid[w9]", "nets.py:Net[w2]", "nets.py:Net[*]"])
def test_an_item_that_is_not_there_is_an_error(project: Path, source: str) -> None:
    with pytest.raises(UsageError, match="has no item"):
        targets(source, project)


def test_builders_see_the_variables_of_their_own_step(project: Path) -> None:
    widths = [
        build(builder, arguments, name).model.conv.out_channels
        for name, builder, arguments in items("spaces.py:grid", project)
    ]
    assert widths == [2, 4, 4]


@pytest.mark.parametrize("source", ["grid", "LISTED", "BY_NAME", "annotated"])
@pytest.mark.parametrize("start", [0, 1, 2])
def test_items_come_as_they_are_named(project: Path, source: str, start: int) -> None:
    source = f"spaces.py:{source}"
    named = [f"{source}[{name}]" for name, _, _ in items(source, project, start=start)]
    assert named == targets(source, project)[start:]


def test_arguments_are_keywords_or_positional(project: Path) -> None:
    widths = [
        build(builder, arguments, name).model.conv.out_channels
        for name, builder, arguments in items("spaces.py:LISTED", project)
    ]
    assert widths == [3, 5, 4]


def test_an_iterator_is_walked(project: Path) -> None:
    assert targets("spaces.py:WALKED", project) == ["spaces.py:WALKED[a]", "spaces.py:WALKED[b]"]


def test_a_space_without_end_is_walked_as_far_as_one_likes(project: Path) -> None:
    source = "spaces.py:endless"
    first = itertools.islice(expand(source, project), 3)
    assert [x.target for x in first] == [f"{source}[n{n}]" for n in (1, 2, 3)]
    name, _, arguments = next(items(source, project, start=5000))
    assert (name, arguments) == ("n5001", {"width": 5001})


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("fails", BuildFailed, "raised ValueError: no more for item 1"),
        ("exits", BuildFailed, "called sys.exit(3) for item 1"),
        ("trains", TrainsWhenLoaded, "takes an optimiser step"),
        ("NO_BUILDER", UsageError, "item 1 of spaces.py:NO_BUILDER has an int for its builder"),
        ("NO_TUPLE", UsageError, "item 1 of spaces.py:NO_TUPLE is a type"),
    ],
)
def test_what_comes_before_an_error_is_given(
    project: Path, name: str, error: type[Exception], says: str
) -> None:
    found = expand(f"spaces.py:{name}", project)
    assert next(found).position == 0
    with pytest.raises(error) as caught:
        next(found)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["NO_ARGUMENTS", "NO_TEXTS", "needs"])
def test_what_is_no_item_is_refused(project: Path, name: str) -> None:
    with pytest.raises((UsageError, BuildFailed), match="item 0"):
        targets(f"spaces.py:{name}", project)
