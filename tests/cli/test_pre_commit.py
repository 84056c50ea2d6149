"""rflint as a hook of pre-commit: a commit that makes layers unproductive does not go through."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.helpers.program import write
from tests.helpers.project import PROJECT, copy_project
from tests.helpers.repository import Repository

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
# Behind the third convolution the receptive field is 18 of 16 pixels: a fourth is past the border.
ONE_MORE = "        nn.Conv2d(16, 16, 3, padding=1),  # one more"
PRODUCTIVE = MODEL.format(more="")
TOO_DEEP = MODEL.format(more=ONE_MORE)
ITS_LINE = TOO_DEEP.splitlines().index(ONE_MORE) + 1


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """This project as a repository that a .pre-commit-config.yaml can point at."""
    repository = Repository(copy_project(tmp_path_factory.mktemp("hooks")))
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "-q", "-m", "release")
    return repository


def user_of(
    hooks: Repository,
    hook: str,
    folder: Path,
    arguments: str = 'args: ["model.py:build", --res, "16"]',
    **environment: str,
) -> Repository:
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
        {arguments}
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


def test_hook_lints_a_model_when_a_file_that_it_is_made_of_is_committed(
    hooks: Repository, tmp_path: Path
) -> None:
    """Its imports count, at any depth, and the configuration; nothing else in the repository."""
    user = user_of(hooks, "rflint", tmp_path, arguments="verbose: true")
    write(
        user.path,
        {
            "pyproject.toml": """
                [[tool.rflint.models]]
                target = "nets.model:build"
                res = 16
            """,
            "nets/__init__.py": "",
            "nets/model.py": "from .parts import build\n",
            "nets/parts/__init__.py": "from nets.parts.blocks import build\n",
            "nets/parts/blocks.py": TOO_DEEP,
            "train.py": "EPOCHS = 90\n",
        },
    )
    user.run("git", "add", "--all")
    user.run("git", "commit", "--no-verify", "-m", "a model with a finding")

    status, output = user.commit(train="EPOCHS = 100\n")
    assert status == 0, output
    assert "RF101" not in output, "its findings are no reason to refuse this commit"

    status, output = user.commit(**{"nets/parts/blocks": TOO_DEEP + "\nCLASSES = 10\n"})
    assert status != 0
    assert f"nets/parts/blocks.py:{ITS_LINE}" in output

    user.run("git", "reset", "-q", "--hard")
    (user.path / "pyproject.toml").write_text(
        '[[tool.rflint.models]]\ntarget = "nets.model:build"\nres = 8\n'
    )
    status, output = user.commit()
    assert status != 0
    assert "RF101" in output

    user.run("git", "reset", "-q", "--hard")
    (user.path / "README.md").write_text("A model.\n")
    status, output = user.commit()
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
