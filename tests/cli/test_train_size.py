"""`--train-res`, and the key `train-res` of a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.forked import Forked
from tests.helpers.program import write

NET = """
    from torch import nn


    def build():
        return nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(8),
            nn.AdaptiveAvgPool2d(4),{}
            nn.Flatten(),
            nn.Linear(64, 5),
        )
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, {"net.py": NET.format("")})
    return tmp_path


def test_the_difference_is_told_and_fails_nothing(forked: Forked, project: Path) -> None:
    ran = forked.rflint("net.py:build", "--res", "32", "--train-res", "8", cwd=project)
    assert ran.status == 0
    assert "Trained at 8x8, linted at 32x32\n" in ran.out.replace("×", "x")
    assert "Only there, RF508 (enlarging-pooling) finds something: 3." in ran.out
    at_both = forked.rflint("net.py:build", "--res", "32,8", cwd=project)
    assert at_both.status == 1


@pytest.mark.parametrize("value", ["8", '"8x8"'])
def test_a_configuration_says_it_for_a_model(forked: Forked, project: Path, value: str) -> None:
    text = f'[[models]]\ntarget = "net.py:build"\nres = 32\ntrain-res = {value}\n'
    write(project, {"rflint.toml": text})
    for _ in range(2):  # the second time from the cache
        (model,) = forked.rflint("--format", "json", cwd=project).report["models"]
        assert model["train_size"]["resolution"] == [8, 8]
        assert [x["code"] for x in model["train_size"]["findings"]] == ["RF508"]
    other = forked.rflint("--train-res", "32", "--format", "json", cwd=project)
    assert other.report["models"][0]["train_size"] is None
    markdown = forked.rflint("--format", "markdown", cwd=project).out
    assert "Trained at 8×8:" in markdown
    assert "- Only there, RF508" in markdown


def test_comments_answer_for_what_is_found_there(forked: Forked, project: Path) -> None:
    write(project, {"net.py": NET.format("  # rflint: ignore[RF508] trained elsewhere")})
    ran = forked.rflint(
        *("net.py:build", "--res", "32", "--train-res", "8", "--format", "json"), cwd=project
    )
    (model,) = ran.report["models"]
    assert model["train_size"]["findings"] == []
    assert model["findings"] == []  # nor is the comment without use


@pytest.mark.parametrize("wrong", ["8,16", "0", "large"])
def test_it_is_one_size(forked: Forked, project: Path, wrong: str) -> None:
    ran = forked.rflint("net.py:build", "--res", "32", "--train-res", wrong, cwd=project)
    assert ran.status == 2
    assert "--train-res" in ran.err
    write(project, {"rflint.toml": f'train-res = "{wrong}"\n'})
    ran = forked.rflint("net.py:build", "--res", "32", cwd=project)
    assert ran.status == 2
    assert "train-res: " in ran.err
