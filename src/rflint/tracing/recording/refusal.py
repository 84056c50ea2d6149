"""Whether a model's code refuses an input before it computes anything: quickly told.

A table of positions or a window makes many models assert the size of what they are given, first of
all. Following a pass takes much longer than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from rflint.graph.source_location import SourceLocation
from rflint.inputs.forward_call import ForwardCall
from rflint.tracing.model.temporary import temporarily_on_meta
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.source_lines import innermost_user_line_of

_QUESTIONS = frozenset(
    {
        *(getattr(torch.Tensor, x).__get__ for x in ("shape", "ndim", "dtype", "device")),
        *(getattr(torch.Tensor, x) for x in ("size", "dim", "numel", "__len__")),
        *(torch.Tensor.is_floating_point, torch.is_floating_point, torch._assert),
    }
)
"""What can be asked of a tensor without computing anything."""

Refuses = Callable[[Sequence[torch.Tensor]], bool]
"""Whether a model refuses some inputs."""


class _ComputesError(BaseException):
    """The model has begun to compute. No `except Exception` of its code stops it."""


class _NothingComputed(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func not in _QUESTIONS:
            raise _ComputesError
        return func(*args, **(kwargs or {}))


@contextmanager
def refusals(
    model: nn.Module,
    refused: Sequence[torch.Tensor],
    call: ForwardCall,
    source: SourceLocation | None,
    *,
    train: bool,
) -> Iterator[Refuses | None]:
    """Tells of other inputs whether a model refuses them, as it refuses these.

    That is, with an exception of the same class from the same file. None where it does not refuse
    them at once, or not at the line `source`.
    """
    with temporarily_on_meta(model, train=train):
        first = _raised_at_once(model, refused, call)
        if first is None or source is None or first[1] != source:
            yield None
            return

        def refuses(inputs: Sequence[torch.Tensor]) -> bool:
            found = _raised_at_once(model, inputs, call)
            return (
                found is not None
                and found[0] is first[0]
                and found[1] is not None
                and found[1].path == source.path
            )

        yield refuses


@enters_user_code
def _raised_at_once(
    model: nn.Module, inputs: Sequence[torch.Tensor], call: ForwardCall
) -> tuple[type[Exception], SourceLocation | None] | None:
    """The class and the place of what a model raises before it computes; None where it does not."""
    args, kwargs = call.with_inputs(inputs)
    try:
        with torch.no_grad(), _NothingComputed():
            model(*args, **kwargs)
    except (_ComputesError, SystemExit):
        return None
    except Exception as error:
        return type(error), innermost_user_line_of(error)
    return None
