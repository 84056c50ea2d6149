"""Where tests lie, and what they may import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.helpers.project import PROJECT

FILES = sorted(
    file for folder in ("tests", "benchmarks", "zoo") for file in (PROJECT / folder).rglob("*.py")
)
TESTS = [file for file in FILES if file.name.startswith("test_")]
KINDS = {"unit", "rules", "cli", "oracles", "web"}


def name_of(file: Path) -> str:
    return str(file.relative_to(PROJECT))


def imports() -> Iterator[tuple[str, str]]:
    """Every file with each module, and each name of a module, that it imports."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((name_of(file), alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{name_of(file)}:{node.lineno}: a relative import"
                for alias in node.names:
                    yield name_of(file), f"{node.module}.{alias.name}"


def test_nobody_imports_a_test_module() -> None:
    """What several need is in tests/helpers, in tests/models or in zoo."""
    assert [
        (file, name)
        for file, name in imports()
        if name.startswith("tests.") and any(x.startswith("test_") for x in name.split("."))
    ] == []


def test_tests_and_benchmarks_know_nothing_of_each_other() -> None:
    """What both need is in zoo, which knows of neither."""
    assert [
        (file, name)
        for file, name in imports()
        if name.split(".")[0] in {"tests", "benchmarks"} - {file.split("/")[0]}
    ] == []


def test_unit_tests_mirror_the_packages() -> None:
    """A folder for each package that has some, and a file for each module beside the packages."""
    source, mirror = PROJECT / "src/rflint", PROJECT / "tests/unit"
    packages = {file.parent.name for file in source.glob("*/__init__.py")}
    modules = {f"test_{file.name}" for file in source.glob("*.py")}
    places = {file.relative_to(mirror).parts[0] for file in TESTS if mirror in file.parents}
    assert places <= packages | modules


def test_every_test_is_of_a_kind() -> None:
    """But for those of the whole project, which lie beside the folders."""
    places = [file.relative_to(PROJECT / "tests").parts for file in TESTS]
    assert {place[0] for place in places if len(place) > 1} == KINDS


def test_no_test_waits_for_the_clock() -> None:
    """Tests wait for what has to happen, however long it takes: see tests/helpers/program.py."""
    found = []
    for file in TESTS:
        calls = [x for x in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(x, ast.Call)]
        for call in calls:
            sleeps = ast.unparse(call.func).endswith("sleep")
            limits = [x for x in call.keywords if x.arg == "timeout"]
            if sleeps or any(isinstance(x.value, ast.Constant) for x in limits):
                found.append(f"{name_of(file)}:{call.lineno}")
    assert found == []
