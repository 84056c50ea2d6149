"""Commands that a person can copy, with the target and the options that they gave."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request
from rflint.text.numbers import size
from rflint.usercode.builder_values import as_typed
from rflint.usercode.paths import relative_path
from rflint.usercode.schemes.registry import scheme_of

_MISSING = re.compile(
    r"--(?:arg \w+=\S*[^\s.:,]|res \d[\dx]*|layout [A-Z]+"
    r"|input (?:\d[\dx]*(?::\w+)*|[\w.]+=[\w.:-]*\w))"
)
"""The options that a hint asks for."""


@dataclass(frozen=True, slots=True)
class CommonOptions:
    """The options that hold for all models of a run."""

    options: ModelOptions
    config: Path | None = None
    isolated: bool = False
    typed: Sequence[str] = ()
    """All words of the command line, where it is about one model alone."""


def command(request: Request, given: CommonOptions, subcommand: str = "") -> str:
    """The command that lints the model of a request alone, or that applies a subcommand to it."""
    return shlex.join(["rflint", *([subcommand] if subcommand else []), *_words(request, given)])


def completed(hint: str, request: Request, given: CommonOptions) -> str:
    """A hint; below it, if it names options, the whole command with these options.

    Of several sizes that would do ("--res 48 or --res 64"), the first.
    """
    first = hint.partition(" or --")[0]
    missing = [word for option in _MISSING.findall(first) for word in option.split(" ")]
    if not missing:
        return hint
    if given.typed:
        return f"{hint}\n{with_options(given.typed, missing)}"
    if "--input" in missing:  # all of them, and not those alone that were not given
        given = replace(given, options=replace(given.options, input=None))
        request = replace(request, shapes=())
    if "--res" in missing:
        given = replace(given, options=replace(given.options, res=None))
        request = replace(request, resolution=None)
    return f"{hint}\nrflint {shlex.join([*_words(request, given), *missing])}"


def with_options(typed: Sequence[str], missing: Sequence[str]) -> str:
    """A command as it was typed, with further options; a size or input replaces those given."""
    replaced = tuple(x for x in ("--res", "--input") if x in missing)
    kept: list[str] = []
    words = iter(typed)
    for word in words:
        if word in replaced:
            next(words, None)  # its value
        elif not word.startswith(tuple(f"{x}=" for x in replaced)):
            kept.append(word)
    return shlex.join(["rflint", *kept, *missing])


def _words(request: Request, given: CommonOptions) -> list[str]:
    options, words = given.options, [_target(request)]
    arguments = options.args or {}
    isolated = given.isolated
    if request.name and not request.is_named:  # only its arguments tell it apart
        arguments, isolated = request.arguments, True
    if given.config and not isolated:
        words += ["--config", str(given.config)]
    if isolated:
        words.append("--isolated")
    if request.resolution and (options.res or request.is_one_of_several or isolated):
        words += ["--res", size(request.resolution)]
    for shape in request.shapes if isolated else options.input or ():
        words += ["--input", repr(shape)]
    for layout in options.layout or ():
        words += ["--layout", layout]
    for key in arguments:
        words += ["--arg", f"{key}={as_typed(arguments, key)}"]
    if options.train is not None:
        words.append("--train" if options.train else "--no-train")
    if options.tracer:
        words += ["--tracer", options.tracer]
    if options.allow_training:
        words.append("--allow-training")
    if options.allow_downloads:
        words.append("--allow-downloads")
    return words


def _target(request: Request) -> str:
    """The name in the configuration, or the target as one would type it in this folder."""
    if request.is_named:
        return request.name
    elsewhere = request.root.resolve() != Path.cwd().resolve()
    if elsewhere and (named := scheme_of(request.target)):
        scheme, name = named
        if scheme.file(name, request.root):
            path = scheme.path(name)
            return f"{scheme.prefix}:{relative_path(request.root / path)}{name[len(path) :]}"
    module, _, attribute = request.target.rpartition(":")
    if module.endswith(".py") and elsewhere:
        return f"{relative_path(request.root / module)}:{attribute}"
    return request.target
