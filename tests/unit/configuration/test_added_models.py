"""Models are added behind what a file says, which stays byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from rflint.configuration.added_models import (
    AddedModel,
    append,
    configuration_in,
    file_to_configure,
    with_models,
)
from rflint.configuration.toml import ConfigurationError
from rflint.errors import UsageError

MODELS = [
    AddedModel("net.py:Net", 32, comment="set it"),
    AddedModel("shop.zoo:create", "32x64", {"name": 'a "b"\\', "width": 3}),
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rflint.toml", ""),
        ("rflint.toml", "fail-on = 'error' # why\n"),
        ("rflint.toml", "[[models]]\ntarget = 'x:y'"),
        ("pyproject.toml", ""),
        ("pyproject.toml", "[tool.rflint]  # ours\nfail-on='error'\n\n[tool.ruff]\nx  =  1"),
        ("pyproject.toml", "[project]\r\nname = 'x' # ö\r\n"),
        ("pyproject.toml", "[[tool.rflint.models]]\ntarget = 'x:y'\n[tool.x]\na = '''\n[tool]'''"),
    ],
)
def test_what_is_there_stays(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_bytes(text.encode())
    append(file, *with_models(file, MODELS))
    after = file.read_bytes()
    assert after.startswith(text.encode())
    assert (b"\n" in after.replace(b"\r\n", b"")) is ("\r" not in text)
    added = configuration_in(file).models[-2:]
    assert [x.target for x in added] == ["net.py:Net", "shop.zoo:create"]
    assert [x.options.res for x in added] == [((32,),), ((32, 64),)]
    assert added[1].options.args == MODELS[1].args
    assert b"res = 32  # set it" in after


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[tool.rflint]\nmodels = [{ target = 'x:y' }]\n"),
        ("pyproject.toml", "tool.rflint = { fail-on = 'error' }\n"),
        ("rflint.toml", "models = []\n"),
    ],
)
def test_a_file_that_cannot_be_extended_is_left_alone(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ConfigurationError) as failed:
        with_models(file, MODELS)
    assert "cannot be extended at its end" in failed.value.message
    assert 'target = "net.py:Net"' in failed.value.hint
    assert file.read_text() == text


def test_a_file_that_has_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "rflint.toml"
    before, added = with_models(file, MODELS)
    file.write_text("fail-on = 'error'\n")
    with pytest.raises(UsageError, match="changed meanwhile"):
        append(file, before, added)
    assert file.read_text() == "fail-on = 'error'\n"


def test_which_file_is_written(tmp_path: Path) -> None:
    repository, below = tmp_path / "repository", tmp_path / "repository/a/b"
    below.mkdir(parents=True)
    (repository / ".git").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert file_to_configure(None, below) == below / "rflint.toml"
    (repository / "pyproject.toml").write_text("[project]\n")
    assert file_to_configure(None, below) == repository / "pyproject.toml"
    (repository / "rflint.toml").write_text("")
    assert file_to_configure(None, below) == repository / "rflint.toml"
    (below / "pyproject.toml").write_text("[tool.rflint]\n")
    assert file_to_configure(None, below) == below / "pyproject.toml"
    assert file_to_configure(tmp_path / "x.toml", below) == tmp_path / "x.toml"
    with pytest.raises(UsageError, match="no TOML"):
        file_to_configure(tmp_path / "x.py", below)
