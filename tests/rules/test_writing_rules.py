"""docs/writing-rules.md, executed: its files are written, its commands run, what it shows compared.

And what else can be wrong with a rule: each is one error, and the other rules run.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.configuration.toml import tomllib
from rflint.tracing.example_inputs.build import example_inputs
from rflint.tracing.trace import trace
from tests.helpers.program import RFLINT, rflint, write
from tests.helpers.project import PROJECT

DOCUMENT = (PROJECT / "docs" / "writing-rules.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = "...\n"


def blocks() -> Iterator[tuple[str, str]]:
    """Language and text of each fenced block."""
    return ((match[1], match[2]) for match in FENCE.finditer(DOCUMENT))


def file_in(text: str) -> str:
    """The path that a block's first line names, if it is a file."""
    title = re.match(r"# (\S+\.(?:py|toml))\n", text)
    return title[1] if title else ""


def commands(text: str) -> Iterator[tuple[list[str], str]]:
    """The commands of a console block, and what it shows below each."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield line.split(), shown


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


def install(distribution: Path, folder: Path) -> None:
    """What pip makes of a source tree, as far as entry points need it."""
    with (distribution / "pyproject.toml").open("rb") as file:
        metadata = tomllib.load(file)["project"]
    package = metadata["entry-points"]["rflint.rules"]["acme"]
    groups = metadata["entry-points"].items()
    points = [f"[{group}]\n{name} = {value}\n" for group, x in groups for name, value in x.items()]
    name = f"{package}-{metadata['version']}.dist-info"
    described = f"Metadata-Version: 2.1\nName: {metadata['name']}\nVersion: 1.0\n"
    write(
        folder,
        {
            f"{name}/METADATA": described,
            f"{name}/entry_points.txt": "".join(points),
            **{
                f"{package}/{file.name}": file.read_text(encoding="utf-8")
                for file in (distribution / package).iterdir()
            },
        },
    )


def test_the_document_does_what_it_says(project: Path, tmp_path: Path) -> None:
    ran = []
    path = ""
    for language, text in blocks():
        if name := file_in(text):
            write(project, {name: text})
            long_ago = 1_600_000_000  # what has only just changed is not cached
            os.utime(project / name, (long_ago, long_ago + len(ran)))
        if "acme-rflint/pyproject.toml" in text:
            rule = (project / "lint_rules" / "acme001_large_kernel.py").read_text(encoding="utf-8")
            package = project / "acme-rflint" / "acme_rflint"
            write(package, {"__init__.py": "", "acme001_large_kernel.py": rule})
            install(project / "acme-rflint", tmp_path)
            path = str(tmp_path)
        if language != "console":
            continue
        for (program, *arguments), shown in commands(text):
            assert program == "rflint"
            isolated = "--isolated" in arguments
            done = rflint(*arguments, cwd=project, **({"PYTHONPATH": path} if isolated else {}))
            printed = done.out + done.err
            ran.append((" ".join(arguments), done.status))
            if shown.endswith(LEFT_OUT):
                shown = shown.removesuffix(LEFT_OUT)
                assert printed[: len(shown)] == shown, printed
            else:
                assert printed == shown
    assert ran == [
        ("rule --test ACME001", 0),
        ("rule ACME001", 0),
        ("-q", 1),
        ("-q", 0),  # a setting
        ("-q", 0),  # a comment
        ("rule --isolated", 0),
        ("-q", 2),  # a broken rule
    ]


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    return analyse(trace(model, example_inputs(model, (16, 16), None)))


def test_everything_that_a_rule_can_ask_is_there(analysis: Analysis) -> None:
    """Every name in the tables, in the text beside them, and of the enumerations."""
    owners = {"analysis": analysis, "layer": analysis.layers[0]}
    asked = 0
    tables = re.findall(r"^\| of `([\w.]+)` \| \|\n\| --- \| --- \|\n((?:\|.*\n)+)", DOCUMENT, re.M)
    assert [name for name, _ in tables] == list(owners)
    for name, rows in tables:
        for row in rows.splitlines():
            _, names, text, _ = re.split(r"(?<!\\)\|", row)
            for attribute in re.findall(r"`(\w+)`", names):
                value = getattr(owners[name], attribute)
                asked += 1
                values = [value[0] if isinstance(value, tuple) and value else value]
                if attribute in ("verdict", "role", "kind"):
                    values = [type(value)]
                for inner in re.findall(r"`([\w.]+)`", text):
                    if inner != "layers" or attribute != "inputs":
                        last = inner.rpartition(".")[2]
                        assert any(hasattr(x, last) for x in values), (attribute, inner)
    assert asked > 30


RULE = DOCUMENT.partition("# lint_rules/acme001_large_kernel.py\n")[2].partition("```")[0]
YIELD = next(line for line in RULE.splitlines() if "yield" in line)


def other(code: str, old: str = "", new: str = "") -> str:
    """The document's rule under another code and name, and with something else in it."""
    changed = RULE.replace("ACME001", code).replace("large-kernel", f"rule-{code.lower()}")
    assert old in changed
    return changed.replace(old, new) if old else changed


