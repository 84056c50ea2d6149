"""`rflint TARGET...`: what the program does when it is not told anything else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rflint._version import __version__
from rflint.cli.completion import complete_codes, complete_targets
from rflint.cli.messages import complain, errors_reported, note, progress
from rflint.cli.output import opened_output
from rflint.cli.parameters import (
    Destination,
    amount,
    amount_or_share,
    codes,
    options_for_models,
    with_configuration_options,
    with_model_options,
)
from rflint.errors import RflintError, UsageError
from rflint.report.exit_gate import FAIL_ON
from rflint.report.reporters import FORMATS
from rflint.text.numbers import first_few, plural
from rflint.usercode.paths import short_path
from rflint.usercode.stdout import end_stdout, stdout_to_stderr

if TYPE_CHECKING:
    from rflint.cache.cache import Cache
    from rflint.configuration.configuration import Configuration
    from rflint.configuration.model_options import ModelOptions
    from rflint.configuration.requests import Request
    from rflint.linting.rule import Rule
    from rflint.report.report import Report

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
DEFAULT_BASELINE = "rflint-baseline.json"

_EXAMPLES = (
    "rflint mymodel:build --res 32",
    "rflint models/net.py:Net --arg classes=10 --res 32,64",
    "rflint torchvision.models:resnet18 --res 224 --format json",
    "rflint                            the models of [tool.rflint] in pyproject.toml",
)


class Program(click.Command):
    """The program itself; its help names the subcommands too."""

    subcommands: click.Group

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, options, then the other commands."""
        with formatter.section("Examples"):
            formatter.write("".join(f"  {example}\n" for example in _EXAMPLES))
        super().format_options(ctx, formatter)
        self.subcommands.format_commands(ctx, formatter)


