"""`rflint diff main..`: another revision is what is analysed, and nothing of it is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.program import Ran, plain_environment, rflint, started, write
from tests.helpers.repository import Repository
from tests.helpers.small_project import SOUND, WIDE, model

RES = ("--res", "16")
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two commits of a model in src/, which imports a module that has changed."""
    found = Repository(tmp_path / "my repository")
    found.run("git", "symbolic-ref", "HEAD", "refs/heads/main")
    write(
        found.path,
        {
            "pyproject.toml": '[project]\nname = "nets"\n',
            "src/nets/__init__.py": "",
            "src/nets/net.py": "from nets.parts import build\n",
            "src/nets/parts.py": model(SOUND),
        },
    )
    found.commit()
    write(found.path, {"src/nets/parts.py": model(WIDE)})
    found.commit()
    return found


def diff(repository: Repository, *arguments: str, folder: str = "", **environment: str) -> Ran:
    where = repository.path / folder
    return rflint("diff", *arguments, cwd=where, **{**ALONE, **environment})


def compared(repository: Repository, *arguments: str, **given: str) -> Any:
    ran = diff(repository, *arguments, *RES, "--format", "json", **given)
    assert ran.status in (0, 1), ran.err
    return json.loads(ran.out)


def kernels(document: Any) -> list[tuple[int, int]]:
    """Of the layers whose kernel differs, before and after."""
    changed = document["layers"]["changed"]
    both = ((x["before"]["kernel"], x["after"]["kernel"]) for x in changed)
    return [(old[0], new[0]) for old, new in both if old != new]


def assert_nothing_left(repository: Repository, tmp: Path) -> None:
    listed = repository.run("git", "worktree", "list").strip().splitlines()
    assert len(listed) == 1, listed
    assert list(tmp.glob("rflint-diff-*")) == []
    assert not (repository.path / ".git" / "worktrees").exists()


