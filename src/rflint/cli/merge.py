"""`rflint merge`: the lines of a sweep's shards in one file, or as a table."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rflint.cli.messages import errors_reported, note
from rflint.cli.output import opened_output
from rflint.cli.parameters import Destination
from rflint.errors import UsageError

if TYPE_CHECKING:
    from rflint.report.sweep.summary import SweepSummary
    from rflint.usecases.merge import MergedLines


@click.command("merge")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(path_type=Path),
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write all lines to a file.",
)
@click.option(
    "--format",
    "formats",
    type=Destination(("csv", "parquet")),
    multiple=True,
    metavar="FORMAT[:FILE]",
    help="Write a table as well, with a row for each line: csv, or parquet (needs pyarrow). "
    "Without a FILE it lies beside the output.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print no summary.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def merge(
    files: Sequence[Path],
    output: Path | None,
    formats: Sequence[tuple[str, Path | None]],
    quiet: bool,
    debug: bool,
) -> None:
    """Put the lines that `rflint sweep` has written to several files into one.

    \b
    rflint merge shard*.jsonl --output all.jsonl
    rflint merge all.jsonl --format parquet:all.parquet

    Each model at each size is there once, ordered by name and size. An error gives way to a
    report: lint again what failed, and merge. Two different reports of one model, and files that
    were written with other options, are refused.

    Exit status: 0, or 2 if a file cannot be read or written.
    """  # noqa: D301 (click's mark for text that is not to be wrapped)
    with errors_reported(debug):
        _merge(files, output, formats, quiet)


def _merge(
    files: Sequence[Path],
    output: Path | None,
    formats: Sequence[tuple[str, Path | None]],
    quiet: bool,
) -> None:
    from rflint.report.sweep.rows import row_of
    from rflint.report.sweep.summary import SweepSummary
    from rflint.report.sweep.tables import check_table_format, write_table
    from rflint.usecases.merge import merged, write_merged

    tables = [(name, _table_file(name, file, output)) for name, file in formats]
    written = [x.resolve() for x in (output, *(file for _, file in tables)) if x is not None]
    if len(set(written)) < len(written):
        raise UsageError("two outputs cannot be the same file")
    for name, file in tables:
        check_table_format(name)
        if file.resolve() in [x.resolve() for x in files]:
            raise UsageError(f"{file} would be overwritten by a table")
    lines = merged(files, note)
    summary = SweepSummary()
    passing = summary.counted(lines.lines())
    for name, file in tables:
        write_table(map(row_of, passing), name, file)
        passing = lines.lines()
    if not tables and not quiet:
        deque(passing, maxlen=0)
    if output is not None:
        write_merged(lines, output)  # at last: it may be one of the files that are read
    if not quiet:
        _print_summary(lines, summary)


def _table_file(name: str, file: Path | None, output: Path | None) -> Path:
    if file is not None:
        return file
    if output is None:
        raise UsageError(
            f"--format {name} needs a file", hint=f"Name one, like --format {name}:all.{name}"
        )
    return output.with_suffix(f".{name}")


def _print_summary(lines: MergedLines, summary: SweepSummary) -> None:
    """What each file has, and what all of them say together."""
    from rflint.report.sweep.summary_table import write_files, write_summary

    with opened_output(None) as stream:
        write_files([(str(x.path), x.models, x.errors) for x in lines.files], lines.twice, stream)
        stream.write("\n")
        write_summary(summary, stream)
