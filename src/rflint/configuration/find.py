"""Which file configures a run: the nearest rflint.toml, or pyproject.toml with [tool.rflint]."""

from __future__ import annotations

from pathlib import Path

from rflint.configuration.file_names import CONFIGURATIONS
from rflint.configuration.toml import ConfigurationError, Document, Key, load_document

TABLE: Key = ("tool", "rflint")
"""Where rflint's keys are in a pyproject.toml; an rflint.toml has them at its top."""


def nearest_document(start: Path) -> Document | None:
    """The nearest configuration file, searched from a folder upwards."""
    for folder in (start, *start.parents):
        for name in CONFIGURATIONS:
            path = folder / name
            if path.is_file():
                document = load_document(path)
                if name == "rflint.toml" or _has_table(document):
                    return document
    return None


def named_document(path: Path) -> Document:
    """The file that --config names. Raises ConfigurationError if rflint is not configured there."""
    document = load_document(path)
    if path.name == "pyproject.toml" and not _has_table(document):
        raise ConfigurationError(f"{path} has no table [tool.rflint]")
    return document


def prefix(document: Document) -> Key:
    """The table that holds rflint's keys."""
    return TABLE if document.path.name == "pyproject.toml" else ()


def _has_table(document: Document) -> bool:
    tool = document.table.get("tool")
    return isinstance(tool, dict) and "rflint" in tool
