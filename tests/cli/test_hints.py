"""What is said to a person who typed something else than they meant, and what to do instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from torch import Tensor, nn

import rflint
from rflint.cli import subcommands
from rflint.cli.commands import CommonOptions, command, completed
from rflint.configuration.configuration import Configuration, ConfiguredModel
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request, requests_for
from rflint.errors import RflintError, UsageError
from rflint.inputs.notation import read_shape
from rflint.text.subcommands import SUBCOMMANDS
from rflint.text.suggest import similar
from rflint.usercode.file_hints import missing_file
from rflint.usercode.module_place import module_place
from rflint.usercode.target import check_target, load_target
from rflint.usercode.target_hints import (
    missing_module,
    without_colon,
)
from tests.helpers.forked import Forked
from tests.helpers.program import write

NET = """
from torch import nn

def build(width=8):
    return nn.Sequential(
        nn.Conv2d(3, width, 9, padding=4), nn.MaxPool2d(2), nn.Conv2d(width, 8, 9, padding=4),
        nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10),
    )

class UNet(nn.Module):
    pass
"""
CONFIGURATION = """
[[models]]
target = "models/net.py:build"
name = "unet"
res = 16
args = { width = 4 }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, {"rflint.toml": CONFIGURATION, "models/net.py": NET, "models/__init__.py": ""})
    nets = "from torch import nn\nclass Net(nn.Sequential): pass\n"
    write(tmp_path, {"models/nothing_here.py": "x = 1\n", "src/shop/nets.py": nets})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configured(root: Path) -> Configuration:
    model = ConfiguredModel("models/net.py:build", "unet", ModelOptions(res=((16, 16),)))
    return Configuration(root, models=(model,))


def asked(root: Path, target: str, **more: object) -> Request:
    (found,) = requests_for([target], ModelOptions(**more), configured(root), (), lenient=True)  # type: ignore[arg-type]
    return found


# -- what was meant


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("unett", "Did you mean unet?"),
        ("Unet", "Did you mean unet?"),
        ("fixx", "Did you mean rflint fix?"),
        ("rul", "Did you mean rflint rule?"),
        ("pkg.mod.attr", "Did you mean pkg.mod:attr?"),
        ("torchvision.models.resnet18", "Did you mean torchvision.models:resnet18?"),
        ("models.net", "Say which attribute builds it: models.net:build."),
        ("models/net.py", "Say which attribute builds it: models/net.py:build."),
        ("models/nett.py", "There is no file models/nett.py. Did you mean models/net.py?"),
        ("models/nothing_here.py", "Nothing in it is a model at first sight."),
        ("models/", "rflint --list-targets models/"),
        ("models", "rflint --list-targets models"),
        ("models.net.build", "Did you mean models.net:build? A colon stands"),
        ("models.net.bild", "Did you mean models.net:build? A colon stands"),
        ("models.net.UNet.layer", "Did you mean models.net:UNet.layer? A colon stands"),
        ("shop.nets.Nett", "Did you mean shop.nets:Net? A colon stands"),
        ("shop.nets", "Say which attribute builds it: shop.nets:Net."),
        ("something", "like mymodel:build"),
    ],
)
def test_a_target_without_a_colon(project: Path, target: str, hint: str) -> None:
    with pytest.raises(UsageError) as failed:
        check_target(target, project, asked(project, target).hint)
    assert hint in failed.value.hint


def test_the_subcommands_are_known() -> None:
    assert set(SUBCOMMANDS) == set(subcommands.commands)


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("models/nett.py:build", "Did you mean models/net.py?"),
        ("modles/net.py:build", "There is no folder modles."),
        ("modls:build", "Did you mean models?"),
        ("models.nett:build", "Did you mean models.net?"),
        ("models/net.py:bild", "Did you mean build?"),
        ("models/net.py:unet", "Did you mean UNet?"),
        ("models/net.py:Transformer", "It defines: UNet, build."),
    ],
)
def test_a_name_that_is_nearly_right(project: Path, target: str, hint: str) -> None:
    def loaded() -> None:
        check_target(target, project)
        load_target(target, project)

    with pytest.raises(RflintError) as failed:
        loaded()
    assert hint in failed.value.hint


def test_nothing_is_suggested_where_nothing_is_alike(project: Path) -> None:
    assert missing_file("xyz.py", project / "models") == ""
    nowhere = missing_module("xyz", module_place("xyz", project), project)
    assert nowhere == f"Looked for an installed package and in {project}, {project}/src."
    assert similar("xyz", ["build", "UNet"]) == []
    assert without_colon("xyz").startswith("What there is: rflint --list-targets. Say which")


