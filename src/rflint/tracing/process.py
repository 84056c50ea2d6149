"""What a run of rflint must not change in the process that it runs in, and who may run at a time.

Following a model means standing in for functions of torch, for the whole process. So one thread
lints at a time, whoever calls; and what the user's builder or forward sets (the random numbers
drawn, the default type, whether gradients are computed) is put back.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from rflint.tracing.model.meta_device import default_device

_LOCK = threading.RLock()

_FRAMES = 20_000
"""Python's limit of nested calls while a model is followed: it runs alone within a thousand, and
rflint stands between its modules."""


@contextmanager
def process_state_restored() -> Iterator[None]:
    """One caller at a time, who leaves the process as it was."""
    with _LOCK, recursion_limit_raised():
        dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
        device = default_device()
        state, python = torch.get_rng_state(), random.getstate()
        numpy = _numpy_random()
        drawn: Any = numpy.get_state() if numpy else None
        try:
            yield
        finally:
            if default_device() != device:
                torch.set_default_device(device)
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(grad)
            torch.set_rng_state(state)
            random.setstate(python)
            if numpy:
                numpy.set_state(drawn)


@contextmanager
def recursion_limit_raised() -> Iterator[None]:
    """Let calls nest deeper than usual: of modules within modules, with rflint between them."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _numpy_random() -> Any:
    """Numpy's generator that all code shares, if it is imported."""
    return sys.modules.get("numpy.random")


def random_state() -> tuple[Any, ...]:
    """The state of the generators that all code shares, Python's and numpy's."""
    numpy = _numpy_random()
    of_numpy = None
    if numpy is not None:
        state = numpy.get_state(legacy=False)["state"]
        of_numpy = (state["key"].tobytes(), state["pos"])
    return (random.getstate(), of_numpy)
