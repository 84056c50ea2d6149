"""Options that several commands share, and how click reads the values of options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rflint.cli.completion import complete_codes
from rflint.inputs.notation import (
    InputShape,
    Sizes,
    read_layouts,
    read_names,
    read_resolution,
    read_resolutions,
    read_shape,
)
from rflint.inputs.tracing_options import TRACERS
from rflint.report.exit_gate import FAIL_ON
from rflint.report.limit import Limit, read_limit
from rflint.report.reporters import FORMATS
from rflint.text.memory import read_memory
from rflint.text.suggest import did_you_mean, similar

if TYPE_CHECKING:
    pass


def resolutions(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[Sizes, ...] | None:
    """`32`, `32x64` or `32,64,128` as sizes per axis, one tuple for each resolution."""
    return None if value is None else _read(read_resolutions, value)


def resolution(ctx: click.Context, param: click.Parameter, value: str | None) -> Sizes | None:
    """`32` or `32x64` as sizes per axis."""
    return None if value is None else _read(read_resolution, value)


def shapes(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> tuple[InputShape, ...] | None:
    """Shapes like `1x3x32x32` (batch, channels, spatial axes); None if there are none."""
    return tuple(_read(read_shape, value) for value in values) or None


def layouts(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> tuple[str, ...] | None:
    """Layouts like `BTCHW`; None if there are none."""
    return tuple(_read(read_layouts, value)[0] for value in values) or None


def codes(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """`RF101,RF2` as a tuple; None if there are none."""
    return read_names(value) or None if value else None


def amount(ctx: click.Context, param: click.Parameter, value: str | None) -> Limit | None:
    """An amount like `12M`."""
    return None if value is None else _read(read_limit, value)


def amount_or_share(ctx: click.Context, param: click.Parameter, value: str | None) -> Limit | None:
    """An amount or share like `1200` or `5%`."""
    return None if value is None else _read(lambda x: read_limit(x, share=True), value)


def memory(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """An amount of memory like `4G`, in bytes."""
    return None if value is None else _read(read_memory, value)


def _read(reader: Callable[[Any], Any], value: str | Sequence[str]) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


class OneOf(click.Choice[str]):
    """One of a few words; for another one it is said which is spelt alike."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, if it is one of them."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            did = did_you_mean(similar(str(value), map(str, self.choices), ignore_case=True))
            self.fail(f"{error.message} {did}".rstrip(), param, ctx)


class Destination(click.ParamType["tuple[str, Path | None]"]):
    """A format, and the file to write it to: `sarif` or `sarif:FILE`."""

    name = "format"

    def __init__(self, formats: Sequence[str] = FORMATS) -> None:
        self.formats = formats

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path | None]:
        """The name of the format, and the file or None."""
        name, colon, file = value.partition(":")
        if name not in self.formats:
            wrong = f"{name!r} is not one of {', '.join(self.formats)}."
            did = did_you_mean(similar(name, self.formats))
            self.fail(f"{wrong} {did}".rstrip(), param, ctx)
        if colon and not file:
            self.fail(f"{value!r} names no file behind its colon", param, ctx)
        return name, Path(file) if file else None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """The formats whose names begin like this."""
        return [
            click.shell_completion.CompletionItem(name)
            for name in self.formats
            if name.startswith(incomplete)
        ]


