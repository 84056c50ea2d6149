"""Read a configuration from TOML: every key is known, and every value of the right kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from rflint.configuration.configuration import Configuration, ConfiguredModel
from rflint.configuration.find import named_document, nearest_document, prefix
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.toml import ConfigurationError, Document, Key
from rflint.configuration.values import (
    ALIASES,
    MODEL_READERS,
    RUN_KEYS,
    Reader,
    WrongEntry,
    any_value,
    read_text,
)
from rflint.errors import UsageError
from rflint.linting.rule import Rule
from rflint.linting.selection import check_code
from rflint.linting.settings import check_settings
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.builder_values import arguments_of_configuration
from rflint.usercode.target import split_target


def load_configuration(config: Path | None, *, isolated: bool) -> Configuration:
    """The configuration that --config names, or the nearest one; an empty one with --isolated."""
    if config is not None and isolated:
        raise UsageError("--isolated takes no configuration, and --config takes one")
    if config is not None:
        return read_configuration(named_document(config.resolve()))
    document = None if isolated else nearest_document(Path.cwd())
    return read_configuration(document) if document else Configuration(Path.cwd())


def read_configuration(document: Document) -> Configuration:
    """Raises ConfigurationError, with the line, for the first unknown key or invalid value."""
    reading = _Reading(document, prefix(document))
    table = reading.table()
    common = reading.values(
        table, (), {**MODEL_READERS, **RUN_KEYS, "rules": any_value, "models": any_value}
    )
    models = tuple(reading.models(table.get("models", [])))
    paths, settings = reading.rules(table.get("rules", []))
    own = {name: common.pop(name) for name in [*RUN_KEYS] if name in common}
    common = {name: value for name, value in common.items() if name not in ("rules", "models")}
    return Configuration(
        root=document.path.parent,
        path=document.path,
        models=models,
        options=_options(common),
        rule_paths=paths,
        rule_settings=settings,
        document=document,
        **{name.replace("-", "_"): value for name, value in own.items()},
    )


def check_rule_names(configuration: Configuration, rules: Sequence[Rule]) -> None:
    """Check the codes and settings of rules in a configuration against the existing rules.

    Raises ConfigurationError for the first code of no rule, and the first invalid setting.
    """
    document = configuration.document
    if document is None:
        return
    reading = _Reading(document, prefix(document))
    layers: list[tuple[Key, ModelOptions]] = [((), configuration.options)]
    layers += [(("models", i), model.options) for i, model in enumerate(configuration.models)]
    for at, options in layers:
        for name in ("select", "extend_select", "ignore", "severity"):
            for code in getattr(options, name) or ():
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
    """Reads the tables of a document; errors name the line."""

    def __init__(self, document: Document, prefix: Key) -> None:
        self.document = document
        self.prefix = prefix

    def table(self) -> Mapping[str, Any]:
        """The table with rflint's keys."""
        table: Any = self.document.table
        for key in self.prefix:
            table = table[key]
        if not isinstance(table, dict):
            self.fail((), "tool.rflint should be a table")
        return table

    def values(
        self, table: Mapping[str, Any], at: Key, readers: Mapping[str, Reader]
    ) -> dict[str, Any]:
        """The values of a table, by their keys."""
        found = {}
        for name, value in table.items():
            if name not in readers:
                self.unknown((*at, name), name, readers, "there is no key")
            try:
                found[name] = readers[name](value)
            except WrongEntry as error:
                self.fail((*at, name, error.key), f"{name} of {error.key}: {error}")
            except ValueError as error:
                self.fail((*at, name), f"{name}: {error}")
        if "args" in found:
            found["args"] = self._arguments(found["args"], (*at, "args"))
        return found

    def _arguments(self, args: Any, at: Key) -> Mapping[str, Any]:
        """Arguments of a builder, which may lie in files beside the configuration."""
        try:
            return arguments_of_configuration(args, self.document.path.parent)
        except UsageError as error:
            place = f"{error.source}: " if error.source else ""
            self.fail(at, f"args: {place}{error.message}", error.hint)

    def models(self, entries: Any) -> Iterator[ConfiguredModel]:
        """The entries of [[tool.rflint.models]]."""
        if not isinstance(entries, list) or not all(isinstance(x, dict) for x in entries):
            self.fail(("models",), "models are tables: write [[tool.rflint.models]] for each")
        names: set[str] = set()
        for index, entry in enumerate(entries):
            at = ("models", index)
            values = self.values(
                entry, at, {**MODEL_READERS, "target": read_text, "name": read_text}
            )
            target, name = values.pop("target", None), values.pop("name", "")
            if target is None:
                self.fail(at, 'a model needs a target, like target = "mymodel:build"')
            self.check(partial(split_target, target), (*at, "target"))
            if name and name in names:
                self.fail((*at, "name"), f"another model is called {name!r} already")
            names.add(name)
            yield ConfiguredModel(target, name, _options(values))

    def rules(self, rules: Any) -> tuple[tuple[str, ...], dict[str, Mapping[str, Any]]]:
        """Paths of rule files, and settings by rule code; `rules` is a table or a list of paths."""
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
        """Call `attempt`, and turn a UsageError into a ConfigurationError with the line."""
        try:
            attempt()
        except UsageError as error:
            self.fail(at, error.message, error.hint)

    def unknown(self, at: Key, name: str, known: Mapping[str, Any], what: str) -> NoReturn:
        """Raise the error for an unknown key."""
        did = did_you_mean(similar(name.replace("_", "-").lower(), known))
        listed = ", ".join(sorted(known.keys() - ALIASES.keys()))
        hint = did or f"Known are {listed}."
        if name == "tool" and not self.prefix:
            hint = "Only a pyproject.toml has [tool.rflint]; here, its keys stand at the top."
        self.fail(at, f"{what} {name!r}", hint)

    def fail(self, at: Key, message: str, hint: str = "") -> NoReturn:
        """Raise an error with the line of a key."""
        source = self.document.source((*self.prefix, *at))
        raise ConfigurationError(message, hint=hint, source=source)


def _options(values: Mapping[str, Any]) -> ModelOptions:
    values = dict(values)
    for alias, name in ALIASES.items():
        if alias in values:
            same = values.pop(alias)
            values.setdefault(name, same)
    return ModelOptions(**{name.replace("-", "_"): value for name, value in values.items()})
