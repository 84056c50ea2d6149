"""`rflint TARGET...`: lint models. This is what rflint does without a subcommand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rflint._version import __version__
from rflint.cli.arguments import ProcessArguments, collected
from rflint.cli.completion import complete_targets
from rflint.cli.messages import errors_reported, note, to_stdout
from rflint.cli.output import chosen_outputs, opened_output
from rflint.cli.parameters import (
    amount,
    amount_or_share,
    resolution,
    with_configuration_options,
    with_gate_option,
    with_model_options,
    with_output_options,
    with_process_options,
    with_rule_options,
    with_unknown_option,
)
from rflint.configuration.file_names import BASELINE
from rflint.errors import UsageError
from rflint.report.reporters import FORMATS
from rflint.text.numbers import first_few
from rflint.usercode.paths import short_path
from rflint.usercode.stdout import end_stdout

if TYPE_CHECKING:
    from rflint.configuration.configuration import Configuration
    from rflint.configuration.model_options import ModelOptions
    from rflint.report.report import Report

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_EXAMPLES = (
    "rflint mymodel:build --res 32",
    "rflint models/net.py:Net --arg classes=10 --res 32,64",
    "rflint torchvision.models:resnet18 --res 224 --format json",
    "rflint                            the models of [tool.rflint] in pyproject.toml",
)


class Program(click.Command):
    """The command that lints; its help lists the subcommands, too."""

    subcommands: click.Group

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples, options and subcommands."""
        with formatter.section("Examples"):
            formatter.write("".join(f"  {example}\n" for example in _EXAMPLES))
        super().format_options(ctx, formatter)
        self.subcommands.format_commands(ctx, formatter)


