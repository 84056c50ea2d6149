"""A model linted, and what was found of its layers."""

from __future__ import annotations

from typing import Any

import rflint
from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis


def analysis(model: Any, res: Any = 32, **options: Any) -> Analysis:
    return rflint.lint(model, res=res, **options).models[0].analysis


def named(found: Analysis) -> dict[str, AnalysedLayer]:
    return {x.layer.name: x for x in found.layers}
