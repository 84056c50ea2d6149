"""What a user installs: a wheel, built from the source distribution, that holds rflint alone."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.helpers.project import copy_project, outside_environment


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=outside_environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    dist = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--outdir", dist, project, cwd=project)
    assert built.returncode == 0, built.stdout + built.stderr
    assert len(list(dist.glob("rflint-*.tar.gz"))) == 1
    (found,) = dist.glob("rflint-*-py3-none-any.whl")
    return found


def test_wheel_holds_the_package_and_its_rules_and_nothing_else(wheel: Path, project: Path) -> None:
    """The folder rules/ is installed as rflint.rules; tests, benchmarks and examples stay out."""
    source = project / "src"
    expected = {
        str(file.relative_to(source))
        for file in (source / "rflint").rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    expected |= {f"rflint/rules/{file.name}" for file in (project / "rules").glob("*.py")}
    names = ZipFile(wheel).namelist()
    installed = {name for name in names if not name.split("/")[0].endswith(".dist-info")}

    assert installed == expected
    assert {"rflint/rules/rf101_unproductive_layer.py", "rflint/py.typed"} <= installed
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_installed_wheel_lints(wheel: Path, project: Path, tmp_path: Path) -> None:
    """In an environment of its own, rflint finds what is wrong with the example."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    installed = run(python, "-m", "pip", "install", "--no-deps", wheel, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    site_packages = Path(
        run(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path
        ).stdout.strip()
    )
    # torch and the other dependencies are borrowed. Folders that a .pth file names come last on
    # sys.path, and .pth files inside of them (an editable install of rflint) have no effect.
    borrowed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site_packages / "borrowed.pth").write_text("\n".join(borrowed))

    found = run(
        python, "-c", "import rflint, rflint.rules as r; print(r.__file__)", cwd=project
    ).stdout.strip()
    linted = run(
        environment / "bin" / "rflint", "examples/cifar_resnet.py:build", "--res", "32", cwd=project
    )

    assert Path(found) == site_packages / "rflint" / "rules" / "__init__.py"
    assert linted.returncode == 1, linted.stderr
    assert "RF101" in linted.stdout
    assert "layer3.1.conv2" in linted.stdout
