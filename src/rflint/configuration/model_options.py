"""The options of models: from the command line, or from the configuration for one or all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rflint.inputs.layouts import layout_of_shape
from rflint.inputs.notation import InputShape, Sizes
from rflint.linting.finding import Severity
from rflint.report.limit import Limit
from rflint.usercode.builder_values import Arguments


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Options from one place; None where that place does not set them.

    The names are the keys of a configuration, with underscores in place of dashes.
    """

    res: tuple[Sizes, ...] | None = None
    train_res: Sizes | None = None
    input: tuple[InputShape, ...] | None = None
    layout: tuple[str, ...] | None = None
    args: Mapping[str, Any] | None = None
    train: bool | None = None
    tracer: str | None = None
    allow_training: bool | None = None
    allow_downloads: bool | None = None
    allow_unknown: tuple[str, ...] | None = None
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    severity: Mapping[str, Severity] | None = None
    max_unproductive: Limit | None = None
    max_dead_weights: Limit | None = None
    max_macs: Limit | None = None
    max_params: Limit | None = None

    def over(self, lower: ModelOptions) -> ModelOptions:
        """These options, completed by `lower` ones where these are not set.

        An input takes the place of a size. Arguments and severities are merged key by key. `ignore`
        and `extend_select` add up, unless `select` is given here: then the selection of rules
        starts anew.
        """
        merged = {
            field.name: lower_value if (value := getattr(self, field.name)) is None else value
            for field in fields(self)
            for lower_value in [getattr(lower, field.name)]
        }
        if self.input is not None:
            merged["res"] = self.res  # a shape says the size too
            if any(layout_of_shape(shape) for shape in self.input):
                merged["layout"] = self.layout
        merged["severity"] = {**(lower.severity or {}), **(self.severity or {})}
        own = self.args if isinstance(self.args, Arguments) else Arguments(self.args or {})
        merged["args"] = own.over(lower.args or {})
        for name in ("ignore", "extend_select"):
            here = getattr(self, name) or ()
            below = () if self.select is not None else getattr(lower, name) or ()
            merged[name] = (*below, *here)
        return ModelOptions(**merged)