def test_a_folder_is_told_how_it_is_listed(project: Path) -> None:
    (project / "experiments").mkdir()
    says = "It is a folder. What it has to lint: rflint --list-targets"
    assert without_colon("experiments", root=project) == f"{says} experiments"
    assert without_colon("models/", root=project) == f"{says} models/"
    (project / "rules").mkdir()
    assert without_colon("rules", root=project).startswith("Did you mean rflint rule?")


def test_a_name_of_a_registry_gets_its_scheme() -> None:
    """Read from the packages' files, which are not imported for that."""
    assert without_colon("resnet18") == "Did you mean timm:resnet18 or torchvision:resnet18?"
    assert without_colon("vit_tiny_patch16_224") == "Did you mean timm:vit_tiny_patch16_224?"
    assert "timm" not in without_colon("checkpoint_filter_fn")


def test_a_name_in_a_module_of_a_package_is_found(project: Path) -> None:
    write(project, {"goods/__init__.py": "", "goods/net.py": NET})
    with pytest.raises(RflintError) as raised:
        load_target("goods:UNet", project)
    assert raised.value.hint == "Did you mean goods.net:UNet?"
    with pytest.raises(RflintError) as raised:
        load_target("goods:Xyz", project)
    assert raised.value.hint == "What it has to lint: rflint --list-targets goods"


def test_a_file_with_a_syntax_error_is_not_said_to_have_no_model(project: Path) -> None:
    write(project, {"models/wrong.py": "class Net:\n    def f(self)\n        pass\n"})
    for target in ("models/wrong.py", "models.wrong"):
        assert without_colon(target, root=project) == (
            "It cannot be read: models/wrong.py:2: expected ':'."
        )


def test_notebooks_are_told_of(project: Path, forked: Forked) -> None:
    write(project, {"books/try.ipynb": "{}"})
    says = "Notebooks are not read: put what builds the model into a .py file"
    assert without_colon("books/try.ipynb", root=project).startswith(says)
    with pytest.raises(UsageError) as raised:
        check_target("books/try.ipynb:Net", project)
    assert raised.value.hint.startswith(says)
    listed = forked.rflint("--list-targets", "books", cwd=project)
    assert (listed.status, listed.out) == (0, "")
    assert f"no model was found. {says}" in listed.err
    assert says in forked.rflint("init", "books", "--yes", cwd=project).err
    write(project, {"books/other.py": "x = 1\n"})
    assert forked.rflint("--list-targets", "books", cwd=project).err == (
        "rflint: no model was found.\n"
    )


def test_a_path_from_the_configuration_is_told_from_here(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "scripts").mkdir()
    monkeypatch.chdir(project / "scripts")
    hint = asked(project, "models/net.py:build").hint
    assert hint == "From here it is ../models/net.py:build."
    assert asked(project, "../models/net.py:build").hint == ""


# -- commands to copy


def test_a_command_says_what_was_said(project: Path) -> None:
    def said(target: str, options: ModelOptions, **more: object) -> str:
        (request,) = requests_for([target], options, configured(project), (), lenient=True)
        return command(request, CommonOptions(options, **more), "fix")  # type: ignore[arg-type]

    assert said("unet", ModelOptions()) == "rflint fix unet"
    assert said("models/net.py:build", ModelOptions()) == "rflint fix unet"
    assert said("unet", ModelOptions(res=((64, 32),))) == "rflint fix unet --res 64x32"
    assert said("other.py:f", ModelOptions(args={"a": "two words", "b": 3}, train=True)) == (
        "rflint fix other.py:f --arg 'a=two words' --arg b=3 --train"
    )
    inputs = (read_shape("1x3x8x8"), read_shape("ids=1x20:int64"))
    assert said("m:f", ModelOptions(input=inputs), config=Path("x.toml")) == (
        "rflint fix m:f --config x.toml --input 1x3x8x8 --input ids=1x20:int64"
    )
    allowed = ModelOptions(allow_training=True, allow_downloads=True)
    assert said("m:f", allowed) == "rflint fix m:f --allow-training --allow-downloads"


def test_models_of_one_target_are_told_apart_in_it(project: Path) -> None:
    models = tuple(
        ConfiguredModel("net:f", options=ModelOptions(res=((8,),), args={"width": width}))
        for width in (1, 2)
    )
    found = requests_for(
        (), ModelOptions(), Configuration(project, models=models), (), lenient=True
    )
    assert [command(x, CommonOptions(ModelOptions())) for x in found] == [
        f"rflint net:f --isolated --res 8 --arg width={width}" for width in (1, 2)
    ]


