"""From a document to a configuration: every key known, every value of the right kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from rflint.configuration.choices import Choices
from rflint.configuration.find import prefix
from rflint.configuration.toml import ConfigurationError, Document, Key
from rflint.errors import UsageError
from rflint.graph.source_location import SourceLocation
from rflint.inputs import notation as quantities
from rflint.inputs.tracing_options import TRACERS
from rflint.linting.finding import Severity
from rflint.linting.rule import Rule
from rflint.linting.selection import check_code
from rflint.linting.settings import check_settings
from rflint.report.exit_gate import FAIL_ON
from rflint.report.formats import FORMATS
from rflint.text.suggest import did_you_mean, did_you_mean_aside, similar
from rflint.usercode.target import split_target

Reader: TypeAlias = Callable[[Any], Any]
"""From a TOML value to ours. Raises ValueError with what is wrong with it."""


class _WrongEntry(ValueError):
    """It is one entry of a table that is wrong."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class ConfiguredModel:
    """An entry of [[tool.rflint.models]]."""

    target: str
    name: str = ""
    choices: Choices = field(default_factory=Choices)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a file says; without one, nothing."""

    root: Path
    """Its folder: what its paths and targets are relative to."""
    path: Path | None = None
    models: tuple[ConfiguredModel, ...] = ()
    choices: Choices = field(default_factory=Choices)
    """For all models."""
    fail_on: str | None = None
    format: tuple[str, ...] | None = None
    output: str | None = None
    baseline: str | None = None
    cache: bool | None = None
    rule_paths: tuple[str, ...] = ()
    rule_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    document: Document | None = None

    def line_of(self, key: str) -> SourceLocation | None:
        """Where a key of the file's stands."""
        document = self.document
        return document.source((*prefix(document), key)) if document else None

    def within(self, path: str) -> Path:
        """A path of the file's, from the current directory on."""
        return self.root / path


def read(document: Document) -> Configuration:
    """Raises ConfigurationError for the first key or value that makes no sense, with its line."""
    reading = _Reading(document, prefix(document))
    table = reading.table()
    common = reading.values(
        table, (), {**_COMMON, **_ALIASES, **_WHOLE, "rules": _any, "models": _any}
    )
    models = tuple(reading.models(table.get("models", [])))
    paths, settings = reading.rules(table.get("rules", []))
    own = {name: common.pop(name) for name in [*_WHOLE] if name in common}
    common = {name: value for name, value in common.items() if name not in ("rules", "models")}
    return Configuration(
        root=document.path.parent,
        path=document.path,
        models=models,
        choices=_choices(common),
        rule_paths=paths,
        rule_settings=settings,
        document=document,
        **{name.replace("-", "_"): value for name, value in own.items()},
    )


def check_rules(configuration: Configuration, rules: Sequence[Rule]) -> None:
    """Hold codes and settings against the rules that there are.

    Raises ConfigurationError for the first that names no rule, or sets what a rule does not have.
    """
    document = configuration.document
    if document is None:
        return
    reading = _Reading(document, prefix(document))
    layers: list[tuple[Key, Choices]] = [((), configuration.choices)]
    layers += [(("models", i), model.choices) for i, model in enumerate(configuration.models)]
    for at, choices in layers:
        for name in ("select", "extend_select", "ignore", "severity"):
            for code in getattr(choices, name) or ():
                inner = (code,) if name == "severity" else ()
                reading.check(
                    partial(check_code, rules, code), (*at, name.replace("_", "-"), *inner)
                )
    for code, settings in configuration.rule_settings.items():
        reading.check(partial(check_settings, rules, code, {}), ("rules", code))
        for name, value in settings.items():
            told = {name: value}
            reading.check(partial(check_settings, rules, code, told), ("rules", code, name))


