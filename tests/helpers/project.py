"""This project's own files: where they are, and a copy of them to build from."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def outside_environment(**changes: str) -> dict[str, str]:
    """The environment without what would tie a process to this working tree or to a git hook."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME") and not name.startswith("GIT_")
    }
    return kept | changes


def copy_project(to: Path) -> Path:
    """The project as a clone would have it: what git tracks, or would if asked to add all."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        env=outside_environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file():  # and not removed since
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, to / name)
    return to
