"""The program, run as from a shell: forked from a process that has torch, or from the start."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import IO, Any

from tests.helpers.forked import Forked
from tests.helpers.ran import Ran, plain_environment

PATIENCE = 900
"""Seconds after which a test gives up on a program that never ends; no result depends on them."""
RFLINT = str(Path(sysconfig.get_path("scripts")) / "rflint")


def rflint(
    *arguments: str | Path, cwd: Path, program: tuple[str, ...] = (), **environment: str
) -> Ran:
    """Run the program into pipes, with nothing of this terminal's settings.

    It is forked from a process that has imported torch already, which saves a second or two. It
    runs from the start where a test says how (`program`), or tells Python itself something.
    """
    if not program and not any(name.startswith("PYTHON") for name in environment):
        return warm().rflint(*map(str, arguments), cwd=cwd, **environment)
    return installed_rflint(*arguments, cwd=cwd, program=program or (RFLINT,), **environment)


@cache
def warm() -> Forked:
    """The process that runs are forked from: one for all tests of a worker."""
    running = Forked().__enter__()
    atexit.register(running.__exit__, None, None, None)
    return running


def installed_rflint(
    *arguments: str | Path,
    cwd: Path,
    program: tuple[str, ...] = (RFLINT,),
    **environment: str,
) -> Ran:
    """Run the installed program as a shell does, from the start."""
    done = subprocess.run(
        [*program, *arguments],
        cwd=cwd,
        env=plain_environment() | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def into_a_closed_pipe(*arguments: str, cwd: Path) -> Ran:
    """Run the program for a reader that has gone already."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return into(writer, *arguments, cwd=cwd)
    finally:
        os.close(writer)


def into(output: int | IO[str], *arguments: str, cwd: Path) -> Ran:
    """Run the program with its standard output led there."""
    done = subprocess.run(
        [RFLINT, *arguments],
        cwd=cwd,
        env=plain_environment(),
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return Ran(done.returncode, "", done.stderr)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Files of a project; what is indented as a whole is not."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


def replace(folder: Path, files: Mapping[str, str]) -> None:
    """Files that change in one step: a program that watches them sees no half of one."""
    write(folder, {f"{name}.new": text for name, text in files.items()})
    for name in files:
        (folder / f"{name}.new").replace(folder / name)


def started(*arguments: str, cwd: Path, **streams: Any) -> subprocess.Popen[str]:
    """A run that goes on, with signals as in the foreground; one that hangs is ended in the end.

    Who runs the tests in the background has signals ignored, and what it starts inherits that.
    """

    def as_usual() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    running = subprocess.Popen(
        [RFLINT, *arguments],
        cwd=cwd,
        env=plain_environment(),
        text=True,
        preexec_fn=as_usual,
        **pipes | streams,
    )
    last_resort = threading.Timer(PATIENCE, running.kill)
    last_resort.daemon = True
    last_resort.start()
    return running


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something to happen, however long it takes, and leave the processor to it."""
    while not condition():
        time.sleep(0.01)
