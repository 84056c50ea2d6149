"""The keys of a configuration, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from math import inf
from typing import Any, TypeAlias

from rflint.configuration.model_options import ModelOptions
from rflint.inputs.notation import (
    read_layouts,
    read_names,
    read_resolution,
    read_resolutions,
    read_shapes,
)
from rflint.inputs.tracing_options import TRACERS
from rflint.linting.finding import Severity
from rflint.report.exit_gate import FAIL_ON
from rflint.report.limit import read_limit
from rflint.report.reporters import FORMATS
from rflint.text.memory import read_memory
from rflint.text.suggest import did_you_mean_aside, similar
from rflint.usercode.builder_values import names_file

Reader: TypeAlias = Callable[[Any], Any]
"""From a TOML value to ours. Raises ValueError with what is wrong with it."""


class WrongEntry(ValueError):
    """A ValueError about one entry of a table, and not about the table as a whole."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def any_value(value: Any) -> Any:
    """Any value; it is checked elsewhere."""
    return value


def read_text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} should be a text")
    return value


def _paths(value: Any) -> tuple[str, ...]:
    """`["src"]`, or one path alone."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(x, str) and x for x in found):
        raise ValueError(f'{value!r} should be a list of folders, like ["src"]')
    return tuple(found)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} should be true or false")
    return value


def _table(value: Any, like: str = "classes = 10") -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} should be a table, like {{ {like} }}")
    return value


def _arguments(value: Any) -> Mapping[str, Any] | str:
    """A table, or a file that holds one: its content is read where its folder is known."""
    if isinstance(value, str) and names_file(value):
        return value
    return _table(value)


def _one_of(choices: Sequence[str], value: Any) -> str:
    if value not in choices:
        did = did_you_mean_aside(list(map(repr, similar(str(value), choices))))
        raise ValueError(f"{value!r} should be one of {', '.join(choices)}{did}")
    return str(value)


def _severities(value: Any) -> Mapping[str, Severity]:
    severities = [severity.value for severity in Severity]
    found = {}
    for code, severity in _table(value, 'RF101 = "error"').items():
        try:
            found[code] = Severity(_one_of(severities, severity))
        except ValueError as error:
            raise WrongEntry(code, str(error)) from error
    return found


def _jobs(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} should be a number of processes, like 4")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
        raise ValueError(f"{value!r} should be a number of seconds, like 60")
    return float(value)


def _formats(value: Any) -> tuple[str, ...]:
    """`"sarif:FILE"` and others."""
    found = read_names(value)
    for name in found:
        _one_of(FORMATS, name.partition(":")[0])
    return found


MODEL_KEYS: dict[str, Reader] = {
    "res": read_resolutions,
    "train-res": read_resolution,
    "input": read_shapes,
    "layout": read_layouts,
    "args": _arguments,
    "train": _flag,
    "tracer": partial(_one_of, TRACERS),
    "allow-training": _flag,
    "allow-downloads": _flag,
    "allow-unknown": read_names,
    "select": read_names,
    "extend-select": read_names,
    "ignore": read_names,
    "severity": _severities,
    "max-unproductive": partial(read_limit, share=True),
    "max-dead-weights": partial(read_limit, share=True),
    "max-macs": read_limit,
    "max-params": read_limit,
}
"""Keys for all models, and for each."""

ALIASES = {"axes": "layout"}
"""Other words for keys."""

MODEL_READERS = MODEL_KEYS | {alias: MODEL_KEYS[key] for alias, key in ALIASES.items()}
"""The same, by all words for them."""

RUN_KEYS: Mapping[str, Reader] = {
    "fail-on": partial(_one_of, FAIL_ON),
    "format": _formats,
    "output": read_text,
    "baseline": read_text,
    "cache": _flag,
    "jobs": _jobs,
    "timeout": _seconds,
    "memory": lambda value: read_memory(str(value)),
    "pythonpath": _paths,
}
"""Keys for the whole run."""

assert {name.replace("-", "_") for name in MODEL_KEYS} == {x.name for x in fields(ModelOptions)}
