"""NaNs at some inputs of a running network, and which of its outputs they reach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


@contextmanager
def _watched(
    model: nn.Module, names: Collection[str], note: Callable[[str, torch.Tensor], None]
) -> Iterator[None]:
    """Within, hands every output of the named submodules to `note`."""

    def hook(name: str, module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        note(name, output)

    with ExitStack() as stack, torch.no_grad():
        for name in names:
            handle = model.get_submodule(name).register_forward_hook(partial(hook, name))
            stack.callback(handle.remove)
        yield


def reached(
    model: nn.Module, images: torch.Tensor, axis: int, names: Sequence[str] = ()
) -> dict[str, torch.Tensor]:
    """Which images' NaNs reach which output positions along an axis, as (image, position).

    Also for the submodules in `names`; the model's own output is under the empty name.
    """
    found: dict[str, list[torch.Tensor]] = {name: [] for name in ("", *names)}

    def note(name: str, output: torch.Tensor) -> None:
        others = [dim for dim in range(1, output.dim()) if dim != 2 + axis]
        found[name].append(output.isnan().sum(others) > 0)

    with _watched(model, found, note):
        for some in images.split(16):  # few enough for the processor's cache
            model(some)
    return {name: torch.cat(parts) for name, parts in found.items()}


def all_nan(model: nn.Module, image: torch.Tensor, names: Collection[str]) -> dict[str, bool]:
    """Whether the NaNs of an image reach every value that a submodule returns, by its name."""
    found: dict[str, bool] = {}

    def note(name: str, output: torch.Tensor) -> None:
        found[name] = bool(output.isnan().all())

    with _watched(model, names, note):
        model(image)
    return found


@dataclass(frozen=True)
class Borders:
    """The outermost input positions that output positions see along an axis, where measured."""

    first: dict[int, int]
    last: dict[int, int]


def borders(
    model: nn.Module,
    size: Sequence[int],
    axis: int,
    names: Sequence[str] = (),
    *,
    period: int,
    channels: int = 3,
) -> dict[str, Borders]:
    """Where the fields of output positions begin and end, by module name; the model's under "".

    Image i of a batch is NaN from input n - 1 - period - i on, so the output positions that it is
    the first to reach have their last input exactly there. A second batch, NaN up to input
    period + i, shows the first inputs. With 2 * period + 1 images each, a layer of jump
    j <= period shows this at 2 * period / j positions, so its jump as well.

    Nothing is measured within `period` of the border: zero padding cuts fields off there, and the
    strides of unpadded layers may skip the outermost inputs, sum((s - 1) * j) < period of them.
    """
    end = size[axis] - 1
    images = torch.rand(2 * (2 * period + 1), channels, *size)
    to_end, from_start = images.chunk(2)
    for i in range(2 * period + 1):
        to_end[i].narrow(1 + axis, end - period - i, period + i + 1)[...] = torch.nan
        from_start[i].narrow(1 + axis, 0, period + i + 1)[...] = torch.nan
    found = reached(model, images, axis, names)
    return {
        name: Borders(
            {p: period + i for p, i in _onsets(seen[2 * period + 1 :])},
            {p: end - period - i for p, i in _onsets(seen[: 2 * period + 1])},
        )
        for name, seen in found.items()
    }


def _onsets(seen: torch.Tensor) -> Iterator[tuple[int, int]]:
    """Positions that some image reaches for the first time, with the number of that image."""
    onset = (seen[1:] & ~seen[:-1]).int()
    for position in onset.any(0).nonzero().flatten().tolist():
        yield position, int(onset[:, position].argmax()) + 1


class _Finite(TorchFunctionMode):
    def __init__(self, functions: Collection[str]) -> None:
        super().__init__()
        self.functions = functions

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "").rstrip("_") in self.functions:
            result.nan_to_num_()
        return result


@contextmanager
def finite(functions: Collection[str]) -> Iterator[None]:
    """Within, results of these functions have no NaNs: no feature path leads through them."""
    with _Finite(functions):
        yield
