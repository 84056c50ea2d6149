"""Files as they are when some time has passed."""

from __future__ import annotations

import os
import time
from itertools import count
from pathlib import Path

from tests.helpers.program import write

_moments = count(int(time.time()) - 10**6, 2)


def aged(folder: Path, files: dict[str, str]) -> None:
    """Files as they are when some time has passed; each later than all before."""
    write(folder, files)
    for name in files:
        moment = next(_moments)
        os.utime(folder / name, (moment, moment))