def test_a_hint_comes_with_the_whole_command(project: Path) -> None:
    given = ModelOptions(res=((8,),), args={"a": 1})
    (request,) = requests_for(["net:f"], given, Configuration(project), (), lenient=True)
    says = "Give --arg b=VALUE --arg c=VALUE. Its parameters: a, b, c."
    hint = completed(says, request, CommonOptions(given))
    assert hint.endswith("\nrflint net:f --res 8 --arg a=1 --arg b=VALUE --arg c=VALUE")
    weightless = completed("Build it without: --arg weights=None.", request, CommonOptions(given))
    assert weightless.endswith("\nrflint net:f --res 8 --arg a=1 --arg weights=None")
    says = "Give every input, like --input x=1x3x8x8 --input batch.t=500:int64"
    named = ModelOptions(res=((8,),), input=(read_shape("x=1x3x8x8"),))
    hint = completed(says, request, CommonOptions(named))
    assert hint.endswith("\nrflint net:f --res 8 --input x=1x3x8x8 --input batch.t=500:int64")
    hint = completed("Say how many: --input 1x128:int64", request, CommonOptions(given))
    assert hint.endswith("\nrflint net:f --res 8 --arg a=1 --input 1x128:int64")
    plain = "give --input if it should be another."
    assert completed(plain, request, CommonOptions(given)) == plain


# -- a configured model's repair


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        ("It runs on A and B: --res 48x64 or --res 64x80", ["--res", "48x64"]),
        (
            "It runs on A and B: --input a=1x48 --input b=1x48 or --input a=1x64 --input b=1x64",
            ["--input", "a=1x48", "--input", "b=1x48"],
        ),
    ],
)
def test_of_sizes_that_would_do_the_command_has_the_first(
    project: Path, hint: str, words: list[str]
) -> None:
    request = asked(project, "unet")
    found = completed(hint, request, CommonOptions(ModelOptions()))
    assert found == "\n".join([hint, " ".join(["rflint unet", *words])])


def test_a_configured_model_is_repaired_by_its_name(forked: Forked, project: Path) -> None:
    listed = forked.rflint("unet", cwd=project)
    assert "Write one as code: rflint fix unet --repair 1" in listed.out
    by_name = forked.rflint("fix", "unet", cwd=project)
    assert by_name.status == 0, by_name.err
    assert "build(width=4)" in by_name.out
    by_target = forked.rflint("fix", "models/net.py:build", cwd=project)
    assert by_target.out == by_name.out
    below = project / "scripts"
    below.mkdir()
    there = forked.rflint("fix", "unet", "--output", "patched.py", "--quiet", cwd=below)
    assert (there.status, there.out, there.err) == (0, "", "")
    linted = forked.rflint("patched.py:build", "--res", "16", "--isolated", cwd=below)
    assert linted.status == 0, linted.out + linted.err


def test_quiet_repairs_still_fail_aloud(forked: Forked, project: Path) -> None:
    ran = forked.rflint("fix", "unett", "--quiet", cwd=project)
    assert ran.status == 2
    assert "Did you mean unet?" in ran.err


# -- a baseline that is not to be held against


def test_without_the_baseline_everything_is_found(forked: Forked, project: Path) -> None:
    assert forked.rflint(cwd=project).status == 1
    assert forked.rflint("--write-baseline", cwd=project).status == 0
    assert forked.rflint(cwd=project).status == 0
    assert forked.rflint("--no-baseline", cwd=project).status == 1
    for other in (("--baseline", "x.json"), ("--write-baseline",)):
        refused = forked.rflint("--no-baseline", *other, cwd=project)
        assert refused.status == 2
        assert "contradict" in refused.err


def test_it_is_told_why_an_answer_is_not_used_again(forked: Forked, project: Path) -> None:
    net = project / "models/net.py"
    for file in project.rglob("*.*"):
        os.utime(file, (1e9, 1e9))  # what has only just changed is not kept
    forked.rflint(cwd=project)
    again = forked.rflint("--verbose", cwd=project)
    assert "unet was answered by the cache" in again.err
    net.write_text(NET + "\nx = 1\n")
    anew = forked.rflint("--verbose", cwd=project)
    assert "unet was linted anew: " in anew.err
    assert "models/net.py has changed" in anew.err


# -- where and what to do


PACKAGE = """
import torch
from torch import nn

def fails():
    return pieces()

def pieces():
    raise ValueError("no such variant")

class Reads(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        x = self.conv(x)
        if x.mean() > 0:
            return x
        return -x
"""