class _Reading:
    """The document that is read, for what has to be said about it."""

    def __init__(self, document: Document, prefix: Key) -> None:
        self.document = document
        self.prefix = prefix

    def table(self) -> Mapping[str, Any]:
        """That of rflint."""
        table: Any = self.document.table
        for key in self.prefix:
            table = table[key]
        if not isinstance(table, dict):
            self.fail((), "tool.rflint should be a table")
        return table

    def values(
        self, table: Mapping[str, Any], at: Key, readers: Mapping[str, Reader]
    ) -> dict[str, Any]:
        """What the keys of a table say."""
        found = {}
        for name, value in table.items():
            if name not in readers:
                self.unknown((*at, name), name, readers, "there is no key")
            try:
                found[name] = readers[name](value)
            except _WrongEntry as error:
                self.fail((*at, name, error.key), f"{name} of {error.key}: {error}")
            except ValueError as error:
                self.fail((*at, name), f"{name}: {error}")
        return found

    def models(self, entries: Any) -> Iterator[ConfiguredModel]:
        """Those of [[tool.rflint.models]]."""
        if not isinstance(entries, list) or not all(isinstance(x, dict) for x in entries):
            self.fail(("models",), "models are tables: write [[tool.rflint.models]] for each")
        names: set[str] = set()
        for index, entry in enumerate(entries):
            at = ("models", index)
            values = self.values(entry, at, {**_COMMON, **_ALIASES, "target": _text, "name": _text})
            target, name = values.pop("target", None), values.pop("name", "")
            if target is None:
                self.fail(at, 'a model needs a target, like target = "mymodel:build"')
            self.check(partial(split_target, target), (*at, "target"))
            if name and name in names:
                self.fail((*at, "name"), f"another model is called {name!r} already")
            names.add(name)
            yield ConfiguredModel(target, name, _choices(values))

    def rules(self, rules: Any) -> tuple[tuple[str, ...], dict[str, Mapping[str, Any]]]:
        """Paths of rule files, and settings by code: a list of paths, or a table of both."""
        if isinstance(rules, list):
            rules = {"paths": rules}
        if not isinstance(rules, dict):
            self.fail(("rules",), "rules is a list of paths, or a table of settings by rule")
        settings = dict(rules)
        paths = settings.pop("paths", [])
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            self.fail(("rules", "paths"), f"{paths!r}: paths of rules are a list of texts")
        for code, values in settings.items():
            if not isinstance(values, dict):
                self.fail(
                    ("rules", code), f"settings of {code} are a table: [tool.rflint.rules.{code}]"
                )
        return tuple(paths), settings

    def check(self, attempt: Callable[[], object], at: Key) -> None:
        """Raises ConfigurationError, with the place, where an attempt raises UsageError."""
        try:
            attempt()
        except UsageError as error:
            self.fail(at, error.message, error.hint)

    def unknown(self, at: Key, name: str, known: Mapping[str, Any], what: str) -> NoReturn:
        """There is no such key."""
        did = did_you_mean(similar(name.replace("_", "-").lower(), known))
        listed = ", ".join(sorted(known.keys() - _ALIASES.keys()))
        hint = did or f"Known are {listed}."
        if name == "tool" and not self.prefix:
            hint = "Only a pyproject.toml has [tool.rflint]; here, its keys stand at the top."
        self.fail(at, f"{what} {name!r}", hint)

    def fail(self, at: Key, message: str, hint: str = "") -> NoReturn:
        """Say what is wrong, and where."""
        source = self.document.source((*self.prefix, *at))
        raise ConfigurationError(message, hint=hint, source=source)


def _choices(values: Mapping[str, Any]) -> Choices:
    values = dict(values)
    if _LAYOUT_TOO in values:
        same = values.pop(_LAYOUT_TOO)
        values.setdefault("layout", same)
    return Choices(**{name.replace("-", "_"): value for name, value in values.items()})


def _any(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} should be a text")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} should be true or false")
    return value


def _table(value: Any, like: str = "classes = 10") -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} should be a table, like {{ {like} }}")
    return value


def _one_of(choices: Sequence[str], value: Any) -> str:
    if value not in choices:
        did = did_you_mean_aside(list(map(repr, similar(str(value), choices))))
        raise ValueError(f"{value!r} should be one of {', '.join(choices)}{did}")
    return str(value)


def _severities(value: Any) -> Mapping[str, Severity]:
    severities = [severity.value for severity in Severity]
    found = {}
    for code, severity in _table(value, 'RF101 = "error"').items():
        try:
            found[code] = Severity(_one_of(severities, severity))
        except ValueError as error:
            raise _WrongEntry(code, str(error)) from error
    return found


def _formats(value: Any) -> tuple[str, ...]:
    """`"sarif:FILE"` and others."""
    found = quantities.names(value)
    for name in found:
        _one_of(FORMATS, name.partition(":")[0])
    return found


_COMMON: Mapping[str, Reader] = {
    "res": quantities.resolutions,
    "input": quantities.shapes,
    "layout": quantities.layouts,
    "args": _table,
    "train": _flag,
    "tracer": partial(_one_of, TRACERS),
    "allow-unknown": quantities.names,
    "select": quantities.names,
    "extend-select": quantities.names,
    "ignore": quantities.names,
    "severity": _severities,
    "max-unproductive": partial(quantities.limit, share=True),
    "max-dead-weights": partial(quantities.limit, share=True),
    "max-macs": quantities.limit,
    "max-params": quantities.limit,
}
"""Keys for all models, and for each."""

_LAYOUT_TOO = "axes"
"""Another word for `layout`."""

_ALIASES: Mapping[str, Reader] = {_LAYOUT_TOO: quantities.layouts}

_WHOLE: Mapping[str, Reader] = {
    "fail-on": partial(_one_of, FAIL_ON),
    "format": _formats,
    "output": _text,
    "baseline": _text,
    "cache": _flag,
}
"""Keys for the whole run."""

assert {name.replace("-", "_") for name in _COMMON} == {x.name for x in fields(Choices)}
