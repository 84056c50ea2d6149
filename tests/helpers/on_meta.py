"""A model traced and analysed for one input of a given shape, without any numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import Architecture
from rflint.tracing.trace import trace


def traced(model: nn.Module, shape: Sequence[int]) -> Architecture:
    return trace(model, [torch.empty(tuple(shape), device="meta")])


def analysed(model: nn.Module, shape: Sequence[int]) -> Analysis:
    return analyse(traced(model, shape))
