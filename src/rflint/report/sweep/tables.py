"""Rows of a sweep as a table in a file: CSV, or Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.report.sweep.rows import COLUMNS, Row
from rflint.text.escape import one_line

TABLE_FORMATS = ("csv", "parquet")
_ROWS_IN_MEMORY = 10_000
"""So many rows make a group of a Parquet file."""
_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula."""
_LARGEST = 2**63 - 1


def check_table_format(name: str) -> None:
    """Raise UsageError for a format that cannot be written here, before anything is computed."""
    if name not in TABLE_FORMATS:
        raise UsageError(f"{name!r} is no format of tables: {', '.join(TABLE_FORMATS)}")
    if name == "parquet":
        _pyarrow()


def write_table(rows: Iterable[Row], name: str, path: Path) -> None:
    """Write rows to a file, which is replaced once all are written. They are not all kept."""
    check_table_format(name)
    write = _write_csv if name == "csv" else _write_parquet
    try:
        with atomic_write(path) as partial:
            write(rows, partial)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def _write_csv(rows: Iterable[Row], path: Path) -> None:
    """A header and a line for each row; what is None is empty."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_csv_cell(row[name]) for name in COLUMNS] for row in rows)


def _csv_cell(value: str | int | bool | None) -> str | int | None:
    """Texts on one line, and never a formula: names in them are the user's code's."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _write_parquet(rows: Iterable[Row], path: Path) -> None:
    """Typed columns; what is None, or too large for 64 bits, is null."""
    pa, parquet = _pyarrow()
    types = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
    schema = pa.schema([(name, types[of]) for name, of in COLUMNS.items()])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(rows):
            columns = {name: [_stored(row[name]) for row in group] for name in COLUMNS}
            writer.write_table(pa.table(columns, schema=schema))


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while group := list(itertools.islice(remaining, _ROWS_IN_MEMORY)):
        yield group


def _stored(value: str | int | bool | None) -> str | int | bool | None:
    return None if isinstance(value, int) and value > _LARGEST else value


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(
            "Parquet needs pyarrow, which cannot be imported",
            hint='Install it: pip install "rflint[sweep]". CSV needs nothing.',
        ) from error
    return pa, parquet
