"""`rflint sweep`: lint a search space, a zoo, or any number of models."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from rflint.cli.arguments import ProcessArguments, collected
from rflint.cli.completion import complete_targets
from rflint.cli.messages import errors_reported, to_stderr
from rflint.cli.parameters import (
    Destination,
    OneOf,
    with_configuration_options,
    with_gate_option,
    with_model_options,
    with_process_options,
    with_rule_options,
    with_unknown_option,
)
from rflint.cli.sweep_progress import sweep_progress
from rflint.errors import UsageError
from rflint.usercode.stdout import discard_stdout, end_stdout

if TYPE_CHECKING:
    from rflint.report.schema import JsonObject
    from rflint.usecases.sweep.enumeration import Shard
    from rflint.usecases.sweep.output import Lines

_TABLES = ("csv", "parquet")
_PARTS = ("layers", "repairs")
"""Entries of a line that may be left out: what makes lines long, or takes time."""
_TIMEOUT = 300.0


def shard(ctx: click.Context, param: click.Parameter, value: str | None) -> Shard | None:
    """`3/16`: the third of sixteen parts."""
    if value is None:
        return None
    from rflint.usecases.sweep.enumeration import Shard

    number, slash, of = value.partition("/")
    if slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return Shard(int(number), int(of))
    raise click.BadParameter(f"{value!r} is no part of a whole, as 3/16 is")


@click.command("sweep")
@click.argument(
    "sources", nargs=-1, required=True, metavar="SOURCE...", shell_complete=complete_targets
)
@with_model_options
@with_configuration_options
@with_unknown_option
@with_rule_options
@with_gate_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Append the lines to a file, whole ones only.",
)
@click.option("--resume", is_flag=True, help="Go on where an earlier run of --output was ended.")
@click.option(
    "--retry-errors", is_flag=True, help="With --resume: lint again what could not be linted."
)
@click.option(
    "--format",
    "formats",
    type=Destination(_TABLES),
    multiple=True,
    metavar="FORMAT[:FILE]",
    help="Write a table in the end, too: csv or parquet, a row for each line.",
)
@click.option(
    "--omit", type=OneOf(_PARTS), multiple=True, help="Leave this out of each line; once for each."
)
@click.option(
    "--shard",
    callback=shard,
    metavar="I/N",
    help="Lint the Ith of N parts, and rflint merge the lines of all.",
)
@with_process_options
@click.option(
    "--executor",
    metavar="NAME",
    help="Have models linted by dask:ADDRESS, or by the concurrent.futures.Executor that "
    "module:factory makes.",
)
@click.option(
    "--upload",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    metavar="PATH",
    help="Send this file or folder of code to the executor's workers.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show neither progress nor summary.")
@click.option("-v", "--verbose", is_flag=True, help="Show what models print.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def sweep(**given: Any) -> None:
    """Lint many models; the result is a line of JSON for each model at each size.

    \b
    rflint sweep 'timm:resnet*' --res 32,64,128 --output resnets.jsonl
    rflint sweep 'nets.py:*' 'torchvision:*' --res 224 --format csv:nets.csv
    rflint sweep space:candidates --res 32 --output space.jsonl --resume
    rflint sweep targets.txt --shard 3/16 --output part3.jsonl
    rflint sweep space:candidates --executor dask:tcp://scheduler:8786

    SOURCE is a target, a pattern of targets, a file with a target on each line, or a
    module:generator that yields (name, builder, arguments). Each model is linted in a process of
    its own: one that hangs, crashes or takes all memory has a line with its error, as any other
    that cannot be linted, and costs nothing else.

    Exit status: 0 nothing found, 1 findings, 2 a model could not be linted.
    """  # noqa: D301 (click's mark for text that is not to be wrapped)
    with errors_reported(given["debug"]):
        status = _sweep(collected(SweepArguments, given))
    sys.exit(status)


@dataclass(frozen=True, slots=True)
class SweepArguments(ProcessArguments):
    """The arguments of `rflint sweep`."""

    sources: Sequence[str]
    fail_on: str | None
    output: Path | None
    resume: bool
    retry_errors: bool
    formats: Sequence[tuple[str, Path | None]]
    omit: Sequence[str]
    shard: Shard | None
    executor: str | None
    upload: Sequence[Path]
    quiet: bool
    verbose: bool

    def check(self) -> None:
        """Raises UsageError for options that contradict each other."""
        if self.resume and self.output is None:
            raise UsageError("--resume goes on with a file: give its name with --output")
        if self.retry_errors and not self.resume:
            raise UsageError("--retry-errors is for --resume")
        if self.upload and not self.executor:
            raise UsageError("--upload is for --executor: models are linted here, where it lies")
        if self.verbose and self.quiet:
            raise UsageError("--verbose and --quiet contradict each other")
        bare = [name for name, file in self.formats if file is None]
        if self.output is None and len(bare) > 1:
            raise UsageError(
                f"{' and '.join(bare)} cannot both be printed",
                hint=f"Give one of them a file, like --format {bare[1]}:FILE.",
            )
        if self.resume and self.lines is None:
            raise UsageError(
                f"--resume goes on with lines, and {self.output} is to be a table",
                hint="--output FILE.jsonl --format csv writes both.",
            )

    @property
    def lines(self) -> Path | None:
        """The file for lines; None if they are printed, or only a table is wanted."""
        return None if self.output in [file for _, file in self.tables] else self.output

    @property
    def tables(self) -> list[tuple[str, Path | None]]:
        """All tables, with the file of each, which lies beside the output; None is stdout."""
        return [
            (name, file or (self.output.with_suffix(f".{name}") if self.output else None))
            for name, file in self.formats
        ]


def _sweep(given: SweepArguments) -> int:
    """Lint all models, write lines and tables; return the exit status."""
    from rflint.configuration.read import load_configuration
    from rflint.report.exit_gate import least_severity
    from rflint.report.sweep.summary import SweepSummary
    from rflint.report.sweep.summary_table import write_summary
    from rflint.report.sweep.tables import check_table_format
    from rflint.usecases.sweep.enumeration import Shard
    from rflint.usecases.sweep.lines import exit_status
    from rflint.usecases.sweep.project import Where, opened_backend, sweep_task
    from rflint.usecases.sweep.run import Sweep

    given.check()
    for name, _ in given.formats:
        check_table_format(name)
    configuration = load_configuration(given.config, isolated=given.isolated)
    processes = given.processes(configuration, _TIMEOUT)
    where = Where(given.executor or "", processes.jobs, given.upload)
    task = sweep_task(
        given.options(), configuration, omit=given.omit, limits=processes.limits, where=where
    )
    fail_on = least_severity(given.fail_on or configuration.fail_on or "warning")
    summary, status = SweepSummary(), 0

    def seen(entry: JsonObject) -> None:
        nonlocal status
        status = max(status, exit_status(entry, fail_on))
        summary.add(entry)

    with _opened(given, task.digest, seen) as (lines, path):
        with (
            opened_backend(where, task, given.sources) as backend,
            sweep_progress(quiet=given.quiet) as progress,
        ):

            def write(line: str) -> None:
                seen(json.loads(line))
                lines.write(line)

            printed = to_stderr if given.verbose else lambda text: None
            sweep = Sweep(task, backend, lines.is_new, write, progress, printed)
            try:
                sweep.run(_sources(given.sources), given.shard or Shard())
            except BrokenPipeError:  # its reader has seen enough, as head has
                discard_stdout()
                return status
        for name, file in given.tables:
            _write_table(name, path, file)
    if not given.quiet:
        write_summary(summary, sys.stdout if given.lines else sys.stderr)
    end_stdout()
    return status


def _sources(names: Sequence[str]) -> Iterator[str]:
    """The sources, with those in files of targets in the place of these files."""
    from rflint.usecases.sweep.target_files import is_target_file, read_target_file

    for name in names:
        if is_target_file(name, Path.cwd()):
            yield from read_target_file(name)
        else:
            yield name


def _write_table(name: str, lines: Path, file: Path | None) -> None:
    """Write the lines of a file as a table to another, or to stdout."""
    from rflint.report.sweep.lines import read_lines
    from rflint.report.sweep.rows import row_of
    from rflint.report.sweep.tables import write_table

    rows = map(row_of, read_lines(lines))
    if file is not None:
        write_table(rows, name, file)
        return
    with TemporaryDirectory() as folder:
        table = Path(folder, name)
        write_table(rows, name, table)
        sys.stdout.buffer.write(table.read_bytes())


@contextmanager
def _opened(
    given: SweepArguments, digest: str, earlier: Callable[[JsonObject], None]
) -> Iterator[tuple[Lines, Path]]:
    """Where lines go, and the file in which they are in the end, for tables."""
    from rflint.usecases.sweep.output import Lines, opened_lines

    if given.lines:
        options = {"resume": given.resume, "retry_errors": given.retry_errors}
        with opened_lines(given.lines, digest, earlier, **options) as lines:
            yield lines, given.lines
        return
    if not given.formats:
        yield Lines(sys.stdout.buffer), Path()
        return
    are_printed = given.output is None and all(file for _, file in given.formats)
    with NamedTemporaryFile(suffix=".jsonl") as kept:
        yield Lines(kept, *([sys.stdout.buffer] if are_printed else [])), Path(kept.name)
