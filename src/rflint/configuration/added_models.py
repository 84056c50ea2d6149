"""Models added to a configuration file: text behind what is there, which stays as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rflint.configuration.configuration import Configuration
from rflint.configuration.find import nearest_document
from rflint.configuration.read import read_configuration
from rflint.configuration.toml import ConfigurationError, load_document, parsed_document
from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.usercode.paths import short_path


@dataclass(frozen=True, slots=True)
class AddedModel:
    """A model to add."""

    target: str
    res: int | str
    """As it is written: a number, or a text like `32x64`."""
    args: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""
    """Behind the size."""


def file_to_configure(config: Path | None, start: Path) -> Path:
    """The file that gets a project's models.

    The one that is given; else the one that configures rflint already, the nearest pyproject.toml
    (within a repository), or an rflint.toml to be made in the folder `start`.
    """
    if config is not None:
        if config.suffix != ".toml":
            raise UsageError(f"{config} is no TOML file: its name has to end in .toml")
        return config.resolve()
    document = nearest_document(start)
    if document is not None:
        return document.path
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
        if (folder / ".git").exists():
            break
    return start / "rflint.toml"


def configuration_in(file: Path) -> Configuration:
    """What a file configures so far; nothing where there is no file, or no table of rflint's."""
    if not file.exists():
        return Configuration(file.parent, file)
    document = load_document(file)
    if file.name == "pyproject.toml" and "rflint" not in document.table.get("tool", {}):
        return Configuration(file.parent, file, document=document)
    return read_configuration(document)


def with_models(file: Path, models: Sequence[AddedModel]) -> tuple[str, str]:
    """The text of the file as it is, and what comes behind it.

    Raises ConfigurationError where the file cannot be extended at its end.
    """
    before = _text_of(file)
    newline = "\r\n" if "\r\n" in before else "\n"
    table = "tool.rflint.models" if file.name == "pyproject.toml" else "models"
    entries = newline.join(newline.join(_lines(model, table)) for model in models)
    gap = "" if not before else newline if before.endswith("\n") else newline * 2
    added = gap + entries
    try:
        read_configuration(parsed_document(file, before + added))
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{short_path(file)} cannot be extended at its end: {error.message}",
            hint=f"Add this by hand:\n{entries}",
            source=error.source,
        ) from error
    return before, added


def append(file: Path, before: str, added: str) -> None:
    """Write the file. Raises UsageError where it has changed meanwhile, or cannot be written."""
    if _text_of(file) != before:
        raise UsageError(f"{short_path(file)} has changed meanwhile", hint="Run it again.")
    try:
        with atomic_write(file) as partial:
            partial.write_bytes((before + added).encode())
    except OSError as error:
        raise UsageError(f"cannot write {short_path(file)}: {error.strerror}") from error


def _text_of(file: Path) -> str:
    """The text with its line endings as they are; empty where there is no file."""
    return file.read_bytes().decode() if file.exists() else ""


def _lines(model: AddedModel, table: str) -> list[str]:
    comment = f"  # {model.comment}" if model.comment else ""
    lines = [
        f"[[{table}]]",
        f"target = {_toml(model.target)}",
        f"res = {_toml(model.res)}{comment}",
    ]
    if model.args:
        pairs = ", ".join(f"{_toml_key(key)} = {_toml(x)}" for key, x in model.args.items())
        lines.append(f"args = {{ {pairs} }}")
    return [*lines, ""]


def _toml(value: Any) -> str:
    """A text or a number; JSON writes both as TOML does."""
    return json.dumps(value, ensure_ascii=False)


def _toml_key(key: str) -> str:
    return key if key.isascii() else _toml(key)
