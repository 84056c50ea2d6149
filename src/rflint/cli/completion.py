"""What the shell can complete: targets, beside the options, which click completes by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import click
from click.shell_completion import CompletionItem


def complete_targets(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Configured models, Python files, and behind a file's colon what is defined in it."""
    file, colon, _ = incomplete.rpartition(":")
    names = [*_configured(), *(f"{file}:{name}" for name in _defined(Path(file)) if colon)]
    if not ctx.params.get("targets") and hasattr(ctx.command, "subcommands"):
        names += ctx.command.subcommands.commands
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found if colon else [*found, CompletionItem(incomplete, type="file")]


def _configured() -> list[str]:
    from rflint.configuration import configuration
    from rflint.errors import RflintError

    try:
        return [model.target for model in configuration(None, isolated=False).models]
    except RflintError:  # a shell is no place to say so
        return []


def _defined(file: Path) -> list[str]:
    """Functions and classes at the top of a file."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = [node.name for node in tree.body if isinstance(node, kinds)]
    return [name for name in names if not name.startswith("_")]
