"""Which lines of the user's code a stack shows: those up to where rflint entered that code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import rflint
from rflint.graph.source_location import SourceLocation
from rflint.tracing.model.build import call_builder
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.import_file import import_file
from rflint.usercode.source_lines import user_lines

USER = """
import sys

def lines(user_lines):
    return user_lines(sys._getframe())

def passed_on(through, *arguments):
    return through(lines, *arguments)
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user.py").write_text(USER)
    name = f"user_of_{tmp_path.name}"
    module = import_file(tmp_path / "user.py", name)
    monkeypatch.delitem(sys.modules, name)
    assert module is not None
    return module


def in_rflint(name: str) -> Callable[..., Any]:
    """A function of this name that would pass for one of rflint's."""
    code = f"def {name}(function, *arguments):\n    return function(*arguments)\n"
    namespace: dict[str, Any] = {}
    exec(compile(code, str(Path(rflint.__file__).with_name("other.py")), "exec"), namespace)
    made: Callable[..., Any] = namespace[name]
    return made


@pytest.mark.parametrize("name", ["record", "call_builder", "load", "load_target"])
def test_functions_named_like_those_that_enter_the_users_code_hide_nothing(
    user: ModuleType, name: str
) -> None:
    """The code above them belongs to the model as well: rflint's own frames lie between."""
    shown = user.passed_on(in_rflint(name), user_lines)
    assert shown[:2] == (SourceLocation("user.py", 5), SourceLocation("user.py", 8))


def test_a_function_that_enters_the_users_code_may_have_any_name(user: ModuleType) -> None:
    marked = enters_user_code(in_rflint("renamed"))
    assert user.passed_on(marked, user_lines) == (SourceLocation("user.py", 5),)


def test_who_calls_rflint_is_no_part_of_what_a_builder_builds(user: ModuleType) -> None:
    def through(function: Callable[..., Any], look: Callable[..., Any]) -> Any:
        return call_builder(function, {"user_lines": look})

    assert user.passed_on(through, user_lines) == (SourceLocation("user.py", 5),)
