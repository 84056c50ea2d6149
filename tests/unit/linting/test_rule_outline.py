"""What can be told of a rule file without running it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from rflint import rules
from rflint.errors import UsageError
from rflint.linting.rule_module import read_rule
from rflint.linting.rule_outline import outline
from rflint.linting.rule_page import page
from tests.helpers.forked import Forked
from tests.helpers.program import Ran, write

FILES = sorted(Path(str(rules.__file__)).parent.glob("rf*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_rule_that_is_read_is_told_of_as_one_that_is_run(file: Path) -> None:
    """Code, severity, settings, documentation and examples, of each of rflint's own."""
    read, run = outline(file), read_rule(importlib.import_module(f"rflint.rules.{file.stem}"))
    assert (read.code, read.name, read.on_by_default) == (run.code, run.name, run.on_by_default)
    assert (read.severity, read.evidence, read.settings) == (
        *(run.severity, run.evidence, run.settings),
    )
    assert page(read) == page(run)


PLAIN = """
    \"\"\"It says so.\"\"\"
    from rflint.linting.finding import Severity
    from rflint.linting.rule import Rule

    CODE = "ACME001"
    NAME: str = "says-so"
    SEVERITY, DEFAULT = Severity.INFO, False
    FAILS = PASSES = []
    {}

    def check(analysis, settings):
        yield from ()

    RULE = Rule(
        CODE, NAME, SEVERITY, check=check, fails=FAILS, passes=PASSES, on_by_default=DEFAULT
    )
"""


def test_what_is_computed_is_told_to_be(tmp_path: Path) -> None:
    write(tmp_path, {"plain.py": PLAIN.format(""), "computed.py": PLAIN.format("CODE = str(1)")})
    assert outline(tmp_path / "plain.py").summary == "It says so."
    with pytest.raises(UsageError, match="its code cannot be told without running the file"):
        outline(tmp_path / "computed.py")


def test_no_code_of_a_repository_runs_where_nothing_is_linted(
    forked: Forked, tmp_path: Path
) -> None:
    """Neither its rules nor its models; once something is linted, both do."""
    runs = PLAIN.format("open('ran', 'w').close()")
    write(
        tmp_path,
        {
            "rules/acme001_says_so.py": runs,
            "net.py": "from parts import build\n",
            "parts.py": "from torch import nn\nopen('ran', 'w').close()\nbuild = nn.ReLU\n",
            "rflint.toml": """
                select = ["ACME001"]
                rules = ["rules"]
                [[models]]
                target = "net.py:build"
                input = "1x3x8x8"
            """,
        },
    )
    shown = forked.rflint("--show-files", cwd=tmp_path)
    assert shown == Ran(0, "net.py:build\n  net.py\n  parts.py\n", "")
    listed = forked.rflint("rule", cwd=tmp_path)
    assert "ACME001" in listed.out
    assert forked.rflint("rule", "ACME001", cwd=tmp_path).out.startswith("# ACME001 says-so\n")
    assert forked.rflint("--when-changed", "README.md", cwd=tmp_path).status == 0
    assert not (tmp_path / "ran").exists()
    assert forked.rflint("--when-changed", "parts.py", cwd=tmp_path).status == 0
    assert (tmp_path / "ran").exists()


def test_what_a_run_has_seen_is_known_without_its_rules(forked: Forked, tmp_path: Path) -> None:
    """What a model reads is listed, whatever rules have found in it since."""
    write(
        tmp_path,
        {
            "rules/acme001_says_so.py": PLAIN.format(""),
            "net.py": "from torch import nn\nopen('widths.txt').read()\nbuild = nn.ReLU\n",
            "widths.txt": "",
            "rflint.toml": 'rules = ["rules"]\n',
        },
    )
    target = ("net.py:build", "--input", "1x3x8x8")
    assert forked.rflint(*target, cwd=tmp_path).status == 0
    shown = forked.rflint(*target, "--show-files", "--select", "ACME001", cwd=tmp_path)
    assert shown.out == "net.py:build\n  net.py\n  widths.txt\n"


@pytest.mark.parametrize("runs", [True, False], ids=["run", "read"])
def test_a_file_that_says_in_constants_what_it_is_is_told_what_to_write(
    forked: Forked, tmp_path: Path, runs: bool
) -> None:
    """As in other tools, or with names that are not there."""
    head = '"""It says so."""\n'
    files = {
        "constants.py": f'{head}CODE = "ACME001"\ncheck = FAILS = PASSES = []\n',
        "imports.py": f"{head}from rflint.linting.rule import finding\n",
    }
    write(
        tmp_path,
        {**{f"rules/{x}": text for x, text in files.items()}, "rflint.toml": 'rules = ["rules"]\n'},
    )
    shown = forked.rflint("rule", *(["--test", "RF102"] if runs else []), cwd=tmp_path)
    assert shown.status == 2
    for file in files:
        assert f"the rule file rules/{file} " in shown.err
    assert shown.err.count('ends with RULE = Rule("ACME001", "large-kernel", ') == len(files)
    assert shown.err.count("lacks RULE = Rule(...)") == 1 + (not runs)