_MODEL_OPTIONS = (
    click.option(
        "--res",
        callback=resolutions,
        metavar="SIZE",
        help="Input size: 32, 32x64, or several: 32,64,128.",
    ),
    click.option(
        "--input",
        callback=shapes,
        multiple=True,
        metavar="[NAME=]SHAPE",
        help="Input shape, like 1x3x32x32, where it cannot be inferred; once per input. "
        "With name, type and layout, if need be: tokens=1x20:int64, clip=1x8x3x64x64:BTCHW; "
        "t=500:int64 is a value, batch.image=1x3x32x32 a part of an argument.",
    ),
    click.option(
        "--layout",
        callback=layouts,
        multiple=True,
        metavar="LETTERS",
        help="What lies along an input's dimensions, like BTCHW, where rflint finds something "
        "else; once per input.",
    ),
    click.option(
        "--arg",
        "pairs",
        multiple=True,
        metavar="KEY=VALUE",
        help="Keyword argument for the builder; a Python literal, else a string. "
        "KEY=@FILE or @FILE: from a YAML, JSON or TOML file.",
    ),
    click.option(
        "--train/--no-train",
        default=None,
        help="Lint as in training (auxiliary heads), not as in evaluation.",
    ),
    click.option(
        "--tracer",
        type=OneOf(TRACERS),
        help="Follow the model's code, or torch.export; auto (default): export where the code "
        "hides.",
    ),
    click.option(
        "--allow-training",
        is_flag=True,
        default=None,
        help="Do not stop a target that trains while it is imported or built.",
    ),
    click.option(
        "--allow-downloads",
        is_flag=True,
        default=None,
        help="Do not stop one that downloads meanwhile, such as pretrained weights.",
    ),
)
_RULE_OPTIONS = (
    click.option(
        "--select",
        callback=codes,
        shell_complete=complete_codes,
        metavar="CODES",
        help="Rules to run instead of the default ones: RF101, RF1, ALL.",
    ),
    click.option(
        "--extend-select",
        callback=codes,
        shell_complete=complete_codes,
        metavar="CODES",
        help="Rules to run as well.",
    ),
    click.option(
        "--ignore",
        callback=codes,
        shell_complete=complete_codes,
        metavar="CODES",
        help="Rules not to run.",
    ),
)
_CONFIGURATION_OPTIONS = (
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Take this configuration, not the nearest pyproject.toml or rflint.toml.",
    ),
    click.option("--isolated", is_flag=True, help="Take no configuration."),
)


_GATE_OPTION = click.option(
    "--fail-on",
    type=OneOf(FAIL_ON),
    help="Exit with status 1 from this severity on.  [default: warning]",
)
_UNKNOWN_OPTION = click.option(
    "--allow-unknown",
    multiple=True,
    metavar="OPERATOR",
    help="Do not report this unknown operator (what depends on it stays unjudged).",
)
_PROCESS_OPTIONS = (
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Lint N models at a time, each in a process of its own.  [default: one for each core "
        "when there are more than three models]",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Give up on a model that takes longer.",
    ),
    click.option(
        "--memory",
        callback=memory,
        metavar="SIZE",
        help="Give up on a model that takes more: 512M, 4G.",
    ),
)
_SPAN_OPTIONS = (
    click.option(
        "--from",
        "first",
        callback=resolution,
        metavar="SIZE",
        help="The smallest size: 16, or 16x56x56.  [default: 16]",
    ),
    click.option(
        "--to",
        "last",
        callback=resolution,
        metavar="SIZE",
        help="The largest size.  [default: 512, or twice the input's]",
    ),
    click.option(
        "--step",
        type=click.IntRange(min=1),
        metavar="N",
        help="Look at every Nth size.  [default: 1, or as many as make 500 sizes]",
    ),
)


def with_output_options(
    formats: Sequence[str], what: str = "report"
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add --format and --output, for what can be written in these formats, the first if no other.

    `what` is written, as the help calls it.
    """
    options = (
        click.option(
            "--format",
            "formats",
            type=Destination(formats),
            multiple=True,
            metavar="FORMAT[:FILE]",
            help=f"{formats[0]} (default), {', '.join(formats[1:])}; several if all but one go to "
            "files.",
        ),
        click.option(
            "--output",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help=f"Write the {what} to a file.",
        ),
    )

    def added(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return added


def with_model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how a model is built and which inputs it gets."""
    for option in reversed(_MODEL_OPTIONS):
        command = option(command)
    return command


def with_rule_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which rules run."""
    for option in reversed(_RULE_OPTIONS):
        command = option(command)
    return command


def with_configuration_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which configuration is used."""
    for option in reversed(_CONFIGURATION_OPTIONS):
        command = option(command)
    return command


def with_gate_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option that says which findings fail a run."""
    return _GATE_OPTION(command)


def with_unknown_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option that says which unknown operators are not reported."""
    return _UNKNOWN_OPTION(command)


def with_process_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say in which processes models are linted, and within which limits."""
    for option in reversed(_PROCESS_OPTIONS):
        command = option(command)
    return command


def with_span_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which sizes of the input are looked at."""
    for option in reversed(_SPAN_OPTIONS):
        command = option(command)
    return command
