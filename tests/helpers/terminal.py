"""The program on a terminal, and what it shows there."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

from tests.helpers.program import PATIENCE, RFLINT, plain_environment


def on_a_terminal(*arguments: str, cwd: Path, **environment: str) -> str:
    """What the program shows on a terminal of 100 columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = subprocess.Popen(
        [RFLINT, *arguments],
        cwd=cwd,
        env=plain_environment() | {"TERM": "xterm-256color", **environment},
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(timeout=PATIENCE)
    return shown.decode()
