"""Observe functions that audit events do not tell of: the environment, the clock, file stats."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import platform
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rflint.cache.callers import is_called_by
from rflint.cache.observer import DREW_RANDOM_NUMBERS, READ_THE_CLOCK, Observer
from rflint.cache.patching import FunctionPatches
from rflint.cache.randomness import drawing_functions, shared_generators
from rflint.cache.torch_patches import torch_observed

_CLOCK = (
    *("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime"),
    *("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "clock_gettime"),
    *("clock_gettime_ns", "process_time", "process_time_ns", "thread_time", "thread_time_ns"),
)
_MACHINE = {
    os: ("uname", "getloadavg", "statvfs", "get_terminal_size", "getlogin"),
    platform: ("node", "uname", "platform", "release", "version", "processor"),
    uuid: ("uuid1", "getnode"),
}
_REPLACED_ENVIRONMENT = "replaced the environment"


@contextmanager
def libraries_observed(observer: Observer) -> Iterator[None]:
    """Tell an observer of calls of the standard library, safetensors and PyTorch."""
    with FunctionPatches(observer) as patches:
        _replace_machine_functions(patches)
        _replace_file_functions(patches)
        for module in shared_generators():
            note = functools.partial(observer.generator_seeded, module)
            patches.replace(sys.modules[module], "seed", note)
            draws = functools.partial(observer.number_drawn, module)
            for name in drawing_functions(module):
                patches.replace(sys.modules[module], name, draws)
        with (
            _new_generators_observed(observer),
            _environment_observed(observer),
            torch_observed(observer, patches),
        ):
            yield


def _replace_machine_functions(patches: FunctionPatches) -> None:
    """The clock, the process, the machine, and sources of random numbers."""
    observer = patches.observer

    def never_the_same(reason: str) -> Callable[..., None]:
        return lambda *_, **__: observer.never_the_same(reason)

    def machine(*_: Any, **__: Any) -> None:
        if not is_called_by(("platform",)):  # for platform.system(), which is in every key
            observer.never_the_same("asked for the machine")

    for name in _CLOCK:
        patches.replace(time, name, never_the_same(READ_THE_CLOCK))
    patches.replace(os, "times", never_the_same(READ_THE_CLOCK))
    patches.replace(os, "urandom", never_the_same(DREW_RANDOM_NUMBERS))
    # secrets and numpy take their seeds from this one
    patches.replace(random, "_urandom", never_the_same(DREW_RANDOM_NUMBERS))
    patches.replace(os, "getrandom", never_the_same(DREW_RANDOM_NUMBERS))
    for name in ("getpid", "getppid", "getpgrp", "getpgid", "getsid"):
        patches.replace(os, name, never_the_same("asked for the process"))
    for module, names in _MACHINE.items():
        for name in names:
            patches.replace(module, name, machine)


def _replace_file_functions(patches: FunctionPatches) -> None:
    for name in ("stat", "lstat", "access", "readlink"):
        patches.replace(os, name, patches.observer.stat_read)
    patches.replace(importlib.util, "find_spec", patches.observer.module_looked_for)
    with suppress(ImportError):  # before other packages take the functions out of it
        importlib.import_module("safetensors")
    for library in ("safetensors", "safetensors.torch", "safetensors.numpy"):
        if library in sys.modules:
            for name in ("safe_open", "_safe_open_handle"):
                patches.replace(sys.modules[library], name, patches.observer.file_read)


@contextmanager
def _new_generators_observed(observer: Observer) -> Iterator[None]:
    """Tell an observer of generators of random numbers that are made without a seed."""
    seed: Any = random.Random.seed

    @functools.wraps(seed)
    def observed(self: Any, a: Any = None, *args: Any, **kwargs: Any) -> Any:
        if a is None and observer.active:
            observer.never_the_same(DREW_RANDOM_NUMBERS)
        return seed(self, a, *args, **kwargs)

    random.Random.seed = observed  # type: ignore[method-assign]
    try:
        yield
    finally:
        random.Random.seed = seed  # type: ignore[method-assign]


@contextmanager
def _environment_observed(observer: Observer) -> Iterator[None]:
    """Tell an observer of environment variables that are read."""
    environments = [os.environ, *([os.environb] if os.supports_bytes_environ else [])]
    classes = [type(x) for x in environments]
    for environment, usual in zip(environments, classes, strict=True):
        if usual.__module__ == "os":
            environment.__class__ = _observed_class(usual, observer)
        else:
            observer.not_cacheable(_REPLACED_ENVIRONMENT)
    try:
        yield
    finally:
        if os.environ is not environments[0]:
            observer.not_cacheable(_REPLACED_ENVIRONMENT)
        for environment, usual in zip(environments, classes, strict=True):
            if environment.__class__ is not usual:
                environment.__class__ = usual


def _observed_class(environment: Any, observer: Observer) -> Any:
    """A class for os.environ that tells an observer what is read."""

    class ObservedEnvironment(environment):  # type: ignore[misc]
        def __getitem__(self, key: Any) -> Any:
            if isinstance(key, str | bytes):
                observer.variable_read(os.fsdecode(key))
            return super().__getitem__(key)

        def __iter__(self) -> Iterator[Any]:
            observer.environment_read()
            return super().__iter__()  # type: ignore[no-any-return]

        def __len__(self) -> int:
            observer.environment_read()
            return super().__len__()  # type: ignore[no-any-return]

        def __repr__(self) -> str:
            observer.environment_read()
            return str(super().__repr__())

    return ObservedEnvironment
