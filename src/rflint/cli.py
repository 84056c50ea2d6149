"""The command line. `rflint TARGET...` lints; everything else is a subcommand.

A target always has a colon or ends in .py, so it is never mistaken for a subcommand. Nothing here
imports torch until there is a model to lint.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rflint import __version__
from rflint.collector import collector_paused
from rflint.errors import RflintError, UsageError, expected
from rflint.options import Options
from rflint.streams import destination, end_stdout, silence_stdout, stdout_kept_clean

if TYPE_CHECKING:
    from rflint.report import Report
    from rflint.rule import Rule
    from rflint.tracing.build import Built

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


_EXAMPLES = (
    "rflint mymodel:build --res 32",
    "rflint models/net.py:Net --arg classes=10 --res 32,64",
    "rflint torchvision.models:resnet18 --res 224 --format json",
)


class _Lint(click.Command):
    """The program itself; its help names the subcommands too."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, options, then the other commands."""
        with formatter.section("Examples"):
            formatter.write("".join(f"  {example}\n" for example in _EXAMPLES))
        super().format_options(ctx, formatter)
        subcommands.format_commands(ctx, formatter)


def _resolutions(
    ctx: click.Context,
    param: click.Parameter,
    value: str | None,
) -> list[tuple[int, ...]] | None:
    """`32`, `32x64` or `32,64,128` as a list of sizes per axis."""
    if value is None:
        return None
    found = [_sizes(item) for item in value.split(",")]
    if not all(found):
        raise click.BadParameter(
            f"{value!r}: sizes are positive whole numbers, like 32, 32x64 or 32,64,128"
        )
    return [sizes for sizes in found if sizes]


