"""Try candidates in another process, which may hang or crash without ending the run."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rflint.errors import InternalError
from rflint.inputs.notation import Sizes
from rflint.usercode.candidates import Candidate

_WORKER = (
    # the current folder is not searched for what rflint and torch import
    "import sys; sys.path[:] = [x for x in sys.path if x];"
    "from rflint.usecases.trial_worker import main; main()"
)
_STARTS_WITHIN = 300.0
"""Seconds in which torch is imported, on whatever machine."""


@dataclass(frozen=True, slots=True)
class SizeTried:
    """What became of a model at one size."""

    size: Sizes
    why: str = ""
    """Why it does not run."""
    hint: str = ""
    """What to do about that."""
    inputs: tuple[str, ...] = ()
    params: int = 0
    convs: int = 0
    unproductive: int = 0
    complete: bool = True

    @property
    def runs(self) -> bool:
        """Whether it was analysed."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a candidate."""

    candidate: Candidate
    sizes: tuple[SizeTried, ...] = ()
    why: str = ""
    """Why it was not built, or not tried at all."""
    place: str = ""
    advice: str = ""
    """What to do about that."""

    @property
    def running(self) -> tuple[SizeTried, ...]:
        """The sizes at which it runs."""
        return tuple(x for x in self.sizes if x.runs)

    @property
    def is_usable(self) -> bool:
        """Whether there is something to lint: it runs at a size, and has weights."""
        return any(x.params for x in self.running)

    @property
    def reason(self) -> str:
        """Why it is not usable."""
        if self.why:
            return f"{self.place}: {self.why}" if self.place else self.why
        if self.running:
            return "it has no weights"
        return self.sizes[0].why if self.sizes else "it was not tried"

    @property
    def hint(self) -> str:
        """What to do about it, where that is known."""
        return self.sizes[0].hint if self.sizes and not self.why else self.advice


class Trials:
    """Tries one candidate after the other; a process that ends is started again."""

    def __init__(
        self,
        root: Path,
        *,
        patience: float,
        pythonpath: Sequence[Path] = (),
        debug: bool = False,
    ) -> None:
        self.root = root
        self.patience = patience
        """Seconds after which a candidate is given up."""
        self.pythonpath = pythonpath
        self._stderr = None if debug else subprocess.DEVNULL
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __enter__(self) -> Trials:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop()

    def of(self, candidate: Candidate, sizes: Sequence[Sizes], otherwise: Sequence[Sizes]) -> Trial:
        """A candidate at some sizes, and where it runs at none at the first of others."""
        process = self._started()
        order = {
            "target": candidate.target,
            "root": str(self.root),
            "pythonpath": list(map(str, self.pythonpath)),
            "arguments": dict(candidate.arguments),
            "sizes": sizes,
            "otherwise": otherwise,
        }
        assert process.stdin
        with suppress(BrokenPipeError):  # it has ended: that is what reading finds, too
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
        try:
            answer = self._answers.get(timeout=self.patience)
        except queue.Empty:
            self._stop()
            why = f"it took longer than {self.patience:g} seconds (--timeout)"
            return Trial(candidate, why=why)
        if not answer:
            return Trial(candidate, why=f"its process ended: {self._end(process)}")
        return _trial(candidate, json.loads(answer))

    def _started(self) -> subprocess.Popen[str]:
        """The process that is waiting for orders."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                text=True,
                encoding="utf-8",
            )
            self._answers = queue.SimpleQueue()
            reader = threading.Thread(
                target=_read, args=(self._process, self._answers), daemon=True
            )
            reader.start()
            try:
                ready = self._answers.get(timeout=_STARTS_WITHIN)
            except queue.Empty:
                ready = ""
            if not ready:
                self._stop()
                raise InternalError(
                    "the process that tries models did not start",
                    hint="What it says is shown with --debug.",
                )
        return self._process

    def _end(self, process: subprocess.Popen[str]) -> str:
        """How a process ended that gives no more answers."""
        status = process.wait()
        self._stop()
        return f"signal {-status}" if status < 0 else f"exit status {status}"

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()


def _read(process: subprocess.Popen[str], answers: queue.SimpleQueue[str]) -> None:
    """Pass on the lines of a process, and an empty one at its end."""
    assert process.stdout
    with process.stdout:
        for line in process.stdout:
            answers.put(line)
    answers.put("")


def _trial(candidate: Candidate, answer: dict[str, Any]) -> Trial:
    if "why" in answer:
        return Trial(candidate, why=answer["why"], place=answer["place"], advice=answer["hint"])
    return Trial(candidate, tuple(map(_size, answer["sizes"])))


def _size(answer: dict[str, Any]) -> SizeTried:
    size = tuple(answer["size"])
    if "why" in answer:
        return SizeTried(size, why=answer["why"], hint=answer["hint"])
    return SizeTried(
        size,
        inputs=tuple(answer["inputs"]),
        params=answer["params"],
        convs=answer["convs"],
        unproductive=answer["unproductive"],
        complete=answer["complete"],
    )
