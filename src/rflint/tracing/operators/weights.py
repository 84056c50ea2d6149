"""The shape of a module's weight: that of the tensor which PyTorch multiplies with.

A module's attributes (`in_channels`, `kernel_size`, ...) say how it was built. Who prunes channels,
adapts a stem to grey images or enlarges a kernel replaces the weight and seldom mends them.
"""

from __future__ import annotations

from typing import Any

from rflint.tracing.operators.table import Shape, shape_of


def weight_of(module: Any, built: Shape, name: str = "weight") -> Shape:
    """The shape of a module's weight, which was `built` with one that its attributes tell.

    A weight that is computed from others (weight_norm, spectral_norm, pruning) is not computed here
    where it looks as it was built, since that may be costly.
    """
    stored = stored_shape(module, name)
    if stored is not None:
        return stored
    parametrised = getattr(module, "parametrizations", None)
    if parametrised is not None and name in parametrised:
        original = getattr(parametrised[name], "original", None)
        if original is None or shape_of(original) == built:
            return built
        return shape_of(getattr(module, name))
    for source in (f"{name}_v", f"{name}_orig"):  # of old-style normalisation and of pruning
        stored = stored_shape(module, source)
        if stored is not None:
            return stored
    found = getattr(module, name, None)
    return shape_of(found) if hasattr(found, "shape") else built


def stored_shape(module: Any, name: str) -> Shape | None:
    """The shape of a parameter or buffer; None where a module has none of that name."""
    for tensors in (module._parameters, module._buffers):
        found = tensors.get(name)
        if found is not None:
            return shape_of(found)
    return None
