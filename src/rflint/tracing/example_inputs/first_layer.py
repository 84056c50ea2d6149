"""What a model's first layer expects of the input: channels, dimensions, whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import nn

from rflint.errors import InputMismatch
from rflint.operators.shapes import shape_text
from rflint.operators.weights import input_channels, linear_weight
from rflint.tracing.example_inputs.sizes import size_per_axis
from rflint.tracing.model.tree import modules, parameters


def first_layer(model: nn.Module, resolution: Sequence[int]) -> tuple[int, int]:
    """Channels and number of spatial axes that the model's first weighted layer expects."""
    for module in modules(model):
        if isinstance(module, nn.modules.conv._ConvNd):
            if any(map(nn.parameter.is_lazy, parameters(module))):
                return 3, _axes_of_class(module)
            return input_channels(module), len(module.kernel_size)
        if isinstance(module, nn.Linear):
            return _channels_of_linear(module, resolution)
    weights = [p for p in parameters(model) if not nn.parameter.is_lazy(p) and p.dim() >= 3]
    if weights:
        return int(weights[0].shape[1]), weights[0].dim() - 2
    return 3, len(resolution) if len(resolution) > 1 else 2


def expected_channels(model: nn.Module, sizes: Sequence[int]) -> int:
    """The channels, or features, that the first convolution or linear layer expects."""
    first = next(
        (x for x in modules(model) if isinstance(x, (nn.modules.conv._ConvNd, nn.Linear))), None
    )
    if isinstance(first, nn.Linear):
        return linear_weight(first)[-1]
    return first_layer(model, sizes)[0]


def steps_of_features(model: nn.Module, resolution: Sequence[int]) -> tuple[int, int, int] | None:
    """Steps of features, where a recurrent layer is the first with weights; else None."""
    weighted = (nn.modules.conv._ConvNd, nn.Linear, nn.RNNBase)
    first = next((x for x in modules(model) if isinstance(x, weighted)), None)
    if not isinstance(first, nn.RNNBase) or len(resolution) != 1:
        return None
    (steps,) = resolution
    return (1, steps, first.input_size) if first.batch_first else (steps, 1, first.input_size)


def begins_with_embedding(model: nn.Module) -> bool:
    """Whether the first module with weights looks up a table: its inputs are whole numbers."""
    first = next((x for x in modules(model) if getattr(x, "_parameters", None)), None)
    return isinstance(first, (nn.Embedding, nn.EmbeddingBag))


def _channels_of_linear(module: nn.Linear, resolution: Sequence[int]) -> tuple[int, int]:
    """The channels that fill the features of a linear layer which reads flattened images."""
    axes = len(resolution) if len(resolution) > 1 else 2
    positions = prod(size_per_axis(resolution, axes))
    features = linear_weight(module)[-1]
    if features % positions:
        raise InputMismatch(
            f"cannot infer the input: the first layer is a Linear with {features} features, "
            f"which no {shape_text(size_per_axis(resolution, axes))} image fills",
            hint="Give the shape with --input, for example --input "
            f"{shape_text((1, 3, *size_per_axis(resolution, axes)))}.",
        )
    return features // positions, axes


def _axes_of_class(module: nn.Module) -> int:
    digits = [letter for letter in type(module).__name__ if letter.isdigit()]
    return int(digits[-1]) if digits else 2
