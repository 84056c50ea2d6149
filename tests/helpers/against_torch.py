"""A call in torch and in the analysis: the same shapes come out of both, or both refuse it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rflint.errors import InputMismatch, TraceFailed
from rflint.graph.architecture import Architecture
from rflint.tracing.trace import trace
from tests.helpers.modules import Lambda
from tests.helpers.operator_examples import Function

Shapes = tuple[tuple[int, ...], ...]


def shapes_of(result: Any) -> Shapes:
    if isinstance(result, Tensor):
        return (tuple(result.shape),)
    return tuple(shape for part in result for shape in shapes_of(part))


def traced(function: Function, *inputs: Tensor) -> Architecture:
    return trace(Lambda(function), inputs)


def assert_same_shape(function: Function, *inputs: Tensor) -> None:
    """Rflint gives the shapes that PyTorch gives, and fails where PyTorch fails.

    It also refuses what PyTorch lets pass: outputs without any position.
    """
    expected = run(function, *inputs)
    if expected is None or any(0 in shape for shape in expected):
        assert_refused(function, *inputs)
    else:
        assert traced(function, *inputs).output_shapes == expected


def run(function: Function, *inputs: Tensor) -> Shapes | None:
    """The shapes that come out of the running function; None where it fails."""
    try:
        with torch.no_grad():
            return shapes_of(Lambda(function).eval()(*(x.clone() for x in inputs)))
    except (RuntimeError, ValueError, IndexError, AssertionError):
        return None


def assert_refused(function: Function, *inputs: Tensor) -> None:
    with pytest.raises((InputMismatch, TraceFailed)):
        traced(function, *inputs)
