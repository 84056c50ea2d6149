"""Projects as they lie, without being installed: src layouts, packages, namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rflint.usercode.module_place import module_place
from tests.helpers.aged_files import aged
from tests.helpers.forked import Forked
from tests.helpers.program import Ran, write

NET = """
from torch import nn
from ..layers import conv

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv = conv(3, width)

    def forward(self, x):
        return self.conv(x)
"""
LAYERS = """
from torch import nn

def conv(i, o):
    return nn.Conv2d(i, o, 3, padding=1)
"""
PACKAGE = {"__init__.py": "", "layers.py": LAYERS, "models/__init__.py": "", "models/net.py": NET}


def package(at: str, **changed: str) -> dict[str, str]:
    """The files of a package in a folder, some of them changed."""
    names = {name: name.replace("__", "/") for name in changed} | {"__init__": "__init__"}
    files = PACKAGE | {f"{names[name]}.py": text for name, text in changed.items()}
    return {f"{at}/{name}": text for name, text in files.items()}


def params(ran: Ran) -> list[int]:
    assert ran.status == 0, ran.err
    return [model["totals"]["params"] for model in ran.report["models"]]


def linted(forked: Forked, folder: Path, *arguments: str, **environment: str) -> Ran:
    options = ("--res", "16", "--format", "json", "--no-cache")
    return forked.rflint(*arguments, *options, cwd=folder, **environment)


SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\n[project]\nname = "pkg"\n'
PROJECTS = {
    "setuptools": (SETUPTOOLS, "src/"),
    "setuptools, another folder": (
        SETUPTOOLS + '[tool.setuptools.packages.find]\nwhere = ["python"]\n',
        "python/",
    ),
    "hatch": ('[tool.hatch.build.targets.wheel]\npackages = ["code/pkg"]\n', "code/"),
    "poetry": ('[tool.poetry]\npackages = [{include = "pkg", from = "lib"}]\n', "lib/"),
    "flit": ('[tool.flit.module]\nname = "pkg"\n', "src/"),
    "pdm": ('[tool.pdm.build]\npackage-dir = "lib"\n', "lib/"),
    "flat": (SETUPTOOLS, ""),
    "no build tool": ("", "src/"),
}


@pytest.mark.parametrize(("pyproject", "at"), PROJECTS.values(), ids=PROJECTS.keys())
def test_a_project_is_linted_as_it_lies(
    forked: Forked, tmp_path: Path, pyproject: str, at: str
) -> None:
    """By module and by file, from its folder and from within."""
    write(tmp_path, {"pyproject.toml": pyproject, **package(f"{at}pkg")})
    below = tmp_path / f"{at}pkg/models"
    for folder, targets in (
        (tmp_path, ("pkg.models.net:Net", f"{at}pkg/models/net.py:Net")),
        (below, ("pkg.models.net:Net", "net.py:Net")),
    ):
        assert params(linted(forked, folder, *targets)) == [224, 224]
    shown = forked.rflint("--show-files", "pkg.models.net:Net", cwd=tmp_path)
    for name in PACKAGE:
        assert f"  {at}pkg/{name}\n" in shown.out


NAMESPACE = {
    "src/company/vision/layers.py": LAYERS,
    "src/company/vision/models/net.py": NET,
}


@pytest.mark.parametrize("inner", [False, True])
def test_namespace_packages(forked: Forked, tmp_path: Path, inner: bool) -> None:
    """Below src/, a folder is a package also without an `__init__.py`."""
    write(tmp_path, {"pyproject.toml": SETUPTOOLS, **NAMESPACE})
    if inner:
        write(tmp_path, {"src/company/vision/models/__init__.py": "import company.vision.layers"})
    file = "src/company/vision/models/net.py"
    targets = ("company.vision.models.net:Net", f"{file}:Net")
    assert params(linted(forked, tmp_path, *targets)) == [224, 224]
    assert module_place(file, tmp_path).name == "company.vision.models.net"


def test_relative_imports_without_any_init(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"vision/layers.py": LAYERS, "vision/models/net.py": NET})
    assert params(linted(forked, tmp_path, "vision/models/net.py:Net")) == [224]
    assert params(linted(forked, tmp_path / "vision", "models/net.py:Net")) == [224]


def test_a_project_in_a_project(forked: Forked, tmp_path: Path) -> None:
    """What a file imports is looked for in its own project, wherever rflint is started."""
    inner = NET.replace("from ..layers", "import helpers\nfrom one.layers")
    write(tmp_path, {"pyproject.toml": SETUPTOOLS, **package("src/pkg")})
    write(tmp_path / "libs/one", {"pyproject.toml": "", **package("src/one", models__net=inner)})
    write(tmp_path / "libs/one/src", {"helpers/__init__.py": ""})
    assert params(linted(forked, tmp_path, "libs/one/src/one/models/net.py:Net")) == [224]


def test_two_packages_of_one_name_in_one_run(forked: Forked, tmp_path: Path) -> None:
    wide = LAYERS.replace("o, 3", "2 * o, 3")
    write(tmp_path, package("a/src/pkg") | package("b/src/pkg", layers=wide))
    write(tmp_path, {"a/setup.py": "", "b/setup.py": ""})
    targets = ("a/src/pkg/models/net.py:Net", "b/src/pkg/models/net.py:Net")
    assert params(linted(forked, tmp_path, *targets)) == [224, 448]
    assert params(linted(forked, tmp_path, *reversed(targets))) == [448, 224]


@pytest.mark.parametrize("form", ['pythonpath = ["lib/python"]', 'pythonpath = "lib/python"'])
def test_pythonpath_is_searched_first(forked: Forked, tmp_path: Path, form: str) -> None:
    wide = LAYERS.replace("o, 3", "2 * o, 3")
    write(tmp_path, package("lib/python/pkg", layers=wide) | package("src/pkg"))
    write(tmp_path, {"rflint.toml": f'{form}\n[[models]]\ntarget = "pkg.models.net:Net"\n'})
    assert params(linted(forked, tmp_path)) == [448]
    assert params(linted(forked, tmp_path / "src")) == [448]
    assert params(linted(forked, tmp_path, "pkg.models.net:Net", "--isolated")) == [224]
    shown = forked.rflint("--show-files", cwd=tmp_path)
    assert "lib/python/pkg/layers.py" in shown.out
    assert "src/" not in shown.out


RENAMED = '[tool.setuptools.package-dir]\npkg = "{}"\n'


@pytest.mark.parametrize("imports", ["..layers", "pkg.layers"])
def test_a_package_in_a_folder_of_another_name(
    forked: Forked, tmp_path: Path, imports: str
) -> None:
    """By module and by file; edits of its files and another folder are noticed."""
    net = NET.replace("..layers", imports)
    wide = LAYERS.replace("o, 3", "2 * o, 3")
    aged(tmp_path, package("lib", models__net=net) | package("new", layers=wide))
    aged(tmp_path, {"pyproject.toml": RENAMED.format("lib")})
    targets = ("pkg.models.net:Net", "lib/models/net.py:Net")
    assert params(linted(forked, tmp_path, *targets)) == [224, 224]
    assert params(linted(forked, tmp_path / "lib/models", "net.py:Net")) == [224]
    assert module_place("lib/models/net.py", tmp_path).name == "pkg.models.net"
    shown = forked.rflint("--show-files", *targets, cwd=tmp_path)
    assert shown.out.count("  lib/layers.py\n") == 2
    run = ("pkg.models.net:Net", "--res", "16", "--verbose")
    assert "224 parameters" in forked.rflint(*run, cwd=tmp_path).out
    assert "was answered by the cache" in forked.rflint(*run, cwd=tmp_path).err
    aged(tmp_path, {"pyproject.toml": RENAMED.format("new")})
    assert "448 parameters" in forked.rflint(*run, cwd=tmp_path).out
    aged(tmp_path, {"new/layers.py": LAYERS})
    assert "224 parameters" in forked.rflint(*run, cwd=tmp_path).out


def test_a_package_under_its_own_name_comes_before_a_folder_of_another(
    forked: Forked, tmp_path: Path
) -> None:
    wide = LAYERS.replace("o, 3", "2 * o, 3")
    write(tmp_path, package("lib") | package("pkg", layers=wide))
    write(tmp_path, {"pyproject.toml": RENAMED.format("lib")})
    assert params(linted(forked, tmp_path, "pkg.models.net:Net")) == [448]


def test_pythonpath_that_is_not_there(forked: Forked, tmp_path: Path) -> None:
    model = '[[models]]\ntarget = "net:Net"\n'
    write(tmp_path, {"rflint.toml": f'pythonpath = ["lib"]\n{model}'})
    ran = forked.rflint(cwd=tmp_path)
    assert (ran.status, ran.err) == (
        2,
        "rflint: error: rflint.toml:1: pythonpath: there is no folder lib\n",
    )
    write(tmp_path, {"rflint.toml": f"pythonpath = [1]\n{model}"})
    assert 'should be a list of folders, like ["src"]' in forked.rflint(cwd=tmp_path).err


# -- whose module is meant


def test_modules_of_a_package_hide_nothing_that_is_installed(
    forked: Forked, tmp_path: Path
) -> None:
    """They have any name, and who imports a name means what is installed."""
    names = ("torch", "numpy", "typing_extensions", "sympy", "logging", "click")
    shadows = dict.fromkeys((f"{name}.py" for name in names), "raise SystemExit('shadowed')\n")
    net = NET.replace("from torch", "import logging, click, typing_extensions, sympy\nfrom torch")
    write(tmp_path, {"pyproject.toml": SETUPTOOLS, **package("src/pkg", models__net=net)})
    write(tmp_path / "src/pkg/models", shadows)
    file = "src/pkg/models/net.py:Net"
    assert params(linted(forked, tmp_path, file, "--tracer", "export")) == [224]


def test_an_installed_package_is_not_hidden_by_a_folder(forked: Forked, tmp_path: Path) -> None:
    """As Python has it, a folder without `__init__.py` comes after what is installed."""
    installed = tmp_path / "lib/site-packages"
    write(installed, {"zoo/__init__.py": LAYERS + "\ndef build():\n    return conv(3, 8)\n"})
    write(tmp_path, {"here/zoo/notes.txt": "", "here/src/zoo/notes.txt": ""})
    ran = linted(forked, tmp_path / "here", "zoo:build", PYTHONPATH=str(installed))
    assert params(ran) == [224]


def test_the_project_is_linted_and_not_its_copy_that_is_installed(
    forked: Forked, tmp_path: Path
) -> None:
    installed = tmp_path / "lib/site-packages"
    write(installed, package("pkg", layers=LAYERS.replace("o, 3", "2 * o, 3")))
    write(tmp_path / "here", {"pyproject.toml": SETUPTOOLS, **package("src/pkg")})
    for target in ("pkg.models.net:Net", "src/pkg/models/net.py:Net"):
        ran = linted(forked, tmp_path / "here", target, PYTHONPATH=str(installed))
        assert params(ran) == [224]


def test_a_file_that_needs_nothing_of_its_package_does_without(
    forked: Forked, tmp_path: Path
) -> None:
    net = LAYERS + "\ndef build():\n    return conv(3, 8)\n"
    write(tmp_path, {"pkg/__init__.py": "import not_installed_here\n", "pkg/net.py": net})
    assert params(linted(forked, tmp_path, "pkg/net.py:build")) == [224]


def test_src_may_be_a_part_of_the_name(forked: Forked, tmp_path: Path) -> None:
    net = NET.replace("..layers", "src.pkg.layers")
    write(tmp_path, package("src/pkg", models__net=net))
    file = "src/pkg/models/net.py"
    assert params(linted(forked, tmp_path, f"{file}:Net", "src.pkg.models.net:Net")) == [224, 224]
    assert module_place(file, tmp_path).name == "src.pkg.models.net"


# -- what changes


@pytest.mark.parametrize("target", ["pkg.models.net:Net", "src/pkg/models/net.py:Net"])
def test_a_change_below_src_is_noticed(forked: Forked, tmp_path: Path, target: str) -> None:
    aged(tmp_path, {"pyproject.toml": SETUPTOOLS, **package("src/pkg"), "src/other.py": ""})

    def again() -> str:
        return forked.rflint(target, "--res", "16", "--verbose", cwd=tmp_path).err

    again()
    assert f"{target} was answered by the cache" in again()
    changed = ("--when-changed", "src/pkg/layers.py")
    assert "224" in forked.rflint(target, "--res", "16", *changed, cwd=tmp_path).out
    changed = ("--when-changed", "src/other.py")
    assert "224" not in forked.rflint(target, "--res", "16", *changed, cwd=tmp_path).out
    aged(tmp_path, {"src/pkg/layers.py": LAYERS.replace("o, 3", "2 * o, 3")})
    assert "src/pkg/layers.py has changed" in again()
    assert f"{target} was answered by the cache" in again()


def test_another_layout_is_another_model(forked: Forked, tmp_path: Path) -> None:
    wide = LAYERS.replace("o, 3", "2 * o, 3")
    where = '[tool.setuptools.packages.find]\nwhere = ["{}"]\n'
    aged(tmp_path, package("old/pkg") | package("new/pkg", layers=wide))
    for folder, parameters in (("old", "224"), ("new", "448"), ("old", "224")):
        aged(tmp_path, {"pyproject.toml": where.format(folder)})
        ran = forked.rflint("pkg.models.net:Net", "--res", "16", cwd=tmp_path)
        assert f"{parameters} parameters" in ran.out


def test_a_package_in_front_of_another_is_noticed(forked: Forked, tmp_path: Path) -> None:
    aged(tmp_path, package("src/pkg"))
    run = ("pkg.models.net:Net", "--res", "16")
    assert "224 parameters" in forked.rflint(*run, cwd=tmp_path).out
    aged(tmp_path, package("pkg", layers=LAYERS.replace("o, 3", "2 * o, 3")))
    assert "448 parameters" in forked.rflint(*run, cwd=tmp_path).out
    shutil.rmtree(tmp_path / "pkg")
    assert "224 parameters" in forked.rflint(*run, cwd=tmp_path).out


# -- repairs


@pytest.mark.parametrize("target", ["pkg.models.net:build", "src/pkg/models/net.py:build"])
@pytest.mark.parametrize("folder", [".", "out"])
def test_a_repair_finds_the_package(
    forked: Forked, tmp_path: Path, target: str, folder: str
) -> None:
    net = """
        from torch import nn
        from ..layers import conv

        def build():
            return nn.Sequential(
                conv(3, 8), nn.MaxPool2d(2), conv(8, 8), nn.MaxPool2d(2), conv(8, 8), conv(8, 8),
                conv(8, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10),
            )
    """
    write(tmp_path, {"pyproject.toml": SETUPTOOLS, **package("src/pkg", models__net=net)})
    (tmp_path / folder).mkdir(exist_ok=True)
    file = os.path.normpath(f"{folder}/patched.py")
    ran = forked.rflint("fix", target, "--res", "16", "--output", file, cwd=tmp_path)
    assert ran.status == 0, ran.err
    there = forked.rflint(f"{file}:build", "--res", "16", cwd=tmp_path)
    assert there.status == 0, there.out + there.err
    # and without rflint, which knows where to look
    program = f"import runpy; runpy.run_path({file!r})['build']()"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


# -- what is missing


DEPENDENCIES = SETUPTOOLS + 'dependencies = ["torch", "not-installed-here"]\n'
EXTRA = SETUPTOOLS + 'optional-dependencies = { train = ["not-installed-here"] }\n'
IMPORTS = "import not_installed_here\n"


@pytest.mark.parametrize(
    ("files", "target", "says"),
    [
        (
            {"pyproject.toml": DEPENDENCIES, **package("src/pkg", layers=IMPORTS)},
            "pkg.models.net:Net",
            (
                "src/pkg/layers.py:1: ",
                "Of the project's dependencies, not-installed-here is not installed",
                "pip install -e .",
            ),
        ),
        (
            {"pyproject.toml": EXTRA, **package("src/pkg", layers=IMPORTS)},
            "src/pkg/models/net.py:Net",
            ("not_installed_here is not installed in the", "pip install -e '.[train]'"),
        ),
        (
            {"requirements.txt": "", "net.py": IMPORTS},
            "net.py:Net",
            ("not_installed_here is not installed in the", "pip install -r requirements.txt"),
        ),
        (
            {
                "pyproject.toml": SETUPTOOLS,
                **package(
                    "src/pkg",
                    __init__="from importlib import metadata\n"
                    "__version__ = metadata.version('pkg')\n",
                ),
            },
            "pkg.models.net:Net",
            ("src/pkg/__init__.py:2: ", "under which version it is installed", "pip install -e ."),
        ),
        (
            {
                "pyproject.toml": SETUPTOOLS,
                **package("src/pkg", layers="from pkg._version import version\n"),
            },
            "pkg.models.net:Net",
            ("No file of the project is pkg._version", "compiled or written", "pip install -e ."),
        ),
        (
            {
                "setup.py": "setup(name='pkg', ext_modules=[])\n",
                **package("src/pkg", layers="from pkg import _C\n"),
            },
            "src/pkg/models/net.py:Net",
            ("cannot import name '_C'", "pkg._C", "pip install -e ."),
        ),
        (
            {
                "pyproject.toml": SETUPTOOLS,
                **package("src/pkg", models__net="from ..layer import x"),
            },
            "src/pkg/models/net.py:Net",
            ("src/pkg/models/net.py:1: ", "Did you mean pkg.layers?"),
        ),
        (
            {"pyproject.toml": SETUPTOOLS, **package("a/b/pkg")},
            "pkg.models.net:Net",
            ("no module named 'pkg'", 'There is one in a/b: write pythonpath = ["a/b"]'),
        ),
        (
            {
                "pyproject.toml": '[tool.setuptools.package-dir]\npkg = "lib"\n',
                "lib/models/net.py": "",
            },
            "pkg.models.net:Net",
            ("pkg is the folder lib, where no __init__.py is", "pip install -e ."),
        ),
        (
            {"pyproject.toml": SETUPTOOLS, **package("src/pkg")},
            "pgk.models.net:Net",
            ("Did you mean pkg?", "/src."),
        ),
        (
            {"pyproject.toml": SETUPTOOLS, **package("src/pkg")},
            "pkg.models.nett:Net",
            ("no module named 'pkg.models.nett'", "Did you mean pkg.models.net?"),
        ),
        (
            {"pyproject.toml": "", **package("src/pkg", models__net="from ....other import x")},
            "pkg.models.net:Net",
            ("beyond top-level package", "out of the package pkg: one dot is the folder"),
        ),
        (
            {"pyproject.toml": "", **package("src/pkg", models__net="from ....other import x")},
            "src/pkg/models/net.py:Net",
            ("importing src/pkg/models/net.py raised", "There is no other.py: one dot is"),
        ),
        (
            package(
                "pkg",
                layers="from pkg.models.net import Net",
                models__net="from ..layers import conv\nclass Net: pass",
            ),
            "pkg.models.net:Net",
            ("circular import", "move one of the imports into the function"),
        ),
        (
            {"net.py": "raise RuntimeError('operator seeing::nms does not exist')\n"},
            "net.py:Net",
            ("The compiled part of seeing did not load", "pip install --upgrade torch seeing"),
        ),
        (
            {
                "net.py": "def build():\n    try:\n"
                "        raise RuntimeError('operator seeing::nms does not exist')\n"
                "    except RuntimeError as error:\n"
                "        raise ImportError('cannot build') from error\n"
            },
            "net.py:build",
            (
                "ImportError: cannot build (from RuntimeError: operator seeing::nms does not",
                "The compiled part of seeing did not load",
            ),
        ),
        (
            {"src/click/__init__.py": "", "src/click/net.py": "from . import x\n"},
            "src/click/net.py:Net",
            ("src/click/net.py is click.net, but Python has imported another click: ", "rename"),
        ),
    ],
)
def test_what_is_missing_is_said(
    forked: Forked, tmp_path: Path, files: dict[str, str], target: str, says: tuple[str, ...]
) -> None:
    write(tmp_path, files)
    ran = forked.rflint(target, "--res", "16", cwd=tmp_path)
    assert ran.status == 2
    for text in says:
        assert text in ran.err


def test_a_configured_model_is_known_by_its_file_and_by_its_module(
    forked: Forked, tmp_path: Path
) -> None:
    """What the configuration says of it counts however the command line spells it."""
    said = '\n[[tool.rflint.models]]\ntarget = "{}"\nname = "ours"\nargs = {{ width = 3 }}\n'
    spellings = ("pkg.models.net:Net", "src/pkg/models/net.py:Net")
    for configured in spellings:
        pyproject = SETUPTOOLS + said.format(configured)
        write(tmp_path, {"pyproject.toml": pyproject, **package("src/pkg")})
        for given in spellings:
            ran = linted(forked, tmp_path, given)
            assert params(ran) == [84]
            assert [x["target"] for x in ran.report["models"]] == [configured]
    below = tmp_path / "src/pkg/models"
    assert params(linted(forked, below, "net.py:Net")) == [84]
    assert params(linted(forked, below, "pkg.models.net:Net", "--isolated")) == [224]
