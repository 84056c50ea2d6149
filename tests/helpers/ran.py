"""What a run of the program came to, and the environment of one."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from tests.helpers.schema import checked


@dataclass(frozen=True)
class Ran:
    """What a run of the program came to."""

    status: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """What `--format json` has printed, which is as the schema says."""
        return checked(json.loads(self.out))


def plain_environment() -> dict[str, str]:
    """This process's, without what it says of the terminal; on one thread, as the tests run."""
    settings = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM"}
    settings |= {"TTY_COMPATIBLE", "TTY_INTERACTIVE", "PYTHONPATH", "PYTHONIOENCODING"}
    return {k: v for k, v in os.environ.items() if k not in settings} | {
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
    }
