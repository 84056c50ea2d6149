"""A configuration as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rflint.configuration.find import prefix
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.toml import Document
from rflint.graph.source_location import SourceLocation


@dataclass(frozen=True, slots=True)
class ConfiguredModel:
    """An entry of [[tool.rflint.models]]."""

    target: str
    name: str = ""
    options: ModelOptions = field(default_factory=ModelOptions)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The content of a configuration file; all defaults where there is no file."""

    root: Path
    """The folder of the file: paths and targets in it are relative to this folder."""
    path: Path | None = None
    models: tuple[ConfiguredModel, ...] = ()
    options: ModelOptions = field(default_factory=ModelOptions)
    """For all models."""
    fail_on: str | None = None
    format: tuple[str, ...] | None = None
    output: str | None = None
    baseline: str | None = None
    cache: bool | None = None
    jobs: int | None = None
    timeout: float | None = None
    """Seconds that a model may take."""
    memory: int | None = None
    """Bytes that a model may take."""
    pythonpath: tuple[str, ...] = ()
    """Folders that the modules of targets are looked for in, before all others."""
    rule_paths: tuple[str, ...] = ()
    rule_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    document: Document | None = None

    def line_of(self, key: str) -> SourceLocation | None:
        """The line of a key in the file."""
        document = self.document
        return document.source((*prefix(document), key)) if document else None

    def within(self, path: str) -> Path:
        """A path in the file, made relative to the current directory."""
        return self.root / path

    @property
    def module_folders(self) -> tuple[Path, ...]:
        """The folders of `pythonpath`."""
        return tuple(self.within(path).resolve() for path in self.pythonpath)

    @property
    def rule_files(self) -> list[Path]:
        """The files and folders of the project's own rules."""
        return [self.within(path) for path in self.rule_paths]
