"""The cache keeps answers for several states of a project, within bounds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rflint._version import __version__
from rflint.cache import bounds
from rflint.cache.dependencies import CurrentState, Dependencies
from rflint.cache.store import Store
from tests.helpers.aged_files import aged
from tests.helpers.forked import Forked
from tests.helpers.program import Ran, plain_environment

MODEL = """
    from torch import nn
    from width import WIDTH

    def build():
        return nn.Conv2d(3, WIDTH, 3)
"""
LINT = ("model:build", "--res", "8")


class Repository:
    """A git repository, in which some time passes between one command and the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(MODEL, "WIDTH = 4\n")

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)
        self.age()

    def commit(self, model: str, width: str) -> None:
        aged(self.folder, {"model.py": model, "width.py": width})
        self.git("add", "model.py", "width.py")
        self.git("commit", "--quiet", "-m", "a change")

    def age(self) -> None:
        names = [path.name for path in self.folder.glob("*.py")]
        aged(self.folder, {name: (self.folder / name).read_text() for name in names})


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def answered(ran: Ran) -> bool:
    """Of a run with --verbose: whether the cache had the answer."""
    return "answered by the cache" in ran.err


def records(folder: Path) -> list[Path]:
    return sorted(folder.glob(".rflint_cache/*/*/*.record"))


def test_who_comes_back_to_a_branch_gets_its_answer(forked: Forked, repository: Repository) -> None:
    def run(*options: str) -> Ran:
        return forked.rflint(*LINT, "-v", *options, cwd=repository.folder)

    repository.git("switch", "--quiet", "-c", "feature")
    repository.commit(MODEL, "WIDTH = 6\n")
    widths = {}
    for branch, is_known in (
        ("main", False),
        ("feature", False),
        ("main", True),
        ("feature", True),
        ("main", True),
    ):
        repository.git("switch", "--quiet", branch)
        ran = run()
        assert answered(ran) == is_known, ran.err
        assert ran.out == run("--no-cache").out
        widths[branch] = ran.out
    assert widths["main"] != widths["feature"]


def test_what_no_state_has_is_linted_anew_and_the_nearest_says_why(
    forked: Forked, repository: Repository
) -> None:
    def run() -> Ran:
        return forked.rflint(*LINT, "-v", cwd=repository.folder)

    run()
    aged(repository.folder, {"width.py": "WIDTH = 5\n"})
    assert "linted anew: width.py has changed" in run().err
    # one file differs from the first state, and two from the second
    changed = f"{MODEL}\n    LATER = 1\n"
    aged(repository.folder, {"width.py": "WIDTH = 4\n", "model.py": changed})
    assert "linted anew: model.py has changed" in run().err


def test_the_files_of_a_model_are_those_of_the_state_that_is_there(
    forked: Forked, repository: Repository
) -> None:
    """As far as only running it tells: here, a file that it reads."""
    reads = """
        import importlib
        from pathlib import Path
        from torch import nn

        def build():
            return nn.Conv2d(3, int(Path({name!r}).read_text()), 3)
    """
    aged(repository.folder, {"one.txt": "4", "two.txt": "4"})

    def listed() -> set[str]:
        ran = forked.rflint(*LINT, "--show-files", cwd=repository.folder)
        return {name for name in ("one.txt", "two.txt") if name in ran.out}

    for name in ("one.txt", "two.txt"):
        aged(repository.folder, {"model.py": reads.format(name=name)})
        forked.rflint(*LINT, cwd=repository.folder)
        assert listed() == {name}
    aged(repository.folder, {"model.py": reads.format(name="one.txt")})
    assert listed() == {"one.txt"}


def test_clean_removes_all_states(forked: Forked, repository: Repository) -> None:
    for width in (4, 5, 6):
        aged(repository.folder, {"width.py": f"WIDTH = {width}\n"})
        forked.rflint(*LINT, cwd=repository.folder)
    assert len(records(repository.folder)) == 6, "three answers, and three lists of files"
    forked.rflint("clean", cwd=repository.folder)
    assert not (repository.folder / ".rflint_cache").exists()