BROKEN = {
    "acme002_syntax.py": (
        "def check(:\n",
        "lint_rules/acme002_syntax.py:1: the rule file lint_rules/acme002_syntax.py cannot be "
        "imported: SyntaxError: ",
    ),
    "acme003_lacks.py": (
        '"""A rule."""\nfrom rflint.linting.finding import Severity\n'
        "from rflint.linting.rule import Rule\n"
        'RULE = Rule("ACME003", "lacks", Severity.INFO)\n',
        "lint_rules/acme003_lacks.py:4: the rule file lint_rules/acme003_lacks.py cannot be "
        "imported: TypeError: Rule.__init__() missing 2 required keyword-only arguments: 'fails' "
        "and 'passes'",
    ),
    "acme004_raises.py": (
        other("ACME004", YIELD, f"            raise ValueError(size)\n{YIELD}"),
        "lint_rules/acme004_raises.py:25: model.py:build: rule ACME004 failed: check raised "
        "ValueError: 7x7",
    ),
    "acme005_text.py": (
        other("ACME005", YIELD, "            yield size"),
        "model.py:build: rule ACME005 failed: check yields a str, which is no Finding",
    ),
    "acme006_twin.py": (
        other("ACME001").replace("rule-acme001", "twin"),
        "the rule file lint_rules/acme006_twin.py brings ACME001, which is a rule already: "
        "lint_rules/acme001_large_kernel.py",
    ),
    "acme007_name.py": (
        other("ACME007").replace("rule-acme007", "unproductive-layer"),
        "the rule file lint_rules/acme007_name.py brings unproductive-layer, which is a rule "
        "already: ",
    ),
    "acme008_import.py": (
        '"""A rule."""\nimport nosuch\n',
        "lint_rules/acme008_import.py:2: the rule file lint_rules/acme008_import.py cannot be "
        "imported: ModuleNotFoundError: No module named 'nosuch'",
    ),
    "acme009_exits.py": (
        '"""A rule."""\nimport sys\nsys.exit(0)\n',
        "lint_rules/acme009_exits.py:3: the rule file lint_rules/acme009_exits.py cannot be "
        "imported: SystemExit: 0",
    ),
    "acme010_none.py": (
        other("ACME010", YIELD, "            return None").replace("yield", "return"),
        "model.py:build: rule ACME010 failed: check returns None: it should yield Findings",
    ),
    "acme011_severity.py": (
        other("ACME011", "Severity.WARNING", '"warning"'),
        "the rule file lint_rules/acme011_severity.py is no rule: its severity is no ",
    ),
    "acme012_code.py": (
        other("ACME012").replace("ACME012", "ACME-12"),
        "the rule file lint_rules/acme012_code.py is no rule: its code is not like RF101",
    ),
    "acme013_summary.py": (
        other("ACME013", "check=check,", "check=check,\n    summarise=lambda *_: 1 / 0,"),
        ": model.py:build: rule ACME013 failed: summarise raised ZeroDivisionError: ",
    ),
    "acme014_of_another.py": (
        other("ACME014", "yield RULE", 'yield dataclasses.replace(RULE, code="RF101")').replace(
            "from rflint", "import dataclasses\n\nfrom rflint", 1
        ),
        "model.py:build: rule ACME014 failed: check yields a finding of RF101",
    ),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a rule that works, another one that shares code, and all that do not work."""
    folder = tmp_path_factory.mktemp("broken")
    model = next(text for _, text in blocks() if file_in(text) == "model.py")
    write(
        folder,
        {
            "model.py": model,
            "rflint.toml": 'rules = ["lint_rules/", "nosuch/", "empty", "model.txt", '
            '"lint_rules/acme001_large_kernel.py"]\nres = 64\nselect = ["ACME"]\n'
            '[[models]]\ntarget = "model.py:build"\n',
            "model.txt": "",
            "empty/_nothing.py": "",
            "lint_rules/acme001_large_kernel.py": RULE,
            "lint_rules/_shared.py": 'print("hello")\nsize = "size"\n',
            "lint_rules/acme099_shares.py": other("ACME099", "import Example", "import Example")
            + "\nfrom . import _shared\n",
            **{f"lint_rules/{name}": text for name, (text, _) in BROKEN.items()},
        },
    )
    return folder


def test_each_broken_rule_is_one_error_and_the_others_run(broken: Path) -> None:
    done = rflint("-q", cwd=broken)

    errors = [x for x in done.err.splitlines() if x.startswith("rflint: error: ")]
    for name, (_, says) in BROKEN.items():
        assert sum(says in error for error in errors) == 1, (name, done.err)
    for says in (
        "error: rflint.toml:1: there is no rule file or folder nosuch",
        "error: rflint.toml:1: there is no rule in the folder empty",
        "error: rflint.toml:1: the rule file model.txt is no Python file",
    ):
        assert sum(says in error for error in errors) == 1, (says, done.err)
    assert len(errors) == len(BROKEN) + 3
    assert "Traceback" not in done.err
    # ACME013 cannot sum up what it has found, but has found it
    found = re.findall(r"^model.py:\d+: (\w+) ", done.out, re.MULTILINE)
    assert found == ["ACME001", "ACME013", "ACME099"]
    assert done.status == 2


def test_broken_rules_spoil_neither_the_list_nor_a_page(broken: Path) -> None:
    """Rule files are read for both, and do not run."""
    listed = rflint("rule", cwd=broken)
    assert [line.split()[0] for line in listed.out.splitlines() if "ACME" in line] == [
        *("ACME001", "ACME004", "ACME005", "ACME010", "ACME013", "ACME014", "ACME099")
    ]
    assert (listed.status, "hello" in listed.err) == (2, False)
    page = rflint("rule", "ACME099", cwd=broken)
    assert page.out.startswith("# ACME099 rule-acme099\n")
    # what is wrong with it has been said
    unreadable = rflint("rule", "ACME003", cwd=broken)
    assert (unreadable.status, unreadable.out) == (2, "")
    assert "no rule 'ACME003'" not in unreadable.err
    assert "no rule 'ACME098'" in rflint("rule", "ACME098", cwd=broken).err


def test_examples_of_a_broken_rule_fail_and_those_of_others_do_not(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "rflint.toml": 'rules = ["lint_rules"]\n',
            "lint_rules/acme001_large_kernel.py": RULE,
            "lint_rules/acme004_raises.py": BROKEN["acme004_raises.py"][0],
            "lint_rules/acme005_wrong.py": other(
                "ACME005", 'max(kernel) > settings["largest"]', "1"
            ),
        },
    )
    done = rflint("rule", "--test", "ACME", cwd=tmp_path)
    assert done.out.splitlines() == [
        "ok      ACME001 wide_stem at 32 fails",
        "ok      ACME001 narrow_stem at 32 passes",
        "ok      ACME001 wide_stem at 32, largest = 7, passes",
        "FAILED  ACME004 wide_stem at 32 should fail: lint_rules/acme004_raises.py:25: rule "
        "ACME004 failed: check raised ValueError: 7x7",
        "ok      ACME004 narrow_stem at 32 passes",
        "ok      ACME004 wide_stem at 32, largest = 7, passes",
        "ok      ACME005 wide_stem at 32 fails",
        "FAILED  ACME005 narrow_stem at 32 should pass: the NPU runs no kernel of 3x3; the NPU "
        "runs no kernel of 3x3",
        "FAILED  ACME005 wide_stem at 32, largest = 7, should pass: the NPU runs no kernel of 7x7; "
        "the NPU runs no kernel of 3x3",
        "9 examples, 3 failed",
    ]
    assert done.status == 1


def test_a_broken_module_of_a_package_is_one_error_and_its_other_rules_are_there(
    tmp_path: Path,
) -> None:
    points = "acme = acme_rules\nempty = acme_empty\ngone = acme_gone\nvalue = acme_empty:VALUE\n"
    write(
        tmp_path,
        {
            "acme-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n",
            "acme-1.0.dist-info/entry_points.txt": f"[rflint.rules]\n{points}",
            "acme_empty/__init__.py": "VALUE = 3\n",
            "acme_rules/__init__.py": "",
            "acme_rules/helpers.py": "",
            "acme_rules/acme001_large_kernel.py": RULE,
            "acme_rules/acme002_broken.py": '"""A rule."""\nimport nosuch\n',
        },
    )
    done = rflint("rule", "--isolated", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert "ACME001  large-kernel" in done.out
    assert "RF101" in done.out
    assert [x for x in done.err.splitlines() if x.startswith("rflint: error: ")] == [
        "rflint: error: acme_rules/acme002_broken.py:2: the rule acme_rules.acme002_broken of acme "
        "cannot be imported: ModuleNotFoundError: No module named 'nosuch'",
        "rflint: error: the entry point empty = acme_empty of acme names a package without rules",
        "rflint: error: the entry point gone = acme_gone of acme cannot be imported: "
        "ModuleNotFoundError: No module named 'acme_gone'",
        "rflint: error: the entry point value = acme_empty:VALUE of acme names a int, not a module "
        "or package of rules",
    ]
    assert done.status == 2


def test_the_rule_needs_no_torch_where_the_cache_answers(tmp_path: Path) -> None:
    files = {}
    for _, text in blocks():
        name = file_in(text)
        files.setdefault(name, text)
    names = ("model.py", "pyproject.toml", "lint_rules/acme001_large_kernel.py")
    write(tmp_path, {name: files[name] for name in names})
    for name in names:
        os.utime(tmp_path / name, (1_600_000_000, 1_600_000_000))
    program = (sys.executable, "-X", "importtime", RFLINT)
    first = rflint("-q", cwd=tmp_path, program=program)
    assert "torch" in modules_imported(first.err)
    again = rflint("-q", cwd=tmp_path, program=program)
    assert (again.status, again.out) == (1, first.out)
    imported = modules_imported(again.err)
    assert "rflint.linting.rule_files" in imported
    assert "torch" not in imported


def modules_imported(err: str) -> set[str]:
    """What `-X importtime` tells."""
    return {line.rpartition("|")[2].strip() for line in err.splitlines()}
