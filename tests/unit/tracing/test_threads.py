"""Linting in one thread, while others lint, train, print, log and end."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError


def net(layers: int) -> nn.Module:
    convolutions = [nn.Conv2d(4, 4, 3, padding=1) for _ in range(layers)]
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.MaxPool2d(2),
        *convolutions,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


def answer(layers: int) -> Any:
    """All that is said of a network, repairs too, and which tracer followed it."""
    tracer = "export" if layers == 2 else "symbolic"
    return rflint.lint(lambda: net(layers), res=16, tracer=tracer, name=f"{layers}").to_dict()


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Do something over and over in another thread during a block: at least once."""
    raised: list[BaseException] = []
    done = threading.Event()

    def repeat() -> None:
        try:
            work()
            while not done.is_set():
                work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield raised
    finally:
        done.set()
        thread.join()


def test_threads_that_lint_say_what_one_after_another_says() -> None:
    wanted = {layers: answer(layers) for layers in range(1, 6)}
    with ThreadPoolExecutor(5) as pool:
        found = dict(zip([*wanted] * 2, pool.map(answer, [*wanted] * 2), strict=True))
    assert found == wanted


def test_coroutines_may_have_models_linted_in_threads() -> None:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(asyncio.to_thread(answer, n) for n in (1, 3, 4)))

    assert asyncio.run(all_of_them()) == [answer(n) for n in (1, 3, 4)]


def train(steps: int = 3) -> list[float]:
    """Losses and gradients of a small network, whose numbers are always the same."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=generator))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = []
    for _ in range(steps):
        loss = model(torch.rand(2, 3, 8, 8, generator=generator)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seen += [loss.item(), *(p.grad.sum().item() for p in model.parameters())]  # type: ignore[union-attr]
    assert not any("_rflint" in name for module in model.modules() for name in vars(module))
    return seen


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
def test_a_training_goes_on_as_if_nothing_was_linted(tracer: str) -> None:
    expected = train()

    def work() -> None:
        assert train() == pytest.approx(expected, rel=1e-4, abs=1e-5)

    def lint() -> Any:
        return rflint.lint(lambda: net(3), res=16, tracer=tracer).to_dict()

    wanted = lint()
    with meanwhile(work) as raised:
        for _ in range(4 if tracer == "export" else 12):
            assert lint() == wanted
    assert not raised


def test_what_others_print_and_log_while_a_model_is_exported_is_not_lost(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    class Talks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3)

        def forward(self, x: Tensor) -> Tensor:
            other = threading.Thread(target=talk, args=("another thread",))
            other.start()
            other.join()
            talk("forward")
            return self.conv(x)

    def talk(who: str) -> None:
        sys.stdout.write(f"out of {who}\n")
        sys.stderr.write(f"err of {who}\n")
        logging.getLogger("training").warning("log of %s", who)

    rflint.lint(Talks, res=16, tracer="export")
    printed = capsys.readouterr()
    assert "out of another thread" in printed.out
    assert "err of another thread" in printed.err
    assert "log of another thread" in caplog.messages
    assert "forward" not in printed.out + printed.err + caplog.text


def test_a_builder_may_lint() -> None:
    def build() -> nn.Module:
        assert answer(1)["models"]
        return net(3)

    with ThreadPoolExecutor(1) as pool:
        report = pool.submit(rflint.lint, build, res=16).result()
    assert report.models[0].analysis.totals.convs == 4


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_after_an_error_others_get_their_turn(error: BaseException) -> None:
    def build() -> nn.Module:
        raise error

    with pytest.raises((RflintError, KeyboardInterrupt)):
        rflint.lint(build, res=16)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(answer, 1).result() == answer(1)


def test_a_repair_is_made_of_weights_that_are_there() -> None:
    """Linting moves a model's weights out of the way: a copy of it waits until they are back."""
    model = net(6)
    repair = rflint.repairs(model, res=16)[0]
    small: list[nn.Module] = []
    with meanwhile(lambda: small.append(repair.apply(model))) as raised:
        for _ in range(5):
            rflint.lint(model, res=16)
    assert not raised
    assert {p.device.type for copy in small for p in copy.parameters()} == {"cpu"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_process_that_is_forked_while_another_thread_lints_can_lint() -> None:
    ends: list[int] = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            os._exit(0 if _lints() else 1)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    def build() -> nn.Module:
        other = threading.Thread(target=fork)
        other.start()
        other.join()
        return net(1)

    rflint.lint(build, res=16)
    assert ends == [0]


def _lints() -> bool:
    return bool(rflint.lint(lambda: nn.Conv2d(3, 3, 3), res=16).layers)
