"""Builders that do harm, and what is to be reported of each.

Each is a file of its own, `NAME.py`, with a function `build`. Beside them lies `good.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

GOOD = """
    from torch import nn

    def build():
        return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
"""
_HEAD = """
    import ctypes, os, signal, sys, threading, time
    import torch
    from torch import nn
    from good import build as good

    def build():
"""


@dataclass(frozen=True, slots=True)
class Hostile:
    """The body of a builder, and the kind of the error that it leads to; None: it is linted."""

    body: str
    kind: str | None

    @property
    def code(self) -> str:
        """The file."""
        lines = "\n".join(f"        {line}" for line in self.body.split("; "))
        return f"{_HEAD}{lines}\n"


HOSTILE = {
    "hangs": Hostile("time.sleep(10_000)", "timeout"),
    "spins": Hostile("while True: pass", "timeout"),
    "stops": Hostile("os.kill(os.getpid(), signal.SIGSTOP); return good()", "timeout"),
    "forks": Hostile("os.fork(); return good()", None),
    "leaves_a_child": Hostile("time.sleep(10_000) if not os.fork() else None; return good()", None),
    "forks_and_exits": Hostile(
        "ctypes.CDLL(None)._exit(0) if os.fork() else time.sleep(10_000)", "crash"
    ),
    "exits": Hostile("os._exit(0)", "build"),
    "exits_in_c": Hostile("ctypes.CDLL(None)._exit(0)", "crash"),
    "leaves_python": Hostile("sys.exit(0)", "build"),
    "segfaults": Hostile("ctypes.string_at(0)", "crash"),
    "aborts": Hostile("ctypes.CDLL(None).abort()", "crash"),
    "kills_itself": Hostile("os.kill(os.getpid(), signal.SIGKILL)", "crash"),
    "kills_its_group": Hostile("os.killpg(0, signal.SIGKILL)", "crash"),
    "interrupts": Hostile("raise KeyboardInterrupt", "build"),
    "leaves_a_thread": Hostile(
        "threading.Thread(target=time.sleep, args=[10_000]).start(); return good()", None
    ),
    "breaks_torch": Hostile(
        "nn.Module.__call__ = torch.zeros = torch.nn.functional.conv2d = None; return good()",
        "build",
    ),
    "closes_stdout": Hostile("sys.stdout.close(); os.close(1); return good()", None),
    "closes_everything": Hostile("os.closerange(0, 1000); return good()", "crash"),
    "prints_for_ever": Hostile("while True: print('x' * 1_000_000)", "crash"),
    "writes_for_ever": Hostile("while True: os.write(1, b'x' * 1_000_000)", "crash"),
    "takes_memory": Hostile("kept = []; while True: kept.append(bytearray(10_000_000))", "memory"),
    "takes_tensors": Hostile(
        "import numpy; return [numpy.ones(10**9) for _ in range(9)]", "memory"
    ),
}