@pytest.fixture
def tmp(tmp_path: Path) -> Path:
    """Where temporary files of a run go."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


def test_the_old_code_is_what_is_imported(repository: Repository, tmp: Path) -> None:
    found = compared(repository, "HEAD~1..", "nets.net:build", TMPDIR=str(tmp))
    assert kernels(found) == [(3, 7)]
    assert found["sides"]["after"] == "the working tree"
    assert_nothing_left(repository, tmp)


def test_what_is_not_committed_is_compared_and_stays(repository: Repository, tmp: Path) -> None:
    write(repository.path, {"src/nets/parts.py": model(SOUND, SOUND), "notes.txt": "mine"})
    repository.run("git", "add", "notes.txt")
    before = repository.run("git", "status", "--porcelain"), repository.run("git", "diff")
    assert kernels(compared(repository, "main..", "nets.net:build", TMPDIR=str(tmp)))
    assert before == (repository.run("git", "status", "--porcelain"), repository.run("git", "diff"))
    assert_nothing_left(repository, tmp)


@pytest.mark.parametrize(
    ("revisions", "expected"), [("main..HEAD~1", [(7, 3)]), ("main...side", [(3, 5)])]
)
def test_two_revisions_are_compared(
    repository: Repository, tmp: Path, revisions: str, expected: list[tuple[int, int]]
) -> None:
    """With three dots, from where they parted."""
    repository.run("git", "checkout", "-q", "-b", "side", "HEAD~1")
    five = SOUND.replace("3, padding=1", "5, padding=2")
    write(repository.path, {"src/nets/parts.py": model(five)})
    repository.commit()
    repository.run("git", "checkout", "-q", "main")
    found = compared(repository, revisions, "nets.net:build", TMPDIR=str(tmp))
    assert kernels(found) == expected
    assert_nothing_left(repository, tmp)


def test_files_are_named_as_in_the_repository(repository: Repository, tmp: Path) -> None:
    """Below the current folder relative to it, and elsewhere as absolute paths, as lint does."""
    write(repository.path, {"src/nets/parts.py": model(WIDE, WIDE, SOUND), "here/x.txt": ""})
    repository.commit()
    write(repository.path, {"src/nets/parts.py": model(SOUND)})
    for folder, path in (
        ("src/nets", "parts.py"),
        ("here", f"{repository.path}/src/nets/parts.py"),
    ):
        found = compared(repository, "main..", "nets.net:build", folder=folder, TMPDIR=str(tmp))
        assert {x["source"]["path"] for x in found["findings"]["gone"]} == {path}
        assert str(tmp) not in json.dumps(found)


def test_an_editable_installation_does_not_stand_in_for_the_old_code(
    repository: Repository, tmp: Path
) -> None:
    """On PYTHONPATH, as `pip install -e` puts it on the search path."""
    found = compared(
        repository,
        "HEAD~1..",
        "nets.net:build",
        TMPDIR=str(tmp),
        PYTHONPATH=str(repository.path / "src"),
    )
    assert kernels(found) == [(3, 7)]


def test_a_module_that_is_only_in_the_working_tree_is_missing_before(
    repository: Repository, tmp: Path
) -> None:
    """And not taken from the working tree, though that is on the search path."""
    write(repository.path, {"src/fresh/__init__.py": model(WIDE)})
    repository.commit()
    path = str(repository.path / "src")
    ran = diff(repository, "HEAD~1..", "fresh:build", *RES, TMPDIR=str(tmp), PYTHONPATH=path)
    assert ran.status == 2
    assert "HEAD~1" in ran.err
    assert "fresh" in ran.err
    assert_nothing_left(repository, tmp)


def test_configured_models_are_compared_by_name(repository: Repository, tmp: Path) -> None:
    write(
        repository.path,
        {"rflint.toml": '[[models]]\nname = "mine"\ntarget = "nets.net:build"\nres = [16, 32]\n'},
    )
    ran = diff(repository, "HEAD~1..", "--format", "json", TMPDIR=str(tmp))
    document = json.loads(ran.out)
    assert document["before"]["name"] == "mine"
    assert [x["after"]["resolution"] for x in document["further"]] == [[32, 32]]
    named = diff(repository, "HEAD~1..", "mine", "--format", "json", TMPDIR=str(tmp))
    assert json.loads(named.out)["layers"] == document["layers"]


def test_a_model_that_was_configured_since_is_new(repository: Repository, tmp: Path) -> None:
    """And no failure of the earlier side, which does not have it."""
    first = '[[models]]\ntarget = "nets.net:build"\nres = 16\n'
    write(repository.path, {"rflint.toml": first})
    repository.commit()
    second = first + '[[models]]\ntarget = "nets.fresh:build"\nres = 16\n'
    write(repository.path, {"rflint.toml": second, "src/nets/fresh.py": model(SOUND)})
    ran = diff(repository, "main..", "--format", "json", "--format", "text:x", TMPDIR=str(tmp))
    assert (ran.status, ran.err) == (0, "")
    (fresh,) = json.loads(ran.out)["further"]
    assert fresh["before"] is None
    assert "0.0" in fresh["layers"]["added"]
    assert "This model is new." in (repository.path / "x").read_text()


def test_options_of_the_later_side_hold_for_both(repository: Repository, tmp: Path) -> None:
    """Else a difference could be one of configurations."""
    write(repository.path, {"rflint.toml": 'res = 16\npythonpath = ["src"]\nignore = ["RF1"]\n'})
    found = diff(repository, "HEAD~1..", "nets.net:build", "--format", "json", TMPDIR=str(tmp))
    document = json.loads(found.out)
    assert document["before"]["resolution"] == [16, 16]
    assert not document["findings"]["kept"]


def test_a_model_that_fails_before_is_told_with_its_side(repository: Repository, tmp: Path) -> None:
    write(repository.path, {"src/nets/parts.py": "def build():\n    return 1 / 0\n"})
    repository.commit()
    write(repository.path, {"src/nets/parts.py": model(SOUND)})
    ran = diff(repository, "main..", "nets.net:build", *RES, TMPDIR=str(tmp))
    assert ran.status == 2
    assert "main (" in ran.err
    assert "ZeroDivisionError" in ran.err
    assert "src/nets/parts.py:2" in ran.err
    assert "Not compared" in ran.out
    assert_nothing_left(repository, tmp)


def test_a_revision_that_does_not_exist_is_one_message(repository: Repository, tmp: Path) -> None:
    ran = diff(repository, "mian..", "nets.net:build", *RES, TMPDIR=str(tmp))
    assert ran.status == 2
    assert ran.out == ""
    assert "no revision 'mian'" in ran.err
    assert "Did you mean main?" in ran.err
    assert_nothing_left(repository, tmp)


@pytest.mark.parametrize("revision", ["--help", "-x", "HEAD^{tree}", "HEAD:src", "''", "a b"])
def test_no_revision_is_an_option_of_git(repository: Repository, tmp: Path, revision: str) -> None:
    ran = diff(repository, "--", f"{revision}..", "nets.net:build", TMPDIR=str(tmp))
    assert ran.status == 2
    assert "no revision" in ran.err
    assert_nothing_left(repository, tmp)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("main", "nets.net:build"), "main.. nets.net:build"),
        (("main", "HEAD~1"), "main..HEAD~1"),
    ],
)
def test_a_revision_without_its_dots_is_told_with_them(
    repository: Repository, words: tuple[str, ...], meant: str
) -> None:
    ran = diff(repository, *words, *RES)
    assert ran.status == 2
    assert f"Did you mean {meant.split()[0]}? rflint diff {meant}" in ran.err


def test_a_file_outside_of_the_repository_has_no_revisions(repository: Repository) -> None:
    write(repository.path.parent, {"elsewhere.py": model(SOUND)})
    ran = diff(repository, "main..", "../elsewhere.py:build", *RES)
    assert ran.status == 2
    assert "../elsewhere.py lies outside of the repository" in ran.err
    assert "was called something else" not in ran.err


def test_a_shallow_clone_is_told_to_fetch(repository: Repository, tmp_path: Path) -> None:
    repository.run("git", "clone", "-q", "--depth=1", f"file://{repository.path}", "../shallow")
    ran = rflint("diff", "HEAD~1..", "nets.net:build", cwd=tmp_path / "shallow", **ALONE)
    assert ran.status == 2
    assert "git fetch --unshallow" in ran.err


def test_without_a_repository_there_are_no_revisions(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": model(SOUND)})
    ran = rflint("diff", "main..", "net.py:build", cwd=tmp_path, **ALONE)
    assert ran.status == 2
    assert "no git repository" in ran.err


def test_without_git_there_are_no_revisions(repository: Repository) -> None:
    ran = diff(repository, "main..", "nets.net:build", PATH=str(repository.path))
    assert ran.status == 2
    assert "git is not installed" in ran.err


def test_hooks_do_not_run_and_their_index_is_not_touched(repository: Repository, tmp: Path) -> None:
    """A hook before a commit has git's variables in its environment."""
    hook = repository.path / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{tmp}/ran'\n")
    hook.chmod(0o755)
    git = repository.path / ".git"
    write(repository.path, {"new.txt": "new"})
    repository.run("git", "add", "new.txt")
    found = compared(
        repository,
        "HEAD~1..",
        "nets.net:build",
        TMPDIR=str(tmp),
        GIT_DIR=str(git),
        GIT_INDEX_FILE=str(git / "index"),
    )
    assert kernels(found) == [(3, 7)]
    assert repository.run("git", "status", "--porcelain") == "A  new.txt\n"
    assert not (tmp / "ran").exists()


