"""A git repository in a test, apart from the settings of whoever runs it."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

from tests.helpers.project import outside_environment


class Repository:
    """A git repository in which the program is on the path, and pre-commit can be installed."""

    def __init__(self, path: Path, **environment: str) -> None:
        self.path = path
        scripts = sysconfig.get_path("scripts")
        self.environment = outside_environment(
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_CONFIG_NOSYSTEM="1",
            GIT_AUTHOR_NAME="A. Author",
            GIT_AUTHOR_EMAIL="author@example.org",
            GIT_COMMITTER_NAME="A. Author",
            GIT_COMMITTER_EMAIL="author@example.org",
            PATH=os.pathsep.join([scripts, os.environ["PATH"]]),
            **environment,
        )
        path.mkdir(exist_ok=True)
        self.run("git", "init", "-q")

    def run(self, *command: str) -> str:
        """The output of a command that has to succeed."""
        status, output = self.tried(*command)
        assert status == 0, output
        return output

    def tried(self, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            command,
            cwd=self.path,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def commit(self, **files: str) -> tuple[int, str]:
        """Write `<name>.py` files and commit everything."""
        for name, text in files.items():
            (self.path / f"{name}.py").write_text(text)
        self.run("git", "add", "--all")
        return self.tried("git", "commit", "-m", "change the model")

    def commits(self) -> int:
        return int(self.run("git", "rev-list", "--count", "--all"))
