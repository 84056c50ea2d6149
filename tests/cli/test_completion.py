"""What the shell completes, by the scripts that the program gives it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.helpers.program import RFLINT, plain_environment, rflint, write
from tests.helpers.small_project import CONFIGURATION, WIDE, model


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rflint --sel", {"--select"}),
        ("rflint --format sa", {"sarif"}),
        ("rflint model:", {"model:build"}),
        ("rflint model.py:bu", {"model.py:build"}),
        ("rflint fix --ki", {"--kind"}),
        ("rflint rule --t", {"--test"}),
        ("rflint --fail-on w", {"warning"}),
        ("rflint ru", {"rule"}),
        ("rflint --select RF9", {"RF900", "RF901"}),
        ("rflint --select RF101,RF90", {"RF101,RF900"}),
        ("rflint rule RF1", {"RF101"}),
    ],
)
def test_the_shell_completes(tmp_path: Path, words: str, expected: set[str]) -> None:
    write(tmp_path, {"pyproject.toml": CONFIGURATION, "model.py": model(WIDE)})
    ran = rflint(
        cwd=tmp_path,
        _RFLINT_COMPLETE="zsh_complete",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split()) - 1),
    )
    assert ran.err == ""
    assert expected <= set(ran.out.splitlines())


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        (
            "rflint ",
            [
                "clean",
                "diff",
                "fix",
                "init",
                "measure",
                "merge",
                "model:build",
                "plot",
                "rule",
                "schema",
                "sizes",
                "sweep",
            ],
        ),
        ("rflint --res 16 ", ["model:build"]),
        ("rflint model:build ", ["model:build"]),
        ("rflint fix ", ["model:build"]),
        ("rflint rule RF30", ["RF301", "RF302", "RF303", "RF304"]),
        ("rflint ru", ["rule"]),
        ("rflint model", ["model:build"]),
        ("rflint model:", ["build"]),
        ("rflint model:bu", ["build"]),
        ("rflint --res 32 model.py:bu", ["build"]),
        ("rflint nothing", []),
        ("rflint --format sa", ["sarif"]),
        ("rflint fix model.py:", ["build"]),
    ],
)
def test_bash_itself_completes(tmp_path: Path, line: str, completed: list[str]) -> None:
    """By its own function, with words as bash splits them: a colon is one."""
    write(tmp_path, {"pyproject.toml": CONFIGURATION, "model.py": model(WIDE)})
    words = [word for part in line.split() for word in re.split("(:)", part) if word]
    if line.endswith((":", " ")):
        words.append("")
    script = f"""
        compopt() {{ :; }}
        eval "$(_RFLINT_COMPLETE=bash_source '{RFLINT}')"
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        _rflint_completion '{RFLINT}'
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script],
        cwd=tmp_path,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(x for x in ran.stdout.splitlines() if x) == completed, ran.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_gets_a_script(tmp_path: Path, shell: str) -> None:
    script = rflint(cwd=tmp_path, _RFLINT_COMPLETE=f"{shell}_source")
    assert script.status == 0
    assert "_RFLINT_COMPLETE" in script.out
    if shell == "bash":
        checked = subprocess.run([shell, "-n"], input=script.out, text=True, check=False)
        assert checked.returncode == 0
