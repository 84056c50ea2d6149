"""Whose modules an import finds: the user's code its own, installed code what is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.helpers.program import RFLINT, rflint, write

SHADOWS = dict.fromkeys(
    (
        *("logging.py", "json.py", "rich.py", "click.py", "typing.py", "dataclasses.py"),
        *("fractions.py", "tomllib.py", "inspect.py", "torch.py", "numpy.py", "queue.py"),
        *("cProfile.py", "sympy/__init__.py", "colorama.py", "xml.py", "html.py", "copy.py"),
    ),
    "raise SystemExit('shadowed')\n",
)
NET = """
from torch import nn
import logging, queue_of_ours

def build():
    return nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU())
"""
OURS = {"net.py": NET, "queue_of_ours.py": "import statistics\nassert statistics.OURS\n"}
OURS["statistics.py"] = "OURS = True\n"
PROGRAMS = [(RFLINT,), (sys.executable, "-m", "rflint"), (sys.executable, "-Xdev", "-mrflint")]


@pytest.mark.parametrize("program", PROGRAMS, ids=["rflint", "-m rflint", "-mrflint"])
def test_files_named_like_modules_of_others_are_not_taken_for_them(
    tmp_path: Path, program: tuple[str, ...]
) -> None:
    """Nor by what PyTorch imports late (torch.export), or reports do; the user's code finds its."""
    configuration = '[[models]]\ntarget = "net:build"\nres = 8\n'
    write(tmp_path, {**SHADOWS, **OURS, "rflint.toml": configuration, "below/x.txt": ""})
    formats = ("--format", "json", "--format", "junit:report.xml", "--tracer", "export")
    ran = rflint("-q", *formats, cwd=tmp_path / "below", program=program)
    assert (ran.status, ran.err) == (0, "")
    assert ran.report["models"][0]["tracer"] == "export"
    text = rflint("net.py:build", "--res", "8", "--no-cache", cwd=tmp_path, program=program)
    assert (text.status, text.err) == (0, "")


@pytest.mark.parametrize("program", PROGRAMS, ids=["rflint", "-m rflint", "-mrflint"])
@pytest.mark.parametrize("arguments", [("--help",), ("rule", "RF101"), ("--show-files",)])
def test_nor_where_there_is_no_target(
    tmp_path: Path, program: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    write(tmp_path, {**SHADOWS, **OURS, "rflint.toml": '[[models]]\ntarget = "net:build"\n'})
    ran = rflint(*arguments, cwd=tmp_path, program=program)
    assert (ran.status, ran.err) == (0, "")


INSTALLED = {
    "site-packages/framework/__init__.py": """
        import importlib
        from torch import nn
        try:
            import options
        except ModuleNotFoundError:
            options = None

        def build(layer=""):
            assert options is None
            if not layer:
                return nn.Conv2d(3, 3, 3)
            module, _, name = layer.rpartition(".")
            return getattr(importlib.import_module(module), name)()
    """,
}
HERE = {
    "options.py": "raise SystemExit('not meant')\n",
    "layers.py": "from torch import nn\nimport widths\n\ndef wide():\n"
    "    return nn.Conv2d(3, widths.WIDTH, 1)\n",
    "widths.py": "WIDTH = 7\n",
}


@pytest.mark.parametrize(("layer", "parameters"), [("", 84), ("layers.wide", 28)])
def test_installed_code_finds_what_it_is_told_the_name_of(
    tmp_path: Path, layer: str, parameters: int
) -> None:
    """And no module of the current folder that only happens to have the name of another."""
    write(tmp_path, INSTALLED | {f"here/{name}": text for name, text in HERE.items()})
    arguments = ("framework:build", "--arg", f"layer={layer!r}", "--input", "1x3x8x8")
    path = str(tmp_path / "site-packages")
    ran = rflint(*arguments, "--format", "json", cwd=tmp_path / "here", PYTHONPATH=path)
    assert ran.err == ""
    assert ran.report["models"][0]["totals"]["params"] == parameters


LOADER = """
    import importlib, pathlib, sys
    found = list(sys.path)
    sys.path.insert(1, str(pathlib.Path(__file__).parent / "binary"))
    this = sys.modules.pop("images")
    native = importlib.import_module("images")
    sys.modules["images"], sys.path = this, found
    CHANNELS = native.CHANNELS
"""
"""A package that stands for a binary module of its own name, as opencv-python does."""


def test_an_installed_package_finds_what_lies_in_its_own_folders(tmp_path: Path) -> None:
    net = "import images\nfrom torch import nn\n\ndef build():\n"
    net += "    return nn.Conv2d(images.CHANNELS, 3, 3)\n"
    packages = {"images/__init__.py": LOADER, "images/binary/images.py": "CHANNELS = 4\n"}
    write(tmp_path, {f"site-packages/{name}": text for name, text in packages.items()})
    write(tmp_path, {"here/net.py": net})
    path = str(tmp_path / "site-packages")
    for target in ("net.py:build", "net:build"):
        arguments = (target, "--res", "8", "--format", "json", "--no-cache")
        ran = rflint(*arguments, cwd=tmp_path / "here", PYTHONPATH=path)
        assert ran.err == ""
        assert ran.report["models"][0]["inputs"] == [[1, 4, 8, 8]]


def test_a_folder_comes_before_what_is_installed_for_its_own_code(tmp_path: Path) -> None:
    write(tmp_path, INSTALLED | {"here/framework.py": NET.replace("queue_of_ours", "re")})
    path = str(tmp_path / "site-packages")
    lint = ("framework:build", "--res", "8", "--show-files")
    ran = rflint(*lint, cwd=tmp_path / "here", PYTHONPATH=path)
    assert ran.out == "framework:build\n  framework.py\n"
    ran = rflint(*lint[:-1], "--format", "json", cwd=tmp_path / "here", PYTHONPATH=path)
    assert ran.report["models"][0]["totals"]["layers"] == 2


def test_a_target_whose_name_is_taken_is_told_how_to_be_named(tmp_path: Path) -> None:
    write(tmp_path, {"json.py": NET.replace("queue_of_ours", "re")})
    ran = rflint("json:build", "--res", "8", cwd=tmp_path)
    assert ran.status == 2
    assert "json is a module that PyTorch or Python has imported, and not json.py" in ran.err
    assert "Name the file: json.py:ATTRIBUTE" in ran.err
    assert rflint("json.py:build", "--res", "8", cwd=tmp_path).status == 0
