"""How long a model may take, and how much memory."""

from __future__ import annotations

import os
from dataclasses import dataclass

from rflint.errors import UsageError

_OWN_MEMORY = "/proc/self/statm"
OUTPUT = 64 << 20
"""Bytes that a model may print. What prints more than that will not stop."""


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """The limits of one model; None where there is none."""

    timeout: float | None = None
    """Seconds, from its import to its report."""
    memory: int | None = None
    """Bytes that it may take beyond what Python, torch and rflint take."""
    output: int = OUTPUT
    """Bytes that it may print."""

    def check(self, jobs: int | None) -> None:
        """Raise UsageError for what this system cannot do: Windows lacks both, macOS memory."""
        asked = {"--jobs": jobs, "--timeout": self.timeout, "--memory": self.memory}
        named = [name for name, value in asked.items() if value is not None]
        if named and not can_fork():
            raise UsageError(f"{named[0]} needs a system on which processes fork: Linux, macOS")
        if self.memory is not None and not os.path.exists(_OWN_MEMORY):
            raise UsageError("--memory needs Linux: this system does not limit a process's memory")


def can_fork() -> bool:
    """Whether this system has processes that are copies of others, on which workers rest."""
    return hasattr(os, "fork") and hasattr(os, "setpgid")


def available_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_taken() -> int:
    """Bytes that this process has for data of its own, as Linux counts them against a limit."""
    with open(_OWN_MEMORY, encoding="ascii") as file:
        return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
