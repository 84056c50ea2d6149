"""A report as a table of pandas: a row for each layer of each model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.errors import UsageError
from rflint.graph.layer import Kind
from rflint.report.model_report import ModelReport
from rflint.report.problems import resolution
from rflint.report.schema import layer_entries

if TYPE_CHECKING:
    from pandas import DataFrame

_SHAPES = ("in_shape", "out_shape")


def to_dataframe(models: Iterable[ModelReport]) -> DataFrame:
    """The table. Raises UsageError without pandas.

    Columns are the entries of a layer in the JSON report. What that has as a list with one entry
    for each spatial axis is one number where all axes agree, as nearly everywhere, and else a
    tuple. What is unbounded is infinite, so that it compares as it should; what is not known since
    an operator is unknown is NaN.
    """
    try:
        from pandas import DataFrame
    except ImportError as error:
        raise UsageError(
            "report.to_dataframe() needs pandas, which cannot be imported",
            hint="Install it: pip install pandas. report.to_dict() has the same without it.",
        ) from error
    return DataFrame([row for model in models for row in _rows(model)])


def _rows(model: ModelReport) -> Iterable[dict[str, Any]]:
    layers = [x for x in model.layers if x.kind is not Kind.INPUT]
    for layer, entry in zip(layers, layer_entries(model.analysis), strict=True):
        source = entry.pop("source") or {"path": None, "line": None}
        missing = math.nan if _is_unknown(layer) else math.inf
        cells = {
            name: _cell(value, missing)
            if isinstance(value, list) and name not in _SHAPES
            else value
            for name, value in entry.items()
        }
        shapes = {name: tuple(entry[name]) for name in _SHAPES}
        head = {"target": model.title, "resolution": resolution(model)}
        yield {**head, **cells, **shapes, **source}


def _is_per_axis(name: str, value: object) -> bool:
    """Whether an entry is a list of lengths, one for each axis."""
    if not isinstance(value, list) or name in _SHAPES:
        return False
    return all(x is None or isinstance(x, (int, float)) for x in value)


def _cell(lengths: Sequence[float | None], missing: float) -> float | tuple[float, ...] | None:
    """One number for all axes, or one for each; None where there are no axes."""
    found = tuple(missing if length is None else length for length in lengths)
    if not found:
        return None
    return found[0] if len({str(length) for length in found}) == 1 else found


def _is_unknown(layer: AnalysedLayer) -> bool:
    fields = (*layer.input_field, *layer.output_field)
    return layer.is_unknown or any(field.unknown for field in fields)
