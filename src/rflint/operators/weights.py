"""The shape of a module's weight: that of the tensor which PyTorch multiplies with.

A module's attributes (`in_channels`, `kernel_size`, ...) say how it was built. Who prunes channels,
adapts a stem to grey images or enlarges a kernel replaces the weight and seldom mends them.
"""

from __future__ import annotations

from typing import Any

from rflint.operators.shapes import Shape, shape_of


def weight_of(module: Any, built: Shape, name: str = "weight") -> Shape:
    """The shape of a module's weight as it is now. Its attributes say that it was built as `built`.

    A weight that torch computes from others (weight_norm, spectral_norm, pruning) is as large as
    they are, and is not computed here: that may be costly. What a user computes may have any size.
    """
    if _has_no_shape_yet(module._parameters.get(name)):
        return built
    stored = stored_shape(module, name)
    if stored is not None:
        return stored
    parametrised = getattr(module, "parametrizations", None)
    if parametrised is not None and name in parametrised:
        steps = parametrised[name]
        original = getattr(steps, "original", getattr(steps, "original1", None))
        if original is not None and all(map(_is_torchs, steps)):
            return shape_of(original)
        return shape_of(getattr(module, name))
    for source in (f"{name}_orig", f"{name}_v"):  # of pruning and of old-style normalisation
        stored = stored_shape(module, source)
        if stored is not None:
            return stored
    found = getattr(module, name, None)
    return shape_of(found) if hasattr(found, "shape") else built


def _has_no_shape_yet(parameter: Any) -> bool:
    """Whether it belongs to a lazy module (LazyConv2d), which sizes it by its first input.

    That is what torch.nn.parameter.is_lazy tells, by the class that it looks for.
    """
    return any(base.__name__ == "UninitializedTensorMixin" for base in type(parameter).__mro__)


def _is_torchs(parametrisation: Any) -> bool:
    return type(parametrisation).__module__.startswith("torch.nn.utils.")


def stored_shape(module: Any, name: str) -> Shape | None:
    """The shape of a parameter or buffer; None where a module has none of that name."""
    for tensors in (module._parameters, module._buffers):
        found = tensors.get(name)
        if found is not None:
            return shape_of(found)
    return None


def convolution_weight(module: Any) -> Shape:
    """The weight of a convolution: (out, in / groups, *kernel), or (in, out / groups, *kernel)."""
    groups, kernel = module.groups, tuple(module.kernel_size)
    if getattr(module, "transposed", False):
        return weight_of(module, (module.in_channels, module.out_channels // groups, *kernel))
    return weight_of(module, (module.out_channels, module.in_channels // groups, *kernel))


def input_channels(module: Any) -> int:
    """How many channels a convolution reads."""
    weight = convolution_weight(module)
    return weight[0] if getattr(module, "transposed", False) else weight[1] * int(module.groups)


def linear_weight(module: Any) -> Shape:
    """(out, in) features."""
    return weight_of(module, (int(module.out_features), int(module.in_features)))


def normalised_channels(module: Any) -> frozenset[int]:
    """The numbers of channels that a normalisation has statistics, scales and shifts for."""
    names = ("running_mean", "running_var", "weight", "bias")
    shapes = (stored_shape(module, name) for name in names)
    return frozenset(shape[0] for shape in shapes if shape)
