"""Where packages lie, by what each build tool is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from rflint.errors import UsageError
from rflint.linting.selection import check_code
from rflint.usercode.project_layout import ProjectLayout
from tests.helpers.program import write

PYPROJECTS = {
    "setuptools, all packages": '[tool.setuptools]\npackage-dir = {"" = "lib"}',
    "setuptools, one package": '[tool.setuptools.package-dir]\npkg = "lib/pkg"',
    "setuptools, found": '[tool.setuptools.packages.find]\nwhere = ["lib"]',
    "hatch, packages": '[tool.hatch.build.targets.wheel]\npackages = ["lib/pkg"]',
    "hatch, sources": '[tool.hatch.build.targets.wheel]\nsources = ["lib"]',
    "hatch, a table of sources": '[tool.hatch.build.targets.wheel.sources]\n"lib" = ""',
    "hatch, for all targets": '[tool.hatch.build]\nsources = ["lib"]',
    "hatch, in development": '[tool.hatch.build]\ndev-mode-dirs = ["lib"]',
    "poetry": '[tool.poetry]\npackages = [{ include = "pkg", from = "lib" }]',
    "pdm": '[tool.pdm.build]\npackage-dir = "lib"',
    "uv": '[tool.uv.build-backend]\nmodule-root = "lib"',
    "maturin": '[tool.maturin]\npython-source = "lib"',
    "scikit-build": '[tool.scikit-build]\nwheel.packages = ["lib/pkg"]',
}
OTHERS = {
    "setup.cfg, all packages": {"setup.cfg": "[options]\npackage_dir =\n    = lib\n"},
    "setup.cfg, found": {"setup.cfg": "[options.packages.find]\nwhere = lib\n"},
    "setup.py, all packages": {"setup.py": 'setup(name="x", package_dir={"": "lib"})'},
    "setup.py, found": {"setup.py": 'import setuptools as s\ns.setup(p=s.find_packages("lib"))'},
    "setup.py, found by name": {"setup.py": 'setup(packages=find_packages(where="lib"))'},
}
LAYOUTS = {name: {"pyproject.toml": text} for name, text in PYPROJECTS.items()} | OTHERS


@pytest.mark.parametrize("files", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_what_a_build_tool_is_told(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, {**files, "lib/pkg/net.py": ""})
    found = ProjectLayout.around(tmp_path / "lib/pkg")
    assert found.folder == tmp_path
    assert found.source_folders == (tmp_path / "lib",)


@pytest.mark.parametrize(
    "pyproject",
    ["", "[project]\nname = 'x'\n", "[tool.flit.module]\nname = 'pkg'\n", "not TOML", "tool = 1"],
)
def test_src_needs_no_word(tmp_path: Path, pyproject: str) -> None:
    write(tmp_path, {"pyproject.toml": pyproject, "src/pkg/__init__.py": ""})
    assert ProjectLayout.around(tmp_path).source_folders == (tmp_path / "src",)


@pytest.mark.parametrize(
    "text",
    [
        '[tool.setuptools]\npackage-dir = {"" = "gone"}\npackages = ["a"]',
        '[tool.setuptools]\npackage-dir = ["lib"]\npackages.find = "lib"',
        '[tool.poetry]\npackages = ["lib", { include = "pkg" }]',
        "[tool.hatch.build]\nsources = 3\npackages = [4]",
        '[tool.setuptools]\npackage-dir = { pkg = "lib" }',
    ],
)
def test_what_says_nothing_of_a_folder_is_passed_by(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"pyproject.toml": text, "lib/__init__.py": ""})
    assert ProjectLayout.around(tmp_path).source_folders == ()


def test_a_package_in_a_folder_of_another_name_is_known(tmp_path: Path) -> None:
    text = '[tool.setuptools.package-dir]\npkg = "lib"\n"other.part" = "src/other/part"'
    write(tmp_path, {"pyproject.toml": text})
    assert ProjectLayout.around(tmp_path).own_folders == {"pkg": "lib"}


def test_what_it_needs(tmp_path: Path) -> None:
    text = """
        [project]
        name = "My.Net"
        dependencies = ["torch>=2", "einops[x] ~= 0.8", "only_there; sys_platform == 'win32'"]
        optional-dependencies = { train = ["lightning"] }
    """
    write(tmp_path, {"pyproject.toml": text})
    found = ProjectLayout.around(tmp_path)
    assert (found.name, found.is_installable, found.compiles) == ("My.Net", True, False)
    assert found.dependencies == ("torch", "einops")
    assert found.extras == {"train": ("lightning",)}
    text = "[tool.poetry]\nname = 'x'\ndependencies = { python = '3', torch = '2' }\n"
    write(tmp_path, {"pyproject.toml": text, "setup.py": "setup(ext_modules=[])"})
    found = ProjectLayout.around(tmp_path)
    assert (found.name, found.dependencies, found.compiles) == ("x", ("torch",), True)


def test_what_is_no_project_cannot_be_installed(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": "[tool.black]\n", "setup.cfg": "[flake8]\n"})
    assert not ProjectLayout.around(tmp_path).is_installable


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": '[project.entry-points."a.b"]\nx = "pkg.x"\nno = 3'},
        {"pyproject.toml": '[tool.poetry.plugins."a.b"]\nx = "pkg.x"'},
        {"setup.cfg": "[options.entry_points]\na.b =\n    x = pkg.x\nother =\n    y = pkg.y\n"},
    ],
)
def test_what_it_brings_once_it_is_installed(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    project = ProjectLayout.around(tmp_path)
    assert project.entry_points("a.b") == {"x": "pkg.x"}
    assert project.entry_points("a") == {}


def test_rules_of_a_project_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as raised:
        check_code((), "ACME001")
    assert "pip install" not in raised.value.hint
    text = '[project]\nname = "x"\n[project.entry-points."rflint.rules"]\nacme = "acme_rflint"\n'
    write(tmp_path, {"pyproject.toml": text})
    with pytest.raises(UsageError) as raised:
        check_code((), "ACME001")
    assert "rflint.rules (acme = acme_rflint) are not installed" in raised.value.hint
    assert raised.value.hint.endswith("pip install -e .")
    installed = tmp_path / "lib/acme_rflint-1.dist-info"
    write(installed, {"METADATA": "Name: acme-rflint\nVersion: 1\n"})
    (installed / "entry_points.txt").write_text("[rflint.rules]\nacme = acme_rflint\n")
    monkeypatch.syspath_prepend(tmp_path / "lib")
    with pytest.raises(UsageError) as raised:
        check_code((), "ACME001")
    assert "pip install" not in raised.value.hint
