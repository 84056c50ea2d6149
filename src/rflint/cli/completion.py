"""Shell completion of targets and rule codes; click completes options by itself."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem, split_arg_string

_WORDS, _POSITION = "COMP_WORDS", "COMP_CWORD"
"""In the environment by click's protocol: the line that is completed, and which word of it."""


def words() -> list[str]:
    """The words of the line to complete, without the program; empty if nothing is completed."""
    return split_arg_string(os.environ.get(_WORDS, ""))[1:]


def join_at_colons() -> None:
    """Undo that bash splits words at colons, also in the middle of a target.

    Bash passes one word a line, and an empty line where the next word begins.
    """
    before = os.environ.get(_WORDS, "").split("\n")[: int(os.environ.get(_POSITION, "0")) + 1]
    joined = re.sub(r"\s*\n:\n?\s*", ":", "\n".join(before)).split("\n")
    os.environ[_WORDS] = " ".join(joined)
    os.environ[_POSITION] = str(len(joined) - 1)


def complete_targets(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Subcommands, configured models and files; after `file.py:`, what the file defines."""
    file, colon, _ = incomplete.rpartition(":")
    names = [*_configured(), *(f"{file}:{name}" for name in _defined(Path(file)) if colon)]
    said = [x for x in ctx.params if ctx.get_parameter_source(x) is ParameterSource.COMMANDLINE]
    if not said and hasattr(ctx.command, "subcommands"):  # they stand in front of all else
        names += ctx.command.subcommands.commands
    found = [name for name in names if name.startswith(incomplete)]
    in_bash = os.environ.get("_RFLINT_COMPLETE", "").startswith("bash")
    if in_bash and colon:  # the word that bash replaces begins behind the colon
        return [CompletionItem(name[len(file) + 1 :]) for name in found]
    # bash shows files or names, not both
    files = [] if colon or (in_bash and found) else [CompletionItem(incomplete, type="file")]
    return [*map(CompletionItem, found), *files]


def _configured() -> list[str]:
    from rflint.configuration.read import load_configuration
    from rflint.errors import RflintError

    try:
        models = load_configuration(None, isolated=False).models
    except RflintError:  # a shell is no place to say so
        return []
    return [name for model in models for name in (model.target, model.name) if name]


def complete_codes(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Codes of the rules that ship with rflint; after a comma, one more."""
    from rflint.linting.rule_files import load_rules

    before, comma, start = incomplete.rpartition(",")
    codes = [rule.code for rule in load_rules() if rule.code.startswith(start.upper())]
    return [CompletionItem(f"{before}{comma}{code}") for code in codes]


def _defined(file: Path) -> list[str]:
    """The functions and classes that a file defines, without the private ones."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = [node.name for node in tree.body if isinstance(node, kinds)]
    return [name for name in names if not name.startswith("_")]
