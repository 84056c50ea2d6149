"""The packages that know nothing of torch do not import it, not even by a detour."""

import subprocess
import sys
from pathlib import Path

import pytest

import rflint

_SOURCES = Path(rflint.__file__).parent
_RULES = _SOURCES.parents[1] / "rules"

_PACKAGES = (
    *("graph", "text", "inputs", "usercode", "operators", "analysis"),
    *("linting", "report", "configuration"),
)

_IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
sys.exit(", ".join(name for name in sys.modules if name.split(".")[0] == "torch"))
"""


def _modules(folder: Path, package: str) -> list[str]:
    """The names of all modules in a folder, those in folders within it included."""
    return [
        ".".join([package, *path.relative_to(folder).with_suffix("").parts])
        for path in sorted(folder.rglob("*.py"))
        if path.stem != "__init__"
    ] + [package]


def _torch_behind(modules: list[str]) -> str:
    """What of torch is loaded in a fresh process that imports these modules."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, *modules], capture_output=True, text=True, check=False
    )
    return done.stderr.strip()


@pytest.mark.parametrize("package", _PACKAGES)
def test_no_module_of_a_torch_free_package_loads_torch(package: str) -> None:
    """Every module of the package, in a fresh process."""
    assert not _torch_behind(_modules(_SOURCES / package, f"rflint.{package}"))


def test_no_rule_loads_torch() -> None:
    """Examples import it where they build a model, and nothing else of a rule does."""
    assert not _torch_behind(_modules(_RULES, "rflint.rules"))


def test_looking_for_repairs_does_not_load_torch() -> None:
    """Candidates and what is foreseen of them; only their edits are torch's business."""
    assert not _torch_behind(["rflint.repair.search"])
