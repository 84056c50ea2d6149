"""A model linted by one tracer or the other."""

from __future__ import annotations

from typing import Any

import rflint
from rflint.graph.layer import Layer
from rflint.report.model_report import ModelReport


def linted(model: Any, tracer: str, res: Any = 32, **options: Any) -> ModelReport:
    (report,) = rflint.lint(model, res=res, tracer=tracer, **options).models
    assert report.analysis.architecture.tracer == tracer
    return report


def layers(model: Any, tracer: str, res: Any = 32, **options: Any) -> list[Layer]:
    return list(linted(model, tracer, res, **options).analysis.architecture.layers)
