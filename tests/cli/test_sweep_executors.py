"""`rflint sweep --executor`: whoever lints, and whoever is lost meanwhile, each model once."""

from __future__ import annotations

import json
import signal
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.hostile import GOOD, HOSTILE
from tests.helpers.program import installed_rflint, started, wait_until, write
from tests.helpers.ran import plain_environment

DASK = Path(sysconfig.get_path("scripts"), "dask")
SPACE = """
    from torch import nn

    def net(depth):
        return nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(depth)))

    def candidates():
        for depth in range(1, 41):
            yield f"depth {depth}", net, (depth,)
"""
NAMES = {f"space.py:candidates[depth {depth}]" for depth in range(1, 41)}
FACTORIES = """
    import os, signal
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from pathlib import Path

    def threads():
        return ThreadPoolExecutor(2)

    def loky():
        from loky import get_reusable_executor
        return get_reusable_executor(2)

    def killed_once():
        return ProcessPoolExecutor(1, initializer=die_once)

    def always_killed():
        return ProcessPoolExecutor(1, initializer=die_later)

    def die_once():
        if not Path("died").exists():
            Path("died").touch()
            die_later()

    def die_later():
        import threading
        from rflint.usecases.sweep import batch

        def dies(*args):
            os.kill(os.getpid(), signal.SIGKILL)

        batch.orders_of = dies

    def none():
        return 17
"""


@contextmanager
def cluster(
    folder: Path, *, workers: int = 2
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its workers' processes, in which no nanny restarts them."""
    file = folder / "scheduler.json"
    options = {
        "cwd": folder,
        "env": plain_environment(),
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    common = ("--scheduler-file", str(file), "--no-dashboard")
    scheduler = subprocess.Popen([DASK, "scheduler", "--port", "0", *common], **options)
    wait_until(lambda: file.exists() and file.stat().st_size > 0)
    single = ("--no-nanny", "--nthreads", "1", "--local-directory", str(folder / "dask"))
    started_workers = [
        subprocess.Popen([DASK, "worker", *single, *common], **options) for _ in range(workers)
    ]
    try:
        yield json.loads(file.read_text())["address"], started_workers
    finally:
        for process in (*started_workers, scheduler):
            process.kill()
            process.wait()


def names_in(text: str) -> Counter[str]:
    return Counter(json.loads(line)["target"] for line in text.splitlines())


def test_dask_reports_each_model_once_also_when_a_worker_is_killed(tmp_path: Path) -> None:
    write(tmp_path, {"space.py": SPACE})
    file = tmp_path / "found.jsonl"
    with cluster(tmp_path) as (address, workers):
        options = ("--res", "16", "--omit", "repairs", "--output", str(file))
        sweep = ("sweep", "space.py:candidates", "--executor", f"dask:{address}")
        running = started(*sweep, *options, cwd=tmp_path)
        wait_until(
            lambda: running.poll() is not None or (file.exists() and file.stat().st_size > 0)
        )
        workers[0].send_signal(signal.SIGKILL)
        said, _ = running.communicate()
    assert running.returncode in (0, 1), said
    assert names_in(file.read_text()) == Counter(NAMES)


def test_hostile_builders_on_dask_cost_their_own_line(tmp_path: Path) -> None:
    write(tmp_path, {"good.py": GOOD, "last.py": GOOD})
    write(tmp_path, {f"{name}.py": hostile.code for name, hostile in HOSTILE.items()})
    targets = [f"{name}.py:build" for name in HOSTILE]
    limits = ("--timeout", "20", "--memory", "1G", "--res", "32", "--quiet")
    with cluster(tmp_path) as (address, _):
        sweep = ("sweep", "good.py:build", *targets, "last.py:build")
        done = installed_rflint(*sweep, *limits, "--executor", f"dask:{address}", cwd=tmp_path)
    found = {x["target"]: x.get("kind") for x in map(json.loads, done.out.splitlines())}
    assert found == {
        "good.py:build": None,
        "last.py:build": None,
        **{f"{name}.py:build": x.kind for name, x in HOSTILE.items()},
    }
    assert done.status == 2


@pytest.mark.parametrize("factory", ["threads", "loky", "killed_once"])
def test_any_executor_does(tmp_path: Path, factory: str) -> None:
    write(tmp_path, {"space.py": SPACE, "factories.py": FACTORIES})
    options = ("--res", "16", "--omit", "repairs", "--quiet")
    executor = ("--executor", f"factories.py:{factory}", "--jobs", "3")
    done = installed_rflint("sweep", "space.py:candidates", *options, *executor, cwd=tmp_path)
    assert names_in(done.out) == Counter(NAMES), done.err
    assert done.status in (0, 1)


def test_a_worker_that_is_always_lost_is_the_models_error(tmp_path: Path) -> None:
    write(tmp_path, {"space.py": SPACE, "factories.py": FACTORIES})
    executor = ("--executor", "factories.py:always_killed")
    done = installed_rflint("sweep", "space.py:net", *executor, "--quiet", cwd=tmp_path)
    (line,) = map(json.loads, done.out.splitlines())
    assert line["kind"] == "crash"
    assert line["message"].startswith("the worker that linted it was lost twice")
    assert done.status == 2


def test_code_is_sent_to_workers_that_lack_it(tmp_path: Path) -> None:
    """They have other folders to look in than who started the sweep."""
    here, there = tmp_path / "here", tmp_path / "there"
    build = "from nets.parts import net\n\ndef build():\n    return net(3)\n"
    files = {"nets/__init__.py": "", "nets/parts.py": SPACE, "nets/net.py": build}
    write(here / "elsewhere", files)
    there.mkdir()
    with cluster(there, workers=1) as (address, _):
        executor = ("--quiet", "--executor", f"dask:{address}")
        sweep = ("sweep", "nets.net:build", "--res", "16", *executor)
        path = str(here / "elsewhere")
        lacking = installed_rflint(*sweep, cwd=here, PYTHONPATH=path)
        own = installed_rflint(*sweep, "--upload", "nets", cwd=here / "elsewhere")
    (line,) = map(json.loads, lacking.out.splitlines())
    assert line["kind"] == "import"
    assert "lacks it: install it there, or give it by --upload" in line["message"]
    assert names_in(own.out) == Counter(["nets.net:build"])
    assert own.status in (0, 1), own.out


@pytest.mark.parametrize(
    ("executor", "said"),
    [
        (
            "factories.py:none",
            "factories.py:none gives a int, which is no concurrent.futures.Executor",
        ),
        ("factories.py:nothing", "has no attribute 'nothing'"),
        ("dask:tcp://127.0.0.1:9", "no dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_what_is_no_executor_is_refused(tmp_path: Path, executor: str, said: str) -> None:
    write(tmp_path, {"space.py": SPACE, "factories.py": FACTORIES})
    done = installed_rflint("sweep", "space.py:candidates", "--executor", executor, cwd=tmp_path)
    assert said in done.err
    assert done.status == 2
