"""What --arg and `args` give a builder: Python literals, texts, and values out of files."""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rflint.errors import UsageError
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.paths import relative_path, source_at

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # of the same making

_FILE = re.compile(r"@(?P<file>[^#]+\.(?P<kind>yaml|yml|json|toml))(?:#(?P<key>.*))?")
"""`@conf/model.yaml`, or `@conf/config.yaml#model.backbone` for a part of it."""

_LINE = re.compile(r"\bline (\d+)")
"""Where JSON and TOML say that they cannot be read."""


@dataclass(frozen=True, slots=True)
class FileValue:
    """Where in a file a value was read."""

    file: str
    """The absolute path."""
    key: str = ""

    @property
    def text(self) -> str:
        """As one would type it in the current folder: `@conf/model.yaml#backbone`."""
        return f"@{relative_path(Path(self.file))}" + (f"#{self.key}" if self.key else "")


class Arguments(dict[str, Any]):
    """Arguments of a builder, and which of them were read from which file."""

    def __init__(self, values: Mapping[str, Any], sources: Mapping[str, FileValue] | None = None):
        super().__init__(values)
        self.sources = dict(sources or {})

    def over(self, lower: Mapping[str, Any]) -> Arguments:
        """These arguments, completed by `lower` ones."""
        below = {key: x for key, x in _sources_of(lower).items() if key not in self}
        return Arguments({**lower, **self}, below | self.sources)


class Table(dict[str, Any]):
    """A table of a file. Its keys are attributes as well: code for configurations asks for both."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the table has no key {name!r}") from None


def files_of(arguments: Mapping[str, Any]) -> frozenset[str]:
    """The files that arguments were read from, as absolute paths."""
    return frozenset(source.file for source in _sources_of(arguments).values())


def as_typed(arguments: Mapping[str, Any], key: str) -> str:
    """An argument's value as --arg takes it."""
    if key in (sources := _sources_of(arguments)):
        return sources[key].text
    value = arguments[key]
    return value if isinstance(value, str) else repr(value)


def _sources_of(arguments: Mapping[str, Any]) -> Mapping[str, FileValue]:
    return arguments.sources if isinstance(arguments, Arguments) else {}


def parse_arguments(pairs: Iterable[str], root: Path | None = None) -> Arguments:
    """Keyword arguments from `KEY=VALUE` pairs; a value that is no Python literal is a string.

    `KEY=@FILE` takes the value from a YAML, JSON or TOML file, and `@FILE` alone takes all
    arguments from it. Files are relative to `root`, which is the current folder if not given.
    """
    parsed = Arguments({})
    for pair in pairs:
        if _FILE.fullmatch(pair):
            parsed = _all_of(pair, root or Path()).over(parsed)
            continue
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(
                f"--arg {pair!r} is not KEY=VALUE",
                hint="All arguments of a file are given as --arg @FILE.yaml (.json, .toml).",
            )
        parsed = _value(key, value, root or Path()).over(parsed)
    return parsed


def arguments_of_configuration(args: Any, root: Path) -> Arguments:
    """The arguments that `args` in a configuration gives: a table, or a file that holds one."""
    if isinstance(args, str):
        return _all_of(args, root)
    found = Arguments({})
    for key, value in args.items():
        is_file = isinstance(value, str) and _FILE.fullmatch(value)
        found = (_from_file(key, value, root) if is_file else Arguments({key: value})).over(found)
    return found


def names_file(value: str) -> bool:
    """Whether a text is `@FILE`, of a kind that can be read."""
    return _FILE.fullmatch(value) is not None


def _value(key: str, value: str, root: Path) -> Arguments:
    if _FILE.fullmatch(value):
        return _from_file(key, value, root)
    try:
        return Arguments({key: ast.literal_eval(value)})
    except Exception:  # whatever is no literal is a string
        return Arguments({key: value})


def _from_file(key: str, value: str, root: Path) -> Arguments:
    content, source = _read(value, root)
    return Arguments({key: content}, {key: source})


def _all_of(value: str, root: Path) -> Arguments:
    content, source = _read(value, root)
    if not isinstance(content, dict) or not all(str(key).isidentifier() for key in content):
        raise UsageError(
            f"{value} holds no arguments by their names",
            hint=f"Give it to one parameter: --arg NAME={value}",
        )
    return Arguments(
        content,
        {x: FileValue(source.file, f"{source.key}.{x}".lstrip(".")) for x in content},
    )


def _read(value: str, root: Path) -> tuple[Any, FileValue]:
    """What a file holds, or what is at a key in it."""
    matched = _FILE.fullmatch(value)
    if matched is None:
        raise UsageError(
            f"{value!r} is no file of arguments",
            hint="Write @FILE.yaml, @FILE.json or @FILE.toml.",
        )
    file = root / matched["file"]
    try:
        found = _parsed(file, matched["kind"])
    except FileNotFoundError as error:
        raise UsageError(f"no file {matched['file']}", hint=_beside(file)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {matched['file']}: {error}") from error
    walked = matched["file"]
    for key in filter(None, (matched["key"] or "").split(".")):
        if not isinstance(found, dict) or key not in found:
            there = list(map(str, found)) if isinstance(found, dict) else []
            raise UsageError(
                f"{walked} has no key {key!r}",
                hint=did_you_mean(similar(key, there)) or f"It has: {', '.join(there[:8])}.",
            )
        found, walked = found[key], f"{walked}#{key}" if "#" not in walked else f"{walked}.{key}"
    return _as_tables(found), FileValue(str(file.resolve()), matched["key"] or "")


def _beside(file: Path) -> str:
    """Files with a similar name."""
    if not file.parent.is_dir():
        return f"There is no folder {relative_path(file.parent)}."
    near = similar(file.name, [x.name for x in file.parent.iterdir()], 3, ignore_case=True)
    return did_you_mean([f"@{relative_path(file.parent / x)}" for x in near])


def _parsed(file: Path, kind: str) -> Any:
    text = file.read_text(encoding="utf-8")
    if kind in ("yaml", "yml"):
        return read_yaml(text, file)
    try:
        return json.loads(text) if kind == "json" else tomllib.loads(text)
    except ValueError as error:
        at = _LINE.search(str(error))
        raise UsageError(
            f"this is no {kind.upper()}: {error}",
            source=source_at(str(file), int(at[1]) if at else text.count("\n") + 1),
        ) from error


def read_yaml(text: str, file: Path) -> Any:
    """The content of a YAML file; for that, PyYAML has to be installed."""
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError as error:
        raise UsageError(
            f"reading {file} needs PyYAML, which is not installed", hint="pip install pyyaml"
        ) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise broken_yaml(error, file) or UsageError(f"{file} is no YAML: {error}") from error


def broken_yaml(error: BaseException, file: Path) -> UsageError | None:
    """The error for a YAML file that cannot be read, by its line; None for another exception."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return None
    named = Path(str(mark.name))  # that of a file that this one includes
    why = getattr(error, "problem", None) or getattr(error, "context", None) or ""
    return UsageError(
        f"this is no YAML: {why}",
        source=source_at(str(named if named.is_file() else file), mark.line + 1),
    )


def _as_tables(value: Any) -> Any:
    if isinstance(value, dict):
        return Table({key: _as_tables(inner) for key, inner in value.items()})
    return [_as_tables(inner) for inner in value] if isinstance(value, list) else value
