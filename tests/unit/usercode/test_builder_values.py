"""What --arg and `args` give a builder."""

from __future__ import annotations

from pathlib import Path

import pytest

from rflint.configuration.model_options import ModelOptions
from rflint.configuration.read import load_configuration
from rflint.configuration.requests import requests_for
from rflint.configuration.toml import ConfigurationError
from rflint.errors import UsageError
from rflint.usecases.project_files import ProjectFiles
from rflint.usercode.builder_values import as_typed, files_of, parse_arguments
from tests.helpers.program import write

FILES = {
    "conf/net.yaml": "width: 16\nblocks: [1, 2]\nhead:\n  classes: 5\n",
    "conf/net.json": '{"width": 16, "blocks": [1, 2], "head": {"classes": 5}}',
    "conf/net.toml": "width = 16\nblocks = [1, 2]\n[head]\nclasses = 5\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("file", FILES)
def test_a_file_gives_all_arguments(root: Path, file: str) -> None:
    given = parse_arguments([f"@{file}"])
    assert given == {"width": 16, "blocks": [1, 2], "head": {"classes": 5}}
    assert files_of(given) == {str(root / file)}


@pytest.mark.parametrize("file", FILES)
def test_a_file_gives_one_argument(root: Path, file: str) -> None:
    given = parse_arguments([f"cfg=@{file}", "depth=3"])
    assert given["cfg"]["head"]["classes"] == given["cfg"].head.classes == 5
    assert given["depth"] == 3
    assert as_typed(given, "cfg") == f"@{file}"
    with pytest.raises(AttributeError, match="no key 'tail'"):
        _ = given["cfg"].tail


def test_a_part_of_a_file_is_named_behind_a_hash(root: Path) -> None:
    assert parse_arguments(["@conf/net.yaml#head"]) == {"classes": 5}
    given = parse_arguments(["n=@conf/net.yaml#head.classes"])
    assert given == {"n": 5}
    assert as_typed(given, "n") == "@conf/net.yaml#head.classes"


def test_later_arguments_go_before_those_of_a_file(root: Path) -> None:
    given = parse_arguments(["@conf/net.yaml#head", "classes=7"])
    assert given == {"classes": 7}
    assert files_of(given) == frozenset()


@pytest.mark.parametrize(
    ("pair", "message", "hint"),
    [
        ("@conf/nett.yaml", "no file conf/nett.yaml", "Did you mean @conf/net.yaml"),
        ("@cnf/net.yaml", "no file cnf/net.yaml", "There is no folder cnf."),
        ("@conf/net.yaml#haed", "conf/net.yaml has no key 'haed'", "Did you mean head?"),
        ("@conf/net.yaml#head.x", "conf/net.yaml#head has no key 'x'", "It has: classes."),
        ("@conf/net.yaml#width", "holds no arguments", "--arg NAME=@conf/net.yaml#width"),
        ("@conf/net.txt", "is not KEY=VALUE", "--arg @FILE.yaml"),
    ],
)
def test_what_cannot_be_read_is_told(root: Path, pair: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_arguments([pair])
    assert message in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("bad.yaml", "a: 1\nb: {c: 2]\n", "2: this is no YAML: expected ',' or '}', but got ']'"),
        ("bad.yaml", "a: 1\n\tb: 2\n", "2: this is no YAML: found character"),
        ("bad.json", '{"a": 1,\n "b": }\n', "2: this is no JSON: Expecting value"),
        ("bad.toml", "a = 1\nb = \n", "2: this is no TOML: Invalid value"),
        ("bad.toml", "a = 1\nb = [1,\n", "this is no TOML: "),
    ],
)
def test_a_broken_file_is_told_by_its_line(root: Path, file: str, text: str, why: str) -> None:
    write(root, {f"conf/{file}": text})
    with pytest.raises(UsageError) as raised:
        parse_arguments([f"cfg=@conf/{file}"])
    said = str(raised.value)
    assert said.startswith(f"conf/{file}:")
    assert why in said
    assert "\n" not in said


def test_a_text_that_begins_like_a_file_stays_a_text() -> None:
    assert parse_arguments(["user=@someone", "quoted='@a.yaml'"]) == {
        "user": "@someone",
        "quoted": "@a.yaml",
    }


def configured(root: Path, args: str) -> None:
    text = f'[[tool.rflint.models]]\ntarget = "net:build"\nargs = {args}\n'
    (root / "pyproject.toml").write_text(text)


def test_a_configuration_takes_arguments_from_files_beside_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = root / "scripts"
    below.mkdir()
    monkeypatch.chdir(below)
    configured(root, '"@conf/net.yaml#head"')
    assert load_configuration(None, isolated=False).models[0].options.args == {"classes": 5}
    configured(root, '{ cfg = "@conf/net.toml", depth = 2 }')
    args = load_configuration(None, isolated=False).models[0].options.args
    assert args == {"cfg": {"width": 16, "blocks": [1, 2], "head": {"classes": 5}}, "depth": 2}


def test_a_configuration_names_the_line_of_a_file_that_is_missing(root: Path) -> None:
    configured(root, '"@conf/nett.yaml"')
    with pytest.raises(ConfigurationError, match=r"no file conf/nett\.yaml") as raised:
        load_configuration(None, isolated=False)
    assert raised.value.source is not None
    assert raised.value.source.line == 3


def test_a_configuration_names_the_line_in_a_file_that_is_broken(root: Path) -> None:
    write(root, {"conf/bad.yaml": "a: 1\nb: {c: 2]\n"})
    configured(root, '"@conf/bad.yaml"')
    with pytest.raises(ConfigurationError, match=r"args: conf/bad\.yaml:2: this is no YAML: "):
        load_configuration(None, isolated=False)


def test_a_model_depends_on_the_files_of_its_arguments(root: Path) -> None:
    write(root, {"net.py": "def build(): ..."})
    configured(root, '{ cfg = "@conf/net.yaml" }')
    configuration = load_configuration(None, isolated=False)
    given = ModelOptions(args=parse_arguments(["other=@conf/net.json"]))
    (request,) = requests_for((), given, configuration, (), lenient=True)
    files = ProjectFiles(configuration, None)
    assert {str(root / "conf/net.yaml"), str(root / "conf/net.json")} <= files.of(request).files
    assert str(root / "conf/net.toml") not in files.of(request).files