@click.command("rflint", cls=Program, context_settings=CONTEXT)
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=complete_targets)
@with_model_options
@with_configuration_options
@click.option(
    "--allow-unknown",
    multiple=True,
    metavar="OPERATOR",
    help="Do not report this unknown operator (what depends on it stays unjudged).",
)
@click.option(
    "--select",
    callback=codes,
    shell_complete=complete_codes,
    metavar="CODES",
    help="Rules to run instead of the default ones: RF101, RF1, ALL.",
)
@click.option(
    "--extend-select",
    callback=codes,
    shell_complete=complete_codes,
    metavar="CODES",
    help="Rules to run as well.",
)
@click.option(
    "--ignore",
    callback=codes,
    shell_complete=complete_codes,
    metavar="CODES",
    help="Rules not to run.",
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    help="Exit with status 1 from this severity on.  [default: warning]",
)
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
    help=f"Accept the findings that this file holds.  [default: {DEFAULT_BASELINE}, if it exists]",
)
@click.option("--no-baseline", is_flag=True, help="Accept nothing, whatever file there is.")
@click.option(
    "--write-baseline",
    is_flag=True,
    help=f"Write today's findings to --baseline, or to {DEFAULT_BASELINE}.",
)
@click.option(
    "--format",
    "formats",
    type=Destination(),
    multiple=True,
    metavar="FORMAT[:FILE]",
    help=f"{FORMATS[0]} (default), {', '.join(FORMATS[1:])}; several if all but one go to files.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the report to a file.",
)
@click.option("--statistics", is_flag=True, help="Count findings by rule in place of the report.")
@click.option("--show-files", is_flag=True, help="Show what would be linted, and from which files.")
@click.option(
    "--when-changed",
    is_flag=True,
    help="Take arguments without a colon for changed files, and lint only what depends on them.",
)
@click.option("--watch", is_flag=True, help="Lint again whenever a file changes.")
@click.option("--no-cache", is_flag=True, help="Neither use answers of earlier runs nor keep any.")
@click.option("-q", "--quiet", is_flag=True, help="One line a finding, and errors.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Show every layer, and how the model was built."
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(__version__, prog_name="rflint")
def lint(
    targets: tuple[str, ...],
    pairs: Sequence[str],
    config: Path | None,
    isolated: bool,
    fail_on: str | None,
    baseline: Path | None,
    no_baseline: bool,
    write_baseline: bool,
    formats: Sequence[tuple[str, Path | None]],
    output: Path | None,
    statistics: bool,
    show_files: bool,
    when_changed: bool,
    watch: bool,
    no_cache: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
    **given: Any,
) -> None:
    """Find the layers of a PyTorch model that cannot contribute at an input resolution.

    TARGET is package.module:attribute or path/to/file.py:attribute. The attribute is a function
    that returns an nn.Module, a class, or an nn.Module. Without one, the models of the nearest
    configuration are linted.

    Exit status: 0 nothing found, 1 findings, 2 a target could not be analysed.
    """
    with errors_reported(debug):
        from rflint.cache.cache import Cache
        from rflint.cli.commands import Given, command, completed
        from rflint.cli.files import Files
        from rflint.configuration.read import load_configuration
        from rflint.configuration.requests import covers_configuration, requests_for
        from rflint.linting.finding import Severity
        from rflint.report.policy import apply_policies
        from rflint.report.report import Failure, Report
        from rflint.report.reporters import reporter
        from rflint.usecases.runner import Runner

        found = load_configuration(config, isolated=isolated)
        chosen = options_for_models(given, pairs)
        changed = [name for name in targets if ":" not in name] if when_changed else None
        targets = tuple(name for name in targets if ":" in name) if when_changed else targets
        if watch and write_baseline:
            raise UsageError("--watch would accept whatever is found: not with --write-baseline")
        if no_baseline and (baseline or write_baseline):
            other = "--baseline" if baseline else "--write-baseline"
            raise UsageError(f"{other} and --no-baseline contradict each other")
        if watch:
            _watch(targets, chosen, config, isolated=isolated)
        outputs = _outputs(formats, output, found, quiet=quiet, statistics=statistics)
        failures: list[Failure] = []
        wanted: tuple[Request, ...] = ()
        said = Given(chosen, config, isolated)

        def failed(about: str, error: RflintError) -> None:
            asked = next((x for x in wanted if x.title == about), None)
            if asked:
                error.hint = completed(error.hint, asked, said)
            failures.append(Failure(about, error))
            complain(error, debug, about)

        cache = None if no_cache or found.cache is False else Cache(found.root)
        files = Files(found, cache)
        foreseen = _foreseen(targets, chosen, found) if show_files or when_changed else ()
        if changed is not None:
            foreseen = tuple(x for x in foreseen if files.concern(x, changed))
            if verbose and not foreseen:
                note("no model depends on what has changed")
        if show_files:
            files.show(foreseen)
            return
        rules: tuple[Rule, ...] = ()
        if foreseen or changed is None:
            rules = _rules(found, cache, failed)
            wanted = requests_for(targets, chosen, found, rules, lenient=bool(failures))
        if changed is not None:
            wanted = tuple(x for x in wanted if files.concern(x, changed))
        with progress(len(wanted), quiet=quiet) as starts:
            run = Runner(cache, failed, starts)
            linted = run.reports(wanted)
        whole = covers_configuration(wanted, found) and not failures
        models = [
            replace(model, fix_command=command(x, said, "fix"))
            for model, (_, x) in zip(
                apply_policies([(model, x.policy) for model, x in linted], rules, all_models=whole),
                linted,
                strict=True,
            )
        ]
        gate = fail_on or found.fail_on or "warning"
        least = None if gate == "never" else Severity(gate)
        report = Report(tuple(models), tuple(failures), fail_on=least)
        file = _baseline_file(baseline, found, write=write_baseline, isolated=isolated)
        if file and not no_baseline:
            try:
                report = _held_against(report, file, write=write_baseline, quiet=quiet)
            except RflintError as error:
                if baseline is None and found.baseline:
                    error.source = error.source or found.line_of("baseline")
                raise
        if verbose:
            for text in (*run.notes, *(x for model in report.models for x in model.notes)):
                note(text)
        ran = {rule.code for x in wanted for rule in x.policy.rules}
        for name, destined in outputs:
            with opened_output(destined) as stream:
                reporter(name)(report, [x for x in rules if x.code in ran], stream, verbose)
        end_stdout()
    sys.exit(report.exit_status(least))


def _outputs(
    formats: Sequence[tuple[str, Path | None]],
    output: Path | None,
    configuration: Configuration,
    *,
    quiet: bool,
    statistics: bool,
) -> list[tuple[str, Path | None]]:
    """Formats, and the files they go to; None is stdout. Raises UsageError where two want that."""
    chosen = list(formats)
    if not chosen:
        chosen = [_destination(text, configuration) for text in configuration.format or ()]
    if output is None and configuration.output and not formats:
        output = configuration.within(configuration.output)
    to_stdout = [name for name, file in chosen if file is None]
    if len(to_stdout) > 1:
        raise UsageError(
            f"{' and '.join(to_stdout)} cannot both be printed",
            hint=f"Give one of them a file, like --format {to_stdout[1]}:FILE.",
        )
    if not to_stdout and not (quiet and chosen):
        # files are for programs: whoever runs this still wants to read what was found
        chosen.append(("text", None))
    shown = {"text": "concise"} if quiet else {}
    shown |= {"text": "statistics", "concise": "statistics"} if statistics else {}
    outputs = [
        (shown.get(name, name), output) if file is None else (name, file) for name, file in chosen
    ]
    files = [file.resolve() for _, file in outputs if file]
    for file in files:
        if file.suffix in (".py", ".toml"):
            raise UsageError(f"{file.name} would be overwritten by a report")
        if files.count(file) > 1:
            raise UsageError(f"two reports cannot both be {file.name}")
    return outputs


def _destination(text: str, configuration: Configuration) -> tuple[str, Path | None]:
    """A format of the configuration's; its file lies where the configuration does."""
    try:
        name, file = Destination().convert(text, None, None)
    except click.BadParameter as error:
        source = configuration.line_of("format")
        raise UsageError(f"format: {error.message}", source=source) from error
    return name, configuration.within(str(file)) if file else None


def _rules(
    configuration: Configuration,
    cache: Cache | None,
    failed: Callable[[str, RflintError], None],
) -> tuple[Rule, ...]:
    """All rules that there are; codes of the configuration are held against them."""
    from rflint.configuration.read import check_rule_names
    from rflint.linting.rule_files import load_all_rules

    broken = []

    def breaks(about: str, error: RflintError) -> None:
        broken.append(about)
        if about in map(short_path, configuration.rule_files) and error.source is None:
            error.source = configuration.line_of("rules")
        failed(about, error)

    with cache.watch() if cache else nullcontext(), stdout_to_stderr():
        rules = load_all_rules(configuration.rule_files, breaks)
    if not broken:  # else a code may be that of the rule that is broken
        check_rule_names(configuration, rules)
    return rules


def _foreseen(
    targets: Sequence[str], chosen: ModelOptions, configuration: Configuration
) -> tuple[Request, ...]:
    """What would be linted. Rules are read and not run, and linting says which are broken."""
    from rflint.configuration.read import check_rule_names
    from rflint.configuration.requests import requests_for
    from rflint.linting.rule_files import load_all_rules

    broken: list[str] = []
    rules = load_all_rules(
        configuration.rule_files, lambda about, error: broken.append(about), run=False
    )
    if not broken:
        check_rule_names(configuration, rules)
    return requests_for(targets, chosen, configuration, rules, lenient=bool(broken))


def _baseline_file(
    given: Path | None, configuration: Configuration, *, write: bool, isolated: bool
) -> Path | None:
    """The one that is named; else the usual one, if it is there or to be written."""
    if given is not None:
        return given
    if configuration.baseline:
        return configuration.within(configuration.baseline)
    usual = configuration.within(DEFAULT_BASELINE)
    return usual if write or (usual.exists() and not isolated) else None


def _held_against(report: Report, file: Path, *, write: bool, quiet: bool) -> Report:
    """A report without what the baseline holds, which first is written if that is asked for."""
    from rflint.report.baseline import Baseline
    from rflint.report.baseline_file import read_baseline, write_baseline

    if write:
        if report.failures:
            raise UsageError(
                f"{file} was not written: not everything could be linted",
                hint="What is said above comes first.",
            )
        held = read_baseline(file) if file.exists() else Baseline({})
        held = held.updated(report.models)
        write_baseline(held, file)
        note(f"wrote {plural(len(held), 'finding')} to {short_path(file)}")
    else:
        held = read_baseline(file)
    models, use = held.accept(report.models, short_path(file))
    if use.fixed and not quiet:
        gone = first_few([f"{x.code} {x.layer} of {x.model}" for x in use.fixed], 3)
        note(f"no longer found, though {use.path} holds it: {gone}; --write-baseline forgets it")
    return replace(report, models=tuple(models), baseline=use)


def _watch(
    targets: Sequence[str], chosen: ModelOptions, config: Path | None, *, isolated: bool
) -> NoReturn:
    """Lint in processes of their own, whenever a file has changed, until interrupted."""
    from rflint.cache.cache import Cache
    from rflint.cli.files import Files
    from rflint.configuration.read import load_configuration
    from rflint.usecases.watch import watch

    def files() -> set[str]:
        """Read anew each time: a configuration changes too."""
        found = load_configuration(config, isolated=isolated)
        return Files(found, Cache(found.root)).of_all(_foreseen(targets, chosen, found))

    watch([argument for argument in sys.argv[1:] if argument != "--watch"], files)