# -- bounds

KEY = "ab" + 62 * "0"


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems may give the same time to files that are written at once."""
    passed = iter(range(10**6))
    used = os.utime

    def utime(path: str | Path, *_: object) -> None:
        moment = time.time_ns() - 10**12 + next(passed) * 10**6
        used(path, ns=(moment, moment))

    monkeypatch.setattr(os, "utime", utime)


def save(store: Store, state: str, key: str = KEY, size: int = 0) -> None:
    store.save(key, Dependencies(files=(("file", state), ("filler", size * "x"))), None)
    for record in store.load(key):
        if record.dependencies.files[0][1] == state:
            record.used()


def states(store: Store, key: str = KEY) -> list[str]:
    return [record.dependencies.files[0][1] for record in store.load(key)]


@pytest.mark.usefixtures("moments")
def test_of_the_states_of_a_model_those_go_that_were_not_used_for_longest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_OF_A_KEY", 3)
    store = Store(tmp_path)
    for state in "abc":
        save(store, state)
    next(record for record in store.load(KEY) if record.dependencies.files[0][1] == "a").used()
    save(store, "d")
    assert states(store) == ["d", "a", "c"]


@pytest.mark.usefixtures("moments")
def test_the_whole_folder_stays_within_its_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "LARGEST", 50_000)
    monkeypatch.setattr(bounds, "_PAUSE", -1)
    store = Store(tmp_path)
    keys = [f"{number:02x}{62 * '0'}" for number in range(20)]
    for key in keys:
        save(store, "a", key, size=10_000)
        assert sum(path.stat().st_size for path in records(tmp_path)) <= 50_000
    kept = [key for key in keys if states(store, key)]
    assert kept == keys[-4:], "the latest"


def test_what_another_version_has_kept_goes_unless_it_is_in_use(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    long_ago = time.time() - 2 * 24 * 3600
    for version, moment in (("0.0.1", long_ago), ("0.0.2", time.time())):
        for name in ("ab/cd.record", "ef.record"):
            path = store.folder / version / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
            os.utime(path, (moment, moment))
    save(store, "a")
    folders = {path.name for path in store.folder.iterdir() if path.is_dir()}
    assert folders == {"0.0.2", __version__}


def test_what_a_run_left_half_written_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    save(store, "a")
    half = records(tmp_path)[0].with_name(".half.1.partial")
    half.write_text("")
    os.utime(half, (0, 0))
    (store.folder / "looked-over").unlink()
    save(store, "a")
    assert not half.exists()
    assert states(store) == ["a"]


SAVING = """
import sys
from pathlib import Path
from rflint.cache.dependencies import Dependencies
from rflint.cache.store import Store

store = Store(Path(sys.argv[1]))
for number in range(40):
    store.save(sys.argv[2], Dependencies(files=(("file", f"{sys.argv[3]} {number % 5}"),)), None)
    assert list(store.load(sys.argv[2])), "it is always there"
assert not store.problem, store.problem
"""


def test_processes_that_save_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    def saves(name: str) -> None:
        command = [sys.executable, "-c", SAVING, str(tmp_path), KEY, name]
        subprocess.run(command, check=True, env=plain_environment())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(saves, "wxyz"))
    found = sorted(states(Store(tmp_path)))
    assert found == [f"{name} {number}" for name in "wxyz" for number in range(5)]


def test_states_are_compared_without_reading_a_file_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many records ask for it."""
    read: list[str] = []
    monkeypatch.setattr(
        "rflint.cache.dependencies.content_fingerprint", lambda path: read.append(path) or "now"
    )
    store, state = Store(tmp_path), CurrentState({})
    for name in "abc":
        save(store, name)
    assert not any(record.dependencies.hold(state) for record in store.load(KEY))
    assert read == ["file"]