@click.command("rflint", cls=Program, context_settings=CONTEXT)
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=complete_targets)
@with_model_options
@with_configuration_options
@click.option(
    "--train-res",
    callback=resolution,
    metavar="SIZE",
    help="The size that the model is trained at, if another: say what is different there.",
)
@with_unknown_option
@with_rule_options
@with_gate_option
@click.option(
    "--max-unproductive",
    callback=amount_or_share,
    metavar="N",
    help="Exit with status 1 beyond so many unproductive convolutions: 0, 20%.",
)
@click.option(
    "--max-dead-weights",
    callback=amount_or_share,
    metavar="N",
    help="The same for weights that only meet padding: 1000, 5% of all.",
)
@click.option("--max-macs", callback=amount, metavar="N", help="The same for work: 1.2G.")
@click.option("--max-params", callback=amount, metavar="N", help="The same for size: 12M.")
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"Accept the findings that this file holds.  [default: {BASELINE}, if it exists]",
)
@click.option("--no-baseline", is_flag=True, help="Accept nothing, whatever file there is.")
@click.option(
    "--write-baseline",
    is_flag=True,
    help=f"Write today's findings to --baseline, or to {BASELINE}.",
)
@with_output_options(FORMATS)
@click.option(
    "--measured",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Show what rflint measure --save kept beside the findings.",
)
@click.option("--statistics", is_flag=True, help="Count findings by rule in place of the report.")
@click.option("--show-files", is_flag=True, help="Show what would be linted, and from which files.")
@click.option(
    "--list-targets",
    is_flag=True,
    help="List what can be linted in the files and folders given, without importing them.",
)
@click.option(
    "--when-changed",
    is_flag=True,
    help="Take arguments without a colon for changed files, and lint only what depends on them.",
)
@click.option("--watch", is_flag=True, help="Lint again whenever a file changes.")
@with_process_options
@click.option("--no-cache", is_flag=True, help="Neither use answers of earlier runs nor keep any.")
@click.option("-q", "--quiet", is_flag=True, help="One line a finding, and errors.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Show every layer, and how the model was built."
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(__version__, prog_name="rflint")
def lint(**given: Any) -> None:
    """Find the layers of a PyTorch model that cannot contribute at an input resolution.

    TARGET is package.module:attribute or path/to/file.py:attribute. The attribute is a function
    that returns an nn.Module, a class, or an nn.Module. Models of packages: timm:NAME,
    torchvision:NAME, hf:CONFIG, hydra:FILE#KEY, ultralytics:FILE. Without one, the models of the
    nearest configuration are linted.

    Exit status: 0 nothing found, 1 findings, 2 a target could not be analysed.
    """
    with errors_reported(given["debug"]):
        status = _lint(collected(LintArguments, given))
    sys.exit(status)


@dataclass(frozen=True, slots=True)
class LintArguments(ProcessArguments):
    """The arguments of `rflint` without a subcommand."""

    targets: tuple[str, ...]
    fail_on: str | None
    baseline: Path | None
    no_baseline: bool
    write_baseline: bool
    formats: Sequence[tuple[str, Path | None]]
    output: Path | None
    measured: Sequence[Path]
    statistics: bool
    show_files: bool
    list_targets: bool
    when_changed: bool
    watch: bool
    no_cache: bool
    quiet: bool
    verbose: bool

    @property
    def models(self) -> tuple[str, ...]:
        """The targets, without the changed files of --when-changed."""
        if not self.when_changed:
            return self.targets
        return tuple(name for name in self.targets if ":" in name)

    @property
    def changed(self) -> list[str] | None:
        """The changed files that --when-changed takes in place of targets; None without it."""
        return [name for name in self.targets if ":" not in name] if self.when_changed else None

    def check(self) -> None:
        """Raises UsageError for options that contradict each other."""
        if self.watch and self.write_baseline:
            raise UsageError("--watch would accept whatever is found: not with --write-baseline")
        if self.no_baseline and (self.baseline or self.write_baseline):
            other = "--baseline" if self.baseline else "--write-baseline"
            raise UsageError(f"{other} and --no-baseline contradict each other")


def _lint(given: LintArguments) -> int:
    """List, watch, show files, or lint and print the report; return the exit status."""
    if given.list_targets:
        _list_targets(given.targets)
        return 0
    from rflint.cli.commands import CommonOptions
    from rflint.cli.terminal import Terminal
    from rflint.configuration.read import load_configuration
    from rflint.report.reporters import TELL_OF_REPAIRS, TELL_OF_SIZES, reporter
    from rflint.usecases.lint import lint_project
    from rflint.usecases.project_baseline import BaselineOptions

    configuration = load_configuration(given.config, isolated=given.isolated)
    options = given.options()
    given.check()
    if given.watch:
        _watch(given, options)
    outputs = chosen_outputs(
        given.formats,
        given.output,
        configuration,
        quiet=given.quiet,
        statistics=given.statistics,
    )
    if given.show_files:
        _show_files(given, options, configuration)
        return 0
    with_repairs = any(name in TELL_OF_REPAIRS for name, _ in outputs)
    report = lint_project(
        given.models,
        options,
        configuration,
        changed=given.changed,
        fail_on=given.fail_on,
        use_cache=not given.no_cache,
        with_sizes=any(name in TELL_OF_SIZES for name, _ in outputs),
        with_repairs=with_repairs,
        baseline=BaselineOptions(
            given.baseline,
            use=not given.no_baseline,
            find_default=not given.isolated,
            write=given.write_baseline,
        ),
        processes=given.processes(configuration),
        listener=Terminal(
            CommonOptions(options, given.config, given.isolated),
            quiet=given.quiet,
            verbose=given.verbose,
            debug=given.debug,
        ),
    )
    if given.measured:
        from rflint.usecases.measured_files import with_measurements

        report = with_measurements(report, given.measured)
    _note(report, given, with_repairs=with_repairs)
    for name, file in outputs:
        with opened_output(file) as stream:
            reporter(name)(report, stream, given.verbose)
    end_stdout()
    return report.exit_status(report.fail_on)


def _note(report: Report, given: LintArguments, *, with_repairs: bool) -> None:
    """Tell on stderr what is no part of the report."""
    use = report.baseline
    if use and use.fixed and not given.quiet:
        gone = first_few([f"{x.code} {x.layer} of {x.model}" for x in use.fixed], 3)
        note(f"no longer found, though {use.path} holds it: {gone}; --write-baseline forgets it")
    if given.verbose:
        for text in (*report.notes, *(x for model in report.models for x in model.notes)):
            note(text)
        for text in (x for model in report.models if with_repairs for x in model.not_verified):
            note(f"not offered: {text}")


def _list_targets(names: Sequence[str]) -> None:
    """Print what builds models in files and folders, or in the current one, one target a line."""
    from rflint.usercode.candidates import Candidates
    from rflint.usercode.target_hints import notebooks_in

    paths = [Path(name) for name in names or (".",)]
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file or folder {path}")
    found = Candidates(paths, Path.cwd()).all()
    for candidate in found:
        to_stdout(candidate.target)
    if not found:
        note(f"no model was found. {notebooks_in(paths)}".rstrip())


def _show_files(given: LintArguments, options: ModelOptions, configuration: Configuration) -> None:
    """Print every model that would be linted, followed by its files."""
    from rflint.usecases.project_files import ProjectFiles, planned_requests

    files = ProjectFiles.of_project(configuration, use_cache=not given.no_cache)
    planned = planned_requests(given.models, options, configuration)
    if given.changed is not None:
        planned = tuple(x for x in planned if files.affect(x, given.changed))
        if given.verbose and not planned:
            note("no model depends on what has changed")
    for request in planned:
        own = files.of(request)
        to_stdout(request.title)
        for file in sorted(own.files):
            to_stdout(f"  {short_path(Path(file))}")
        if own.is_open:
            to_stdout("  and what it imports while it runs")


def _watch(given: LintArguments, options: ModelOptions) -> NoReturn:
    """Lint in a new process whenever a file has changed, until interrupted."""
    from rflint.usecases.project_files import watched_files
    from rflint.usecases.watch import watch

    watch(
        [argument for argument in sys.argv[1:] if argument != "--watch"],
        lambda: watched_files(given.models, options, given.config, isolated=given.isolated),
    )
