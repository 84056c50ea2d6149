"""[tool.rflint] of pyproject.toml, or rflint.toml: found, read, and laid under the command line."""

from __future__ import annotations

from pathlib import Path

from rflint.configuration.choices import Choices
from rflint.configuration.find import find, given
from rflint.configuration.read import Configuration, ConfiguredModel, check_rules, read
from rflint.errors import UsageError

__all__ = ["Choices", "Configuration", "ConfiguredModel", "check_rules", "configuration"]


def configuration(config: Path | None, *, isolated: bool) -> Configuration:
    """That of --config, the nearest one, or with --isolated none."""
    if config is not None and isolated:
        raise UsageError("--isolated takes no configuration, and --config takes one")
    if config is not None:
        return read(given(config.resolve()))
    document = None if isolated else find(Path.cwd())
    return read(document) if document else Configuration(Path.cwd())
