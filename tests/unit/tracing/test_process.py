"""What linting leaves behind in the process: nothing, however it ends."""

from __future__ import annotations

import gc
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import optimizer

import rflint
from rflint.errors import RflintError


def state_of_the_process() -> dict[str, Any]:
    """All that code can set for a whole process, as it is now."""
    hooks = vars(torch.nn.modules.module)
    numpy: Any = np.random.get_state()
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "search path": list(sys.path),
        "command line": list(sys.argv),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, sys.gettrace(), sys.getprofile(), threading.excepthook),
        "recursion": sys.getrecursionlimit(),
        "garbage": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), gc.get_debug()),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "signals": {x: signal.getsignal(x) for x in signal.valid_signals()},
        "logging": (logging.root.level, list(logging.root.handlers), logging.root.manager.disable),
        "how logging works": logging.Logger.handle,
        "threads": set(threading.enumerate()),
        "random": random.getstate(),
        "random of numpy": (numpy[1].tobytes(), numpy[2:]),
        "random of torch": torch.get_rng_state().numpy().tobytes(),
        "types and devices": (torch.get_default_dtype(), torch.get_default_device()),
        "threads of torch": torch.get_num_threads(),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "anomalies": torch.is_anomaly_enabled(),
        "determinism": torch.get_deterministic_debug_mode(),
        "precision": torch.get_float32_matmul_precision(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "modes": len(torch.overrides._get_current_function_mode_stack()),
        "hooks of modules": {k: dict(v) for k, v in hooks.items() if "_hooks" in k},
        "calls of modules": (nn.Module.__call__, nn.Module._call_impl, nn.Module.__init__),
        "hooks of steps": id(optimizer._global_optimizer_pre_hooks),
        "engine": torch.autograd.Variable._execution_engine,
        "files": open_files(),
    }


def open_files() -> set[str]:
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return set()
    return {f"{x.name} {x.readlink()}" for x in folder.iterdir() if x.is_symlink()}


def sets_everything() -> None:
    """What a program that is a script at heart does where it builds its model."""
    os.environ["RFLINT_TEST_SET"] = "1"
    os.environ.pop("RFLINT_TEST_KEPT", None)
    os.chdir("/")
    sys.path.insert(0, "/nowhere")
    sys.argv = ["train.py", "--epochs", "3"]
    sys.setrecursionlimit(30_000)
    gc.set_threshold(5)
    gc.freeze()
    warnings.simplefilter("error")
    signal.signal(signal.SIGUSR1, lambda *_: None)
    logging.basicConfig(level=logging.DEBUG)
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1 + torch.get_num_threads() % 2)
    torch.set_grad_enabled(False)
    torch.autograd.set_detect_anomaly(True)
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
    torch.nn.modules.module.register_module_forward_hook(lambda *_: None)
    torch.nn.modules.module.register_module_forward_pre_hook(lambda *_: None)


_NO = ValueError("no")


class Net(nn.Module):
    """Sets everything where it is built, and again where it runs."""

    def __init__(self, ends: BaseException | None = None) -> None:
        super().__init__()
        sets_everything()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.ends = ends

    def forward(self, x: Tensor) -> Tensor:
        sets_everything()
        torch.rand(1), random.random(), np.random.rand()
        if self.ends is not None:
            raise self.ends
        return self.conv(x)


def fails_to_build(error: BaseException = _NO) -> nn.Module:
    sets_everything()
    raise error


ENDINGS: dict[str, Callable[[], Any]] = {
    "a report": lambda: rflint.lint(Net, res=16),
    "a report by way of torch.export": lambda: rflint.lint(Net, res=16, tracer="export"),
    "repairs": lambda: rflint.repairs(Net, res=16),
    "sizes": lambda: rflint.sizes(Net, first=16, last=20),
    "tiles": lambda: rflint.tiling(Net, res=64),
    "an error of the builder": lambda: rflint.lint(
        lambda: fails_to_build(ValueError("no")), res=16
    ),
    "an error of forward": lambda: rflint.lint(lambda: Net(_NO), res=16),
    "an exit of the builder": lambda: rflint.lint(lambda: fails_to_build(SystemExit(3)), res=16),
    "Ctrl-C while it builds": lambda: rflint.lint(
        lambda: fails_to_build(KeyboardInterrupt()), res=16
    ),
    "Ctrl-C while it runs": lambda: rflint.lint(lambda: Net(KeyboardInterrupt()), res=16),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_stays_of_what_a_model_sets(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFLINT_TEST_KEPT", "1")
    rflint.lint(lambda: nn.Conv2d(3, 3, 3), res=16, tracer="export")  # torch loads what it needs
    before = state_of_the_process()
    try:
        ENDINGS[ending]()
        ended = "well"
    except (RflintError, KeyboardInterrupt) as error:
        ended = type(error).__name__
    after = state_of_the_process()
    assert {key: after[key] for key in before if after[key] != before[key]} == {}
    assert ended == "well" or ending.startswith(("an error", "an exit", "Ctrl-C"))


def test_variables_that_another_thread_sets_meanwhile_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RFLINT_TEST_OTHER", raising=False)
    monkeypatch.delenv("RFLINT_TEST_OWN", raising=False)

    def build() -> nn.Module:
        os.environ["RFLINT_TEST_OWN"] = "1"
        setting = threading.Thread(target=os.environ.__setitem__, args=("RFLINT_TEST_OTHER", "2"))
        setting.start()
        setting.join()
        return nn.Conv2d(3, 3, 3)

    rflint.lint(build, res=16)
    assert "RFLINT_TEST_OWN" not in os.environ
    assert os.environ["RFLINT_TEST_OTHER"] == "2"
    monkeypatch.setenv("RFLINT_TEST_OTHER", "")


def test_hooks_of_optimisers_that_a_builder_registers_stay_where_it_put_them() -> None:
    hooks = optimizer._global_optimizer_pre_hooks
    handles: list[Any] = []

    def build() -> nn.Module:
        handles.append(optimizer.register_optimizer_step_pre_hook(lambda *_: None))
        return nn.Conv2d(3, 3, 3)

    rflint.lint(build, res=16)
    assert len(optimizer._global_optimizer_pre_hooks) == len(hooks) + 1
    handles[0].remove()
    assert optimizer._global_optimizer_pre_hooks == hooks