def _shapes(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> list[tuple[int, ...]]:
    """`1x3x32x32`: batch, channels, spatial axes."""
    found = []
    for value in values:
        sizes = _sizes(value)
        if sizes is None or len(sizes) < 2:
            raise click.BadParameter(f"{value!r}: a shape is batch, channels, sizes: 1x3x32x32")
        found.append(sizes)
    return found


def _codes(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str]:
    """`RF101,RF2` as a list."""
    return [code.strip() for code in (value or "").split(",") if code.strip()]


def _sizes(text: str) -> tuple[int, ...] | None:
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        return None
    sizes = tuple(int(part) for part in parts)
    return sizes if all(sizes) else None


@click.group(context_settings=_CONTEXT)
def subcommands() -> None:
    """What rflint does beside linting."""


_MODEL_OPTIONS = (
    click.option(
        "--res",
        callback=_resolutions,
        metavar="SIZE",
        help="Input size: 32, 32x64, or several: 32,64,128.",
    ),
    click.option(
        "--input",
        "shapes",
        callback=_shapes,
        multiple=True,
        metavar="SHAPE",
        help="Input shape, like 1x3x32x32, where it cannot be inferred; once per input.",
    ),
    click.option(
        "--arg",
        "pairs",
        multiple=True,
        metavar="KEY=VALUE",
        help="Keyword argument for the builder; a Python literal, else a string.",
    ),
    click.option(
        "--train", is_flag=True, help="Lint as in training (auxiliary heads), not as in evaluation."
    ),
    click.option(
        "--tracer",
        type=click.Choice(["auto", "symbolic", "export"]),
        default="auto",
        show_default=True,
        help="Follow the model's code, or torch.export; auto: export where the code hides.",
    ),
)


def _model_options(command: Callable[..., None]) -> Callable[..., None]:
    """What says how a model is built and fed, for every command that takes one."""
    for option in reversed(_MODEL_OPTIONS):
        command = option(command)
    return command


@click.command(cls=_Lint, context_settings=_CONTEXT)
@click.argument("targets", nargs=-1, metavar="TARGET...")
@_model_options
@click.option(
    "--allow-unknown",
    multiple=True,
    metavar="OPERATOR",
    help="Do not report this unknown operator (what depends on it stays unjudged).",
)
@click.option(
    "--select",
    callback=_codes,
    metavar="CODES",
    help="Rules to run instead of the default ones: RF101, RF1, ALL.",
)
@click.option("--ignore", callback=_codes, metavar="CODES", help="Rules not to run.")
@click.option(
    "--fail-on",
    type=click.Choice(["info", "warning", "error", "never"]),
    default="warning",
    show_default=True,
    help="Exit with status 1 from this severity on.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What to print.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the report to a file.",
)
@click.option(
    "-v", "--verbose", is_flag=True, help="Show every layer, and how the model was built."
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(__version__, prog_name="rflint")
def lint(
    targets: Sequence[str],
    res: list[tuple[int, ...]] | None,
    shapes: Sequence[tuple[int, ...]],
    pairs: Sequence[str],
    train: bool,
    tracer: str,
    allow_unknown: Sequence[str],
    select: list[str],
    ignore: list[str],
    fail_on: str,
    format_: str,
    output: Path | None,
    verbose: bool,
    debug: bool,
) -> None:
    """Find the layers of a PyTorch model that cannot contribute at an input resolution.

    TARGET is package.module:attribute or path/to/file.py:attribute. The attribute is a function
    that returns an nn.Module, a class, or an nn.Module.

    Exit status: 0 nothing found, 1 findings, 2 a target could not be analysed.
    """
    from rflint.reporters import FORMATS
    from rflint.rule import Severity, selected
    from rflint.rule_files import load_rules

    with _errors_reported(debug):
        if not targets:
            raise UsageError(
                "no target given", hint="Name a model, like: rflint mymodel:build --res 32"
            )
        rules = selected(load_rules(), select, ignore)
        options = Options(train, tracer, tuple(allow_unknown))
        report = _lint_all(targets, rules, res, shapes, pairs, options, debug=debug)
        if verbose:
            for note in (note for model in report.models for note in model.notes):
                click.echo(f"rflint: {note}", err=True)
        with destination(output) as stream:
            FORMATS[format_](report, rules, stream, verbose)
        end_stdout()
    sys.exit(report.exit_status(None if fail_on == "never" else Severity(fail_on)))


@subcommands.command("rule", context_settings=_CONTEXT)
@click.argument("code", required=False)
def rule(code: str | None) -> None:
    """Explain a rule, or list all rules."""
    from rflint.rule import selected
    from rflint.rule_files import load_rules

    with _errors_reported(debug=False):
        rules = load_rules()
        if code is None:
            for entry in rules:
                state = entry.severity.value if entry.default else "off"
                click.echo(f"{entry.code}  {entry.name:24} {state:8} {entry.summary}")
            return
        for entry in selected(rules, [code]):
            click.echo(f"{entry.code} {entry.name} ({entry.severity.value})\n\n{entry.doc}\n")


@subcommands.command("fix", context_settings=_CONTEXT)
@click.argument("target")
@_model_options
@click.option(
    "--repair",
    "number",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Which of the repairs, as the report numbers them.",
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(["truncate", "remove-downsampling", "dilate"]),
    multiple=True,
    help="Only repairs of this kind, numbered among themselves.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the file here; stdout otherwise.",
)
@click.option("--diff", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def fix(
    target: str,
    res: list[tuple[int, ...]] | None,
    shapes: Sequence[tuple[int, ...]],
    pairs: Sequence[str],
    train: bool,
    tracer: str,
    number: int,
    kinds: Sequence[str],
    output: Path | None,
    diff: bool,
    force: bool,
    debug: bool,
) -> None:
    """Write a repair as a Python file whose build() gives the changed model.

    The file calls TARGET and edits what it returns, with nothing but torch. It is linted before it
    is written. Exit status: 0 written or nothing to repair, 2 no repair could be written.
    """
    with _errors_reported(debug):
        if res is not None and len(res) > 1:
            raise UsageError("rflint fix takes one resolution")
        if output is not None and output.exists() and not (force or diff):
            raise UsageError(f"{output} exists", hint="Replace it with --force.")
        if output is not None and output.suffix != ".py":
            raise UsageError(f"{output} is no Python file: its name has to end in .py")
        from rflint.target import arguments

        builder_arguments = arguments(pairs)
        built = _built(target, builder_arguments)
        from rflint.fix import patch
        from rflint.linter import find_repairs
        from rflint.repair.words import in_figures

        options = Options(train, tracer)
        file = output or Path("patched.py")
        with stdout_kept_clean():
            resolution = res[0] if res else None
            found = find_repairs(built, resolution, list(shapes) or None, options, kinds)
            if not found.unproductive:
                click.echo(f"{target} has no unproductive layer: nothing to repair", err=True)
                return
            made = patch(built, target, builder_arguments, found, number, file, options)
        with destination(None if diff else output) as stream:
            stream.write(_difference(file, made.text) if diff else made.text)
        end_stdout()
        words = f"repair {number} of {len(found.repairs)}, {made.repair.words}: {made.repair.title}"
        done = f"wrote {output}, whose build() was linted" if output and not diff else "linted"
        click.echo(f"{words}\n{done}: {in_figures(made.repair)}", err=True)


def _difference(file: Path, text: str) -> str:
    """A unified diff from what is there to what would be."""
    there = file.read_text(encoding="utf-8") if file.exists() else ""
    old = str(file) if there else "/dev/null"
    lines = difflib.unified_diff(
        there.splitlines(keepends=True), text.splitlines(keepends=True), old, str(file)
    )
    return "".join(lines)


def _lint_all(
    targets: Sequence[str],
    rules: Sequence[Rule],
    res: list[tuple[int, ...]] | None,
    shapes: Sequence[tuple[int, ...]],
    pairs: Sequence[str],
    options: Options,
    *,
    debug: bool,
) -> Report:
    """Lint every target; what fails is said on stderr and does not stop the rest."""
    from rflint.figures import size
    from rflint.report import Failure, ModelReport, Report
    from rflint.target import arguments

    builder_arguments = arguments(pairs)
    models: list[ModelReport] = []
    failures: list[Failure] = []

    def failed(target: str, error: RflintError, resolution: tuple[int, ...] | None = None) -> None:
        failures.append(Failure(target, error))
        several = res is not None and len(res) > 1 and resolution is not None
        _complain(error, debug, f"{target} at {size(resolution or ())}" if several else target)

    for target in targets:
        try:
            built = _built(target, builder_arguments)
        except Exception as error:
            failed(target, expected(error))
            continue
        from rflint.linter import lint_model

        for resolution in res or (None,):
            try:
                with stdout_kept_clean():
                    models.append(
                        lint_model(
                            built,
                            target,
                            rules,
                            resolution,
                            list(shapes) or None,
                            options,
                        )
                    )
            except Exception as error:
                failed(target, expected(error), resolution)
    return Report(tuple(models), tuple(failures))


def _built(target: str, builder_arguments: dict[str, Any]) -> Built:
    """Import a target and build its model; the first moment at which torch is needed."""
    from rflint.target import check, load

    check(target)
    with stdout_kept_clean():
        # torch without numpy warns at import; nothing here needs numpy
        warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
        with collector_paused():
            from rflint.tracing.build import build
            from rflint.tracing.sources import construction_recorded

            with construction_recorded():
                attribute = load(target)
        gc.freeze()  # what was imported stays: later rounds need not look at it
        return build(attribute, builder_arguments, target)


@contextlib.contextmanager
def _errors_reported(debug: bool) -> Iterator[None]:
    """One message on stderr and exit status 2, in place of a traceback."""
    try:
        yield
    except RflintError as error:
        _complain(error, debug)
        sys.exit(2)
    except BrokenPipeError:
        silence_stdout()  # whoever reads has seen enough
        sys.exit(0)
    except OSError as error:
        silence_stdout()
        _complain(UsageError(f"cannot write the report: {error.strerror}"), debug)
        sys.exit(2)


def _complain(error: RflintError, debug: bool, target: str = "") -> None:
    if debug:
        traceback.print_exception(error)
    about = f"{target}: " if target and target not in error.message else ""
    place = f"{error.source}: " if error.source else ""
    click.echo(f"rflint: error: {place}{about}{error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)


def main() -> None:
    """The entry point of the `rflint` program: a subcommand, or else targets to lint."""
    arguments = sys.argv[1:]
    named = bool(arguments) and arguments[0] in subcommands.commands
    command = subcommands if named else lint
    try:
        command.main(arguments, prog_name="rflint", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)  # interrupted, as shells count it
