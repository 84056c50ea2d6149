"""What documents say of the house is so: files that they name exist, layers are as drawn."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest
import yaml

from tests.helpers.project import PROJECT

DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/operators.md",
    "docs/report.md",
)
PLACES = (PROJECT, PROJECT / "src" / "rflint", PROJECT / "docs", PROJECT / "tests")
MADE_UP = re.compile(r"NAME|NNN|mymodel|path/to|http|://|\*")
"""What stands for a file of the reader's."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document: str) -> None:
    text = (PROJECT / document).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    linked = re.findall(r"\]\(([^)#]+)\)", text)
    named = [name for name in re.findall(r"`([\w./-]+)`", text) if _is_path(name)]
    folder = (PROJECT / document).parent
    missing = [name for name in linked if "://" not in name and not (folder / name).exists()]
    missing += [
        name
        for name in named
        if not MADE_UP.search(name) and not any((place / name).exists() for place in PLACES)
    ]
    assert linked or named
    assert not missing


def _is_path(name: str) -> bool:
    return name.endswith("/") or ("/" in name and name.endswith((".py", ".md", ".toml", ".svg")))


def test_the_drawing_is_of_the_layers_that_the_contracts_hold() -> None:
    sys.path.append(str(PROJECT / "docs"))  # a script finds what lies beside it
    script = runpy.run_path(str(PROJECT / "docs" / "house.py"))
    drawn = (PROJECT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    assert drawn == script["picture"](), "run `python docs/house.py`: the layers have changed"
    assert "(architecture.svg)" in (PROJECT / "docs" / "architecture.md").read_text()


def test_the_layers_hold_every_package() -> None:
    script = runpy.run_path(str(PROJECT / "docs" / "house.py"))
    held = {name for names in script["layers"]() for name in names}
    package = PROJECT / "src" / "rflint"
    there = {x.parent.name for x in package.glob("*/__init__.py")} | {"rules"}
    loose = {x.stem for x in package.glob("*.py") if not x.stem.startswith("_")}
    assert held == there | loose
    assert len(loose) <= 5, "modules at the top beside errors: four at most"


def test_the_citation_is_of_the_paper() -> None:
    cited = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["preferred-citation"]["url"] in (PROJECT / "README.md").read_text()
    assert {x["family-names"] for x in cited["preferred-citation"]["authors"]} == {
        "Richter",
        "Schöning",
        "Wiedenroth",
        "Krumnack",
    }


def test_the_hooks_for_work_on_rflint_run_what_is_there() -> None:
    configured = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())
    entries = [hook["entry"].split() for repo in configured["repos"] for hook in repo["hooks"]]
    assert {Path(entry[0]).name for entry in entries} == {"ruff", "mypy", "lint-imports", "rflint"}
    (config,) = [entry[entry.index("--config") + 1] for entry in entries if "--config" in entry]
    assert (PROJECT / config).is_file()