def test_what_fails_in_an_installed_package_has_its_line(forked: Forked, tmp_path: Path) -> None:
    installed = tmp_path / "lib/site-packages"
    here = tmp_path / "here"
    here.mkdir()
    write(installed, {"zoo/__init__.py": PACKAGE})
    user = "import zoo\n\ndef mine():\n    return zoo.fails()\n"
    write(here, {"net.py": user})
    path = {"PYTHONPATH": str(installed)}
    file = installed / "zoo/__init__.py"
    failed = forked.rflint("zoo:fails", "--res", "16", cwd=here, **path)
    assert f"{file}:9: zoo:fails raised ValueError: no such variant" in failed.err
    through = forked.rflint("net.py:mine", "--res", "16", cwd=here, **path)
    assert "net.py:4: net.py:mine raised ValueError" in through.err
    ends = forked.rflint("zoo:Reads", "--res", "16", "-q", cwd=here, **path)
    assert f"{file}:18: RF902" in ends.out, ends.err


class Rounds(nn.Module):
    """Halves three times and doubles back."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 2, stride=2)
        self.deep = nn.Conv2d(8, 8, 2, stride=2)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        import torch

        x = self.down(x)
        return torch.cat((x, self.up(self.deep(x))), 1)


def test_sizes_that_do_not_run_say_what_to_try() -> None:
    with pytest.raises(RflintError) as failed:
        rflint.lint(Rounds, 18)
    assert "cannot concatenate 1x8x9x9 and 1x8x8x8" in failed.value.message
    assert "pad or crop one of them" in failed.value.hint
    assert failed.value.hint.endswith("res=17 or res=20")
    with pytest.raises(RflintError) as failed:
        rflint.lint(lambda: nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.Conv2d(8, 1, 4)), 12)
    assert "its kernel spans 4 positions" in failed.value.message
    assert "has become too small" in failed.value.hint
    assert failed.value.hint.endswith("the smallest size that does: res=16")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('baseline = "nope.json"', "rflint.toml:1: there is no baseline nope.json"),
        ('format = ["sarif:"]', "rflint.toml:1: format: 'sarif:' names no file behind its colon"),
        ('rules = ["nope"]', "rflint.toml:1: there is no rule file or folder nope"),
    ],
)
def test_what_a_configuration_names_in_vain_has_its_line(
    forked: Forked, project: Path, line: str, says: str
) -> None:
    (project / "rflint.toml").write_text(f"{line}\n{CONFIGURATION}")
    ran = forked.rflint(cwd=project)
    assert ran.status == 2
    assert says in ran.err.replace(f"{project}/", "")


@pytest.mark.parametrize("module", ["importing", "building"])
def test_data_beside_a_script_is_found_where_its_path_is_relative(
    project: Path, module: str, forked: Forked
) -> None:
    opens = "open('data/train.csv').read()"
    write(project / "scripts", {"data/train.csv": "1\n"})
    write(
        project / "scripts",
        {
            "importing.py": f"from torch import nn\nrows = {opens}\n",
            "building.py": f"from torch import nn\ndef build():\n    {opens}\n",
        },
    )
    ran = forked.rflint("--isolated", f"scripts/{module}.py:build", "--res", "32", cwd=project)
    assert ran.status == 2
    assert "data/train.csv is relative to the current folder, and it lies in scripts" in ran.err


def test_the_usage_of_a_script_is_told_under_its_own_name(project: Path, forked: Forked) -> None:
    write(
        project,
        {
            "args.py": "import argparse\np = argparse.ArgumentParser()\n"
            "p.add_argument('--data', required=True)\nargs = p.parse_args()\n"
        },
    )
    ran = forked.rflint("--isolated", "args.py:Net", "--res", "32", cwd=project)
    assert "usage: args.py " in ran.err
    assert "args.py: error: the following arguments are required: --data" in ran.err
    assert "rflint: error: the following" not in ran.err


def test_a_model_of_one_input_is_not_told_to_make_a_list_of_what_is_not_alike() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3))
    with pytest.raises(RflintError) as unlike:
        rflint.lint(net, input=[(1, 3, 32, 32), (1, 5)])
    assert "takes 1 input" in unlike.value.message
    assert unlike.value.hint == "Give input= once."
    with pytest.raises(RflintError) as alike:
        rflint.lint(net, input=[(1, 3, 32, 32), (1, 3, 32, 32)])
    assert "input.0=" in alike.value.hint
