"""What goes wrong while a model runs on data."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rflint.errors import RflintError


class MeasurementFailed(RflintError):
    """The model does not run on the data, or what comes out cannot be measured."""

    kind = "measurement"


def check_finite(name: str, values: Tensor, model: nn.Module) -> None:
    """Raise MeasurementFailed if a layer gives NaN or infinite values, and say what to check."""
    if torch.isfinite(values).all():
        return
    raise MeasurementFailed(
        f"{name} gives values that are not finite (NaN or infinite)", hint=_cause(model, values)
    )


def _cause(model: nn.Module, values: Tensor) -> str:
    held = (*model.named_parameters(), *model.named_buffers())
    broken = next((name for name, value in held if not torch.isfinite(value).all()), None)
    if broken:
        return f"Check the weights: {broken} is not finite. Did the training diverge?"
    if values.dtype == torch.float16:
        return (
            "The weights are finite: check whether float16 overflows (try float32), and the data."
        )
    return "The weights are finite: check the data for NaN, and what it is normalised by."
