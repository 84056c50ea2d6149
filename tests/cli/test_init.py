"""`rflint init`, `rflint --list-targets`: a project's models found, tried and configured."""

from __future__ import annotations

import os
import pty
import select
from pathlib import Path

import pytest

from rflint.configuration.added_models import configuration_in
from rflint.inputs.notation import read_resolutions
from rflint.usecases.init import SIZES, added_model, survey
from rflint.usecases.trials import Trials
from rflint.usercode.candidates import Candidates
from rflint.workers.limits import ProcessLimits
from tests.helpers.forked import Forked
from tests.helpers.program import PATIENCE, rflint, started, write

PYPROJECT = """\
[project]  # ours
name   =  "shop"

[tool.ruff]
line-length = 99"""
NETS = {
    "pyproject.toml": PYPROJECT,
    "shop/__init__.py": "",
    "shop/blocks.py": """
        from torch import nn

        class Block(nn.Module):
            def __init__(self, width=8):
                super().__init__()
                self.conv = nn.Conv2d(width, width, 3, padding=1)

            def forward(self, x):
                return self.conv(x)
    """,
    "shop/nets.py": """
        import torch
        from torch import nn
        from .blocks import Block

        class Net(nn.Module):
            def __init__(self, classes=10):
                super().__init__()
                self.stem = nn.Conv2d(3, 8, 7, 2, 3)
                self.body = nn.Sequential(*[Block() for _ in range(8)])
                self.head = nn.Linear(8, classes)

            def forward(self, x):
                return self.head(self.body(self.stem(x)).mean((2, 3)))

        class Digits(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 4, 3, padding=1)
                self.head = nn.Linear(4 * 28 * 28, 10)

            def forward(self, x):
                return self.head(self.conv(x).flatten(1))

        class Asks(nn.Module):
            def __init__(self, classes, *, width):
                super().__init__()

            def forward(self, x):
                return x

        def pair(x, y):
            return x, y
    """,
    "train.py": """
        from torch import nn
        from shop.nets import Net

        model = Net()
        open("was_imported", "w").close()
    """,
}
BROKEN = """
    import os
    import signal
    import sys
    from torch import nn

    class Loss(nn.Module):
        def forward(self, given, wanted):
            return (given - wanted).abs().mean()

    def raises() -> nn.Module:
        raise ValueError("no such variant")

    def dies() -> nn.Module:
        os.kill(os.getpid(), signal.SIGKILL)

    def leaves() -> nn.Module:
        sys.exit(3)

    def prints() -> nn.Module:
        print("{}")
        return nn.Conv2d(3, 8, 3)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write(folder, NETS)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder


def test_a_project_is_configured_and_then_linted(shop: Path, forked: Forked) -> None:
    ran = rflint("init", "--yes", cwd=shop)
    assert ran.status == 0, ran.err
    text = (shop / "pyproject.toml").read_text()
    assert text.startswith(PYPROJECT + "\n\n[[tool.rflint.models]]\n")
    models = configuration_in(shop / "pyproject.toml").models
    assert [(x.target, x.options.res) for x in models] == [
        ("shop.nets:Net", ((224,),)),
        ("shop.nets:Digits", ((28,),)),
    ]
    assert "set the size that you train with: it also runs at 32, 64" in text
    lines = ran.out.splitlines()
    assert lines[0].split() == ["model", "28", "32", "64", "224", "input"]
    assert lines[1].split() == ["shop.nets:Net", "1", "0", "0", "1×3×224×224"]
    assert lines[2].split() == ["shop.nets:Digits", "0", "-", "-", "-", "1×1×28×28"]
    assert "shop.nets:Asks\n   needs arguments: classes, width" in ran.out
    assert "Block" not in ran.out
    assert not (shop / "was_imported").exists()
    assert "wrote 2 models to pyproject.toml" in ran.err
    linted = forked.rflint(cwd=shop)
    assert linted.status == 0, linted.out + linted.err
    assert "shop.nets:Net" in linted.out
    assert "shop.nets:Digits" in linted.out


def test_what_is_configured_is_not_added_again(shop: Path) -> None:
    write(shop, {"rflint.toml": "[[models]]\ntarget = 'shop/nets.py:Net'  # as a file\n"})
    first = rflint("init", "--yes", "--res", "28", cwd=shop)
    assert first.status == 0, first.err
    text = (shop / "rflint.toml").read_text()
    assert text.count("target = ") == 2
    assert text.endswith('\n[[models]]\ntarget = "shop.nets:Digits"\nres = 28\n')
    assert (shop / "pyproject.toml").read_text() == PYPROJECT
    again = rflint("init", "--yes", cwd=shop)
    assert again.status == 0
    assert "nothing to add: rflint.toml has all" in again.err
    assert (shop / "rflint.toml").read_text() == text


def test_one_broken_candidate_does_not_end_the_run(tmp_path: Path) -> None:
    write(tmp_path, {"zoo.py": BROKEN})
    ran = rflint("init", "zoo.py", "--yes", "--config", "made.toml", cwd=tmp_path)
    assert ran.status == 0, ran.err
    for said in (
        "zoo.py:12: zoo.py:raises raised ValueError: no such variant",
        "its process was ended by SIGKILL",
        "it called sys.exit(3)",
        "Loss.forward() needs 'wanted' too",
    ):
        assert said in " ".join(ran.out.split()), ran.out
    assert [x.target for x in configuration_in(tmp_path / "made.toml").models] == ["zoo.py:prints"]


def test_what_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """It hangs for ever, so that any limit is too short for it; the next one has time again."""
    text = "from torch import nn\ndef hangs() -> nn.Module:\n    while True: pass\n"
    more = "class Net(nn.Sequential): pass\ndef net(): return Net(nn.Conv2d(3, 8, 3))\n"
    write(tmp_path, {"zoo.py": text + more})
    found = {x.target: x for x in Candidates([tmp_path], tmp_path).all()}
    hangs, net = found["zoo.py:hangs"], found["zoo.py:net"]
    with Trials(tmp_path, patience=0) as trials:
        tried = trials.of(hangs, SIZES, ())
        assert tried.reason == "it took longer than 0 seconds (--timeout)"
        trials.limits = ProcessLimits(PATIENCE)
        tried = trials.of(net, SIZES, ())
    assert tried.candidate.target == "zoo.py:net"
    assert tried.running[-1].size == (224,)
    assert added_model(tried, ()).res == 224
    assert added_model(tried, read_resolutions("32")).comment == ""


def test_the_limit_is_the_users(tmp_path: Path) -> None:
    write(tmp_path, {"zoo.py": "from torch import nn\ndef f() -> nn.Module:\n  while 1: ...\n"})
    found = survey([tmp_path], configuration_in(tmp_path / "rflint.toml"), patience=0)
    assert [x.reason for x in found.not_usable] == ["it took longer than 0 seconds (--timeout)"]


def test_candidates_are_tried_with_the_pythonpath_of_the_configuration(shop: Path) -> None:
    """And what is configured by module there is not proposed by file."""
    text = 'pythonpath = ["lib/python"]\n[[models]]\ntarget = "bricks:Wall"\n'
    bricks = """
        from torch import nn

        class Wall(nn.Sequential):
            def __init__(self):
                super().__init__(nn.Conv2d(3, 8, 3))
    """
    write(shop, {"rflint.toml": text, "lib/python/bricks.py": bricks})
    write(shop, {"house.py": "from bricks import Wall\n\ndef house(): return Wall()\n"})
    found = survey([shop], configuration_in(shop / "rflint.toml"), ((32,),), patience=PATIENCE)
    assert [x.target for x in found.configured] == ["lib/python/bricks.py:Wall"]
    assert "house.py:house" in [x.candidate.target for x in found.usable]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.py": "x = 1"}, "no model was found"),
        (
            {"a.py": "from torch import nn\ndef f(x) -> nn.Module: ..."},
            "nothing that was found can be linted as it is",
        ),
    ],
)
def test_nothing_to_lint_is_an_error(
    forked: Forked, tmp_path: Path, files: dict[str, str], says: str
) -> None:
    here = tmp_path / "here"
    write(here, files)
    ran = forked.rflint("init", "--yes", cwd=here)
    assert ran.status == 2
    assert says in ran.err
    assert not (here / "rflint.toml").exists()


def test_where_nobody_can_be_asked_nothing_is_written(shop: Path) -> None:
    ran = rflint("init", "shop/nets.py", "--res", "28", cwd=shop)
    assert ran.status == 2
    assert "Give --yes." in ran.err
    assert (shop / "pyproject.toml").read_text() == PYPROJECT


@pytest.mark.parametrize(("answer", "writes"), [("y", True), ("n", False)])
def test_a_person_is_asked(shop: Path, answer: str, writes: bool) -> None:
    terminal, theirs = pty.openpty()
    running = started("init", "--res", "28", cwd=shop, stdin=theirs, stderr=theirs)
    os.close(theirs)
    said = ""
    while "Write it?" not in said:
        select.select([terminal], [], [])
        said += os.read(terminal, 4096).decode()
    os.write(terminal, f"{answer}\n".encode())
    while True:
        try:
            said += os.read(terminal, 4096).decode()
        except OSError:  # the program has ended
            break
    assert running.wait() == 0, said
    assert 'target = "shop.nets:Digits"' in said
    assert ("nothing was written" in said) is not writes
    assert ((shop / "pyproject.toml").read_text() == PYPROJECT) is not writes


def test_targets_are_listed_without_importing(shop: Path, forked: Forked) -> None:
    ran = forked.rflint("--list-targets", cwd=shop)
    assert ran.status == 0, ran.err
    assert ran.out.split() == [
        "shop.blocks:Block",
        "shop.nets:Net",
        "shop.nets:Digits",
        "shop.nets:Asks",
        "train.py:model",
    ]
    below = forked.rflint("--list-targets", "../shop/nets.py", cwd=shop / "shop")
    assert below.out.split() == ["nets.py:Net", "nets.py:Digits", "nets.py:Asks"]
    src = forked.rflint("--list-targets", "shop", cwd=shop.parent)
    assert "shop/shop/nets.py:Net" in src.out.split()
    installed = forked.rflint("--list-targets", "shop", cwd=shop.parent, PYTHONPATH=str(shop))
    assert "shop.nets:Net" in installed.out.split()
    wrong = forked.rflint("--list-targets", "nots.py", cwd=shop)
    assert (wrong.status, wrong.out) == (2, "")
    assert "there is no file or folder nots.py" in wrong.err


def test_what_cannot_be_read_is_told_and_losses_are_no_models(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "broken.py": "def build(:\n",
            "net.py": """
                from torch import nn

                class FocalLoss(nn.Module):
                    def forward(self, x, target):
                        return (x - target).mean()

                class Weighted(nn.BCELoss):
                    pass

                criterion = nn.BCELoss()
                focal = FocalLoss()

                class Net(nn.Sequential):
                    def __init__(self):
                        super().__init__(nn.Conv2d(3, 8, 3))
            """,
        },
    )
    ran = rflint("init", "--yes", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert "broken.py\n   It cannot be read: broken.py:1: invalid syntax" in ran.out
    assert [x.target for x in Candidates([tmp_path], tmp_path).all()] == ["net.py:Net"]


VOLUMES = {
    "volumes.py": """
        from torch import nn

        class Fixed(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv3d(1, 4, 3, padding=1)

            def forward(self, x):
                assert x.shape[2] == 7, "seven slices"
                return self.conv(x)

        class Asks(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv3d(1, 4, 3, padding=1)

            def forward(self, x, t):
                return self.conv(x) + t
    """
}


def test_the_reason_of_volumes_is_the_models_own_and_says_what_to_give(tmp_path: Path) -> None:
    write(tmp_path, VOLUMES)
    ran = rflint("init", "--yes", cwd=tmp_path)
    said = " ".join(ran.out.split())
    assert "too large to be meant" not in said
    assert "seven slices" in said
    assert "--input x=1x1x32x32x32 --input t=500:int64" in said