WAITS = """
import os, time
from nets.parts import build as sound

def build():
    if os.environ.get("WAITS") and "rflint-diff-" in __file__:
        with open(os.environ["WAITS"], "w") as pipe:
            pipe.write("here")
        time.sleep(600)
    return sound()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_when_it_is_interrupted(
    repository: Repository, tmp: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the old side is being built: it says so through a pipe."""
    write(repository.path, {"src/nets/net.py": WAITS})
    repository.commit()
    pipe = tmp / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setenv("WAITS", str(pipe))
    monkeypatch.setenv("TMPDIR", str(tmp))
    running = started(
        "diff", "main..", "nets.net:build", *RES, cwd=repository.path, stdout=subprocess.PIPE
    )
    assert pipe.read_text() == "here"
    running.send_signal(number)
    out, _ = running.communicate()
    assert running.returncode == 128 + number, out
    assert "Traceback" not in out
    assert_nothing_left(repository, tmp)
    assert str(tmp) not in _processes(), "and no process goes on there"


def _processes() -> str:
    """The command lines and folders of all processes, where the machine tells."""
    found = []
    for folder in Path("/proc").glob("[0-9]*/cwd"):
        try:
            found.append(str(folder.readlink()))
        except OSError:
            continue
    return "\n".join(found)


def test_the_environment_of_a_test_has_no_git_variables() -> None:
    assert "GIT_DIR" not in plain_environment()
