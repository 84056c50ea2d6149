"""rflint as a hook of pre-commit: a commit that makes layers unproductive does not go through."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.test_packaging import PROJECT, copy_project, outside_environment

MODEL = """
from torch import nn

def build():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1),
{more}
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )
"""
# The third convolution's output has seen 18 pixels of 16, so a fourth has nothing to add.
ONE_MORE = "        nn.Conv2d(16, 16, 3, padding=1),  # one more"
PRODUCTIVE = MODEL.format(more="")
TOO_DEEP = MODEL.format(more=ONE_MORE)
ITS_LINE = TOO_DEEP.splitlines().index(ONE_MORE) + 1


class Repository:
    """A git repository for which pre-commit is installed, apart from this user's own settings."""

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


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """This project as a repository that a .pre-commit-config.yaml can point at."""
    repository = Repository(copy_project(tmp_path_factory.mktemp("hooks")))
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "-q", "-m", "release")
    return repository


def user_of(hooks: Repository, hook: str, folder: Path, **environment: str) -> Repository:
    """A user's repository with the hook, and a first commit of no model yet."""
    revision = hooks.run("git", "rev-parse", "HEAD").strip()
    repository = Repository(
        folder / "user", PRE_COMMIT_HOME=str(folder / "pre-commit"), **environment
    )
    (repository.path / ".pre-commit-config.yaml").write_text(
        f"""
repos:
  - repo: {hooks.path}
    rev: {revision}
    hooks:
      - id: {hook}
        args: ["model.py:build", --res, "16"]
"""
    )
    repository.run(sys.executable, "-m", "pre_commit", "install")
    return repository


def test_hook_refuses_unproductive_layers_until_repaired(hooks: Repository, tmp_path: Path) -> None:
    """`rflint` lints with the environment that pre-commit is run from."""
    user = user_of(hooks, "rflint", tmp_path)

    status, output = user.commit(model=PRODUCTIVE)
    assert status == 0, output
    assert "rflint" in output
    assert "Passed" in output

    status, output = user.commit(model=TOO_DEEP)
    assert status != 0
    assert "RF101" in output
    assert f"model.py:{ITS_LINE}" in output
    assert user.commits() == 1

    status, output = user.commit(model=PRODUCTIVE + "\nCLASSES = 10\n")
    assert status == 0, output
    assert user.commits() == 2


def test_hook_looks_at_the_model_when_any_python_file_changes_but_not_otherwise(
    hooks: Repository, tmp_path: Path
) -> None:
    """A layer may come from another file than the one that is committed."""
    user = user_of(hooks, "rflint", tmp_path)
    (user.path / "model.py").write_text("from blocks import build\n")

    status, output = user.commit(blocks=TOO_DEEP)
    assert status != 0
    assert "RF101" in output
    assert f"blocks.py:{ITS_LINE}" in output

    user.run("git", "reset", "-q")
    (user.path / "README.md").write_text("A model.\n")
    user.run("git", "add", "README.md", ".pre-commit-config.yaml")
    status, output = user.tried("git", "commit", "-m", "describe it")
    assert status == 0, output
    assert "Skipped" in output


def test_isolated_hook_brings_its_own_environment(hooks: Repository, tmp_path: Path) -> None:
    """`rflint-isolated` is installed by pre-commit, with a torch of its own."""
    user = user_of(
        hooks,
        "rflint-isolated",
        tmp_path,
        PIP_CONSTRAINT=str(PROJECT / "constraints.txt"),
    )

    status, output = user.commit(model=TOO_DEEP)
    assert status != 0
    assert "RF101" in output
    assert user.commits() == 0

    status, output = user.commit(model=PRODUCTIVE)
    assert status == 0, output
    assert user.commits() == 1
    assert list((tmp_path / "pre-commit").rglob("site-packages/torch/__init__.py"))
