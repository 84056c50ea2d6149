"""What a run of rflint must not change in the process that it runs in, and who may run at a time.

Following a model means standing in for functions of torch, for the whole process. So one thread
lints at a time, whoever calls; and what the user's builder or forward sets (the random numbers
drawn, the default type, whether gradients are computed) is put back.
"""

from __future__ import annotations

import os
import random
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from rflint.tracing.model.meta_device import default_device
from rflint.usercode.environment import environment_restored
from rflint.usercode.surroundings import settings_of_python_restored

_LOCK = threading.RLock()


def _new_lock() -> None:
    global _LOCK
    _LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):
    # a thread that had it is not there any more in a child of another one
    os.register_at_fork(after_in_child=_new_lock)

_FRAMES = 20_000
"""Python's limit of nested calls while a model is followed: it runs alone within a thousand, and
rflint stands between its modules."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Other threads wait until this one is done; it may ask again on the way."""
    with _LOCK, recursion_limit_raised():
        yield


@contextmanager
def process_state_restored() -> Iterator[None]:
    """One caller at a time, who leaves the process as it was."""
    with (
        one_at_a_time(),
        environment_restored(),
        settings_of_python_restored(),
        _settings_of_torch_restored(),
    ):
        yield


@contextmanager
def _settings_of_torch_restored() -> Iterator[None]:
    """Defaults, global hooks of modules, and the random numbers, numpy's and Python's too."""
    settings = [read() for read, _ in _SETTINGS]
    device = default_device()
    hooks = [(found, dict(found)) for found in _global_hooks()]
    state, python = torch.get_rng_state(), random.getstate()
    numpy = _numpy_random()
    drawn: Any = numpy.get_state() if numpy else None
    try:
        yield
    finally:
        if default_device() != device:
            torch.set_default_device(device)
        for (read, change), before in zip(_SETTINGS, settings, strict=True):
            if read() != before:
                change(before)
        for found, content in hooks:
            if found != content:
                found.clear()
                found.update(content)
        torch.set_rng_state(state)
        random.setstate(python)
        if numpy:
            numpy.set_state(drawn)


def _set_cudnn(name: str) -> Callable[[Any], None]:
    return lambda value: setattr(torch.backends.cudnn, name, value)


_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (lambda: torch.backends.cudnn.benchmark, _set_cudnn("benchmark")),
    (lambda: torch.backends.cudnn.deterministic, _set_cudnn("deterministic")),
)
"""What torch is told for the whole process: how it is read, and how it is set."""


def _global_hooks() -> list[Any]:
    """The dictionaries of hooks that torch calls for all modules."""
    names = vars(torch.nn.modules.module)
    return [value for name, value in names.items() if re.fullmatch("_global_.*hooks.*", name)]


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
