"""One forward pass, recorded by running the model's own code on tensors without storage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from rflint.errors import DataDependent, RflintError, UnsupportedByTracer
from rflint.inputs.forward_call import BY_POSITION, ForwardCall
from rflint.operators.call import tensors_in
from rflint.tracing.model.signature import check_signature
from rflint.tracing.recording.call_site import call_site_on_stack
from rflint.tracing.recording.failures import failure_of
from rflint.tracing.recording.module_calls import ModuleCalls
from rflint.tracing.recording.patching import (
    module_calls_patched,
    script_calls_checked,
    torch_compile_disabled,
)
from rflint.tracing.recording.recorder import Recorder
from rflint.tracing.recording.recording import Recording
from rflint.tracing.recording.vmap import vmap_unrolled
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.interrupts import is_ctrl_c


@enters_user_code
def record_symbolically(
    model: nn.Module, inputs: Sequence[torch.Tensor], call: ForwardCall = BY_POSITION
) -> Recording:
    """Run a model on meta tensors and return the graph of what it did.

    Where the code reads values that only exist at run time, the recording ends, and its outputs are
    the results that nothing has used so far. Raises InputMismatch where a layer cannot run on what
    reaches it (it is named), TraceFailed where the code fails or reads values before its first
    convolution, and UnsupportedByTracer where only this way of following fails.
    """
    check_signature(model, *call.with_inputs(inputs))
    recorder = Recorder(model)
    placeholders = [
        recorder.tracker.placeholder(f"input_{i}" if i else "input", tensor)
        for i, tensor in enumerate(inputs)
    ]
    with _everything_seen_by(recorder):
        try:
            args, kwargs = call.with_inputs(placeholders)
            result = model(*args, **kwargs)
            if isinstance(result, Iterator):
                result = list(result)  # a forward that yields has not done anything yet
            return recorder.finished(result)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            failure = _failure(error, placeholders, recorder)
            if isinstance(failure, DataDependent) and recorder.has_convolved:
                return recorder.broken_off(failure)
            failure.steps_before = recorder.steps
            if failure is error:
                raise
            raise failure from error


@contextmanager
def _everything_seen_by(recorder: Recorder) -> Iterator[None]:
    """Record while a model runs. Not reentrant, and not for several threads at once."""

    def refuse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if any(map(recorder.tracker.is_tracked, tensors_in((args, kwargs)))):
            raise UnsupportedByTracer("this calls TorchScript code", source=call_site_on_stack())

    with (
        module_calls_patched(ModuleCalls(recorder)),
        script_calls_checked(refuse),
        vmap_unrolled(),
        torch_compile_disabled(),
        torch.no_grad(),
        recorder,
    ):
        yield


def _failure(
    error: BaseException, inputs: Sequence[torch.Tensor], recorder: Recorder
) -> RflintError:
    if isinstance(error, RflintError):
        return error
    path, by_torch = recorder.modules.failed_in, recorder.execution.error
    return failure_of(error, inputs, path=path, by_torch=by_torch)
