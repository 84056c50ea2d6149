"""A function in a child process: what it yields, how it ends, and what remains of it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rflint.errors import RflintError, UsageError
from rflint.workers.errors import Crashed, OutOfMemory, TimedOut
from rflint.workers.limited import answers_of
from rflint.workers.limits import ProcessLimits

UNLIMITED = ProcessLimits()


def answers(function: Callable[[], Any], limits: ProcessLimits = UNLIMITED) -> list[Any]:
    return list(map(pickle.loads, answers_of(function, limits)))


def test_what_it_yields_comes_one_by_one() -> None:
    def function() -> Iterator[object]:
        yield os.getpid()
        yield {"large": "x" * 10_000_000}

    process, large = answers(function)
    assert process != os.getpid()
    assert len(large["large"]) == 10_000_000


def test_what_it_changes_stays_there() -> None:
    changed: list[int] = []
    assert answers(lambda: changed.append(1) or changed) == [1]
    assert changed == []


def fails() -> Iterator[int]:
    yield 1
    raise UsageError("no such thing", hint="take another")


def test_an_error_comes_behind_what_came_before() -> None:
    found = answers_of(fails, ProcessLimits())
    assert pickle.loads(next(found)) == 1
    with pytest.raises(UsageError) as raised:
        next(found)
    assert (raised.value.message, raised.value.hint) == ("no such thing", "take another")
    assert "in fails" in raised.value.traceback_elsewhere


def test_an_exception_is_a_bug_of_rflints_own() -> None:
    with pytest.raises(RflintError, match="rflint itself failed: ZeroDivisionError"):
        answers(lambda: [1 / 0])


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "its process was ended by SIGSEGV"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL, as the system does"),
        (lambda: os.kill(os.getpid(), 40), "signal 40"),
    ],
)
def test_a_process_that_ends_has_crashed(ends: Callable[[], Any], said: str) -> None:
    with pytest.raises(Crashed, match=said):
        answers(ends)


def test_what_does_not_end_is_ended() -> None:
    with pytest.raises(TimedOut, match=r"longer than 0\.3 seconds"):
        answers(lambda: signal.pause(), ProcessLimits(0.3))


def test_each_answer_has_the_whole_time() -> None:
    script = "import time; time.sleep(0.4)"

    def function() -> Iterator[int]:
        for number in range(4):
            subprocess.run([sys.executable, "-c", script], check=True)
            yield number

    assert answers(function, ProcessLimits(30.0)) == [0, 1, 2, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_what_takes_too_much_memory_says_so() -> None:
    with pytest.raises(OutOfMemory, match="more memory than 100M"):
        # more than this process may have left over from earlier tests, and may use again
        answers(lambda: [len(bytearray(8 << 30))], ProcessLimits(memory=100 << 20))
    assert answers(lambda: [len(bytearray(50 << 20))], ProcessLimits(memory=100 << 20)) == [
        50 << 20
    ]


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    """A process that it left behind holds the pipe open, and is not waited for."""
    reader, writer = os.pipe()

    def function() -> Iterator[int]:
        if not os.fork():
            signal.pause()
        yield 1

    assert answers(function) == [1]
    os.close(writer)
    assert os.read(reader, 1) == b""  # nobody has the other end any more
    os.close(reader)


def test_a_copy_of_it_does_not_answer() -> None:
    def function() -> Iterator[int]:
        os.fork()
        yield 1
        yield 2

    assert answers(function) == [1, 2]
