"""Answers of earlier runs: the same as without a cache, whatever has changed meanwhile."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

import rflint as package
from tests.helpers.aged_files import _moments, aged
from tests.helpers.forked import Forked
from tests.helpers.program import Ran, installed_rflint, plain_environment, write
from tests.helpers.program import rflint as program

MODEL = """
    from torch import nn

    def build():
        return nn.Sequential(
            nn.Conv2d(3, 8, 7, padding=3),
            nn.Conv2d(8, 8, 7, padding=3),
            nn.Conv2d(8, 8, 7, padding=3),
        )
"""
LINT = ("model:build", "--res", "8")


def records(folder: Path) -> list[Path]:
    return sorted(folder.glob(".rflint_cache/*/*/*.record"))


def is_answered(ran: Ran) -> bool:
    """Of a run with --verbose: whether the cache had everything."""
    return "answered by the cache" in ran.err


# -- a hit


def test_a_hit_prints_the_full_report_without_torch(tmp_path: Path) -> None:
    aged(tmp_path, {"model.py": MODEL})
    watching = (
        "import sys; from rflint.cli import main\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules, file=sys.stderr)"
    )
    runs = [
        program(*LINT, "--format", form, cwd=tmp_path, program=(sys.executable, "-c", watching))
        for form in ("text", "text", "json", "sarif")
    ]
    assert [ran.err.strip() for ran in runs] == ["True", "False", "False", "False"]
    assert runs[0].status == 1
    assert (runs[1].status, runs[1].out) == (runs[0].status, runs[0].out)
    assert runs[2].report["models"][0]["layers"][0]["name"] == "0"


def test_cache_is_kept_out_of_version_control_and_cleaned(forked: Forked, tmp_path: Path) -> None:
    aged(tmp_path, {"model.py": MODEL})
    forked.rflint(*LINT, cwd=tmp_path)
    assert len(records(tmp_path)) == 2, "the answer, and the files that it is made of"
    assert (tmp_path / ".rflint_cache/.gitignore").read_text() == "*\n"

    cleaned = forked.rflint("clean", cwd=tmp_path)
    assert cleaned == Ran(0, "", "rflint: removed .rflint_cache\n")
    assert not (tmp_path / ".rflint_cache").exists()
    assert forked.rflint("clean", cwd=tmp_path).err == "rflint: there is no .rflint_cache\n"


def test_nothing_is_kept_where_nobody_wants_it(forked: Forked, tmp_path: Path) -> None:
    """Nor of live objects: nobody knows what they are made of."""
    aged(tmp_path, {"model.py": MODEL})
    forked.rflint(*LINT, "--no-cache", cwd=tmp_path)
    (tmp_path / "rflint.toml").write_text("cache = false\n")
    forked.rflint(*LINT, cwd=tmp_path)
    subprocess.run(
        [sys.executable, "-c", "import rflint, model; rflint.lint(model.build(), res=8)"],
        cwd=tmp_path,
        env=plain_environment(),
        check=True,
    )
    assert not (tmp_path / ".rflint_cache").exists()


# -- never a stale answer

PROJECT = {
    "model.py": """
        import json, os
        from pathlib import Path
        from torch import nn
        import fakelib
        from helper import DEPTH
        try:
            from extras import MORE
        except ImportError:
            MORE = 0

        HERE = Path(__file__).parent

        def build(width=8):
            kernel = json.loads((HERE / "model.json").read_text())["kernel"]
            depth = DEPTH + MORE + int(os.environ.get("DEPTH", "0")) + fakelib.DEPTH
            depth += len(os.listdir(HERE / "blocks")) + (HERE / "deeper").exists()
            layers = [nn.Conv2d(3, width, kernel, padding=kernel // 2)]
            layers += [nn.Conv2d(width, width, 3, padding=1) for _ in range(depth)]
            return nn.Sequential(*layers)
    """,
    "helper.py": "DEPTH = 1\n",
    "model.json": '{"kernel": 3}',
    "blocks/one.txt": "",
    "rules/acme001_wide.py": """
        '''A wide layer.'''
        from rflint.linting.finding import Severity
        from rflint.linting.rule import Rule
        from wide import MOST
        def check(analysis, settings):
            for layer in analysis.layers:
                if layer.layer.out_shape[1] > MOST:
                    yield RULE.finding(layer, f"wider than {MOST}")
        RULE = Rule("ACME001", "wide", Severity.INFO, check=check, fails=[], passes=[])
    """,
    "wide.py": "MOST = 8\n",
    "rflint.toml": """
        rules = ["rules"]
        [[models]]
        target = "model:build"
        res = 8
    """,
    "site-packages/fakelib.py": "DEPTH = 1\n",
    "site-packages/fakelib-1.dist-info/METADATA": "Name: fakelib\nVersion: 1\n",
}


class Project:
    """A project under edits, each made some time after the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"PYTHONPATH": f"{folder / 'site-packages'}{os.pathsep}{folder}"}
        self.version = 1
        aged(folder, PROJECT)

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        aged(self.folder, {name: text.replace(old, new)})

    def install(self, depth: int) -> None:
        """Another version of a distribution."""
        site = self.folder / "site-packages"
        (site / f"fakelib-{self.version}.dist-info").rename(
            site / f"fakelib-{self.version + 1}.dist-info"
        )
        self.version += 1
        aged(site, {"fakelib.py": f"DEPTH = {depth}\n"})

    def toggle(self, name: str, text: str = "") -> None:
        path = self.folder / name
        if path.exists():
            path.unlink()
        else:
            aged(self.folder, {name: text})

    def set(self, name: str, value: str) -> None:
        self.environment[name] = value


EDITS: dict[str, Callable[[Project, int], None]] = {
    "source": lambda p, n: p.replace("model.py", "width=8", f"width={8 + n}"),
    "source back": lambda p, n: aged(p.folder, {"model.py": PROJECT["model.py"]}),
    "suppression": lambda p, n: p.replace(
        "model.py", "range(depth)]", "range(depth)]  # rflint: ignore[RF101] so be it"
    ),
    "imported helper": lambda p, n: aged(p.folder, {"helper.py": f"DEPTH = {n}\n"}),
    "data": lambda p, n: aged(p.folder, {"model.json": f'{{"kernel": {2 * n + 1}}}'}),
    "environment": lambda p, n: p.set("DEPTH", str(n)),
    "folder": lambda p, n: p.toggle(f"blocks/{n}.txt"),
    "existence": lambda p, n: p.toggle("deeper"),
    "optional import": lambda p, n: p.toggle("extras.py", "MORE = 1\n"),
    "shadowing": lambda p, n: p.toggle("helper/__init__.py", f"DEPTH = {n}\n"),
    "configuration": lambda p, n: p.replace("rflint.toml", "res = 8", f"res = {8 + n}"),
    "limit": lambda p, n: (
        p.replace("rflint.toml", "[[models]]", f"max-macs = {10**n}\n[[models]]")
        if "max" not in (p.folder / "rflint.toml").read_text()
        else None
    ),
    "rule": lambda p, n: p.replace("rules/acme001_wide.py", "wider than", f"wider, {n}, than"),
    "what a rule imports": lambda p, n: aged(p.folder, {"wide.py": f"MOST = {4 + 2 * n}\n"}),
    "installed version": lambda p, n: p.install(n),
    "touched": lambda p, n: p.replace("helper.py", "", ""),
    "broken": lambda p, n: aged(p.folder, {"helper.py": "DEPTH = 1 +\n"}),
    "nothing": lambda p, n: None,
}


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.integers(0, 3)), min_size=3, max_size=7)
)
def test_the_cache_always_says_what_a_run_without_it_says(
    forked: Forked, edits: list[tuple[str, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "project").mkdir()
        project = Project(Path(folder) / "project")
        for kind, number in [("nothing", 0), *edits]:
            EDITS[kind](project, number)
            cached, anew = (
                forked.rflint(
                    "--format", "json", *options, cwd=project.folder, **project.environment
                )
                for options in ((), ("--no-cache",))
            )
            assert cached == anew, kind


@pytest.mark.parametrize("kind", sorted(EDITS))
def test_an_edit_is_noticed_and_nothing_else_is(forked: Forked, tmp_path: Path, kind: str) -> None:
    """Every edit of the test above changes the answer or is rightly held for none."""
    project = Project(tmp_path)

    def run(*options: str) -> Ran:
        return forked.rflint("-v", *options, cwd=tmp_path, **project.environment)

    first = run()
    assert not is_answered(first)
    assert is_answered(run())
    EDITS[kind](project, 3)
    again = run()
    assert again.out == run("--no-cache").out
    # limits are held against the analysis anew in every run
    the_same = ("touched", "nothing", "source back", "limit")
    assert is_answered(again) == (kind in the_same), again.err


READERS = {
    "pkgutil": ("pkgutil", "len(pkgutil.get_data('package', 'data'))"),
    "importlib.resources": (
        "importlib.resources",
        "len((importlib.resources.files('package') / 'data').read_bytes())",
    ),
    "numpy": ("numpy", "len(numpy.fromfile('package/data', dtype='uint8'))"),
    "open, by its descriptor": ("os", "len(os.read(os.open('package/data', os.O_RDONLY), 100))"),
    "its size": ("os", "os.path.getsize('package/data')"),
    "torch.jit": ("torch", "int(torch.jit.load('package/scripted.pt').weight.shape[0])"),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("reader", READERS)
def test_a_file_is_tracked_however_it_is_read(forked: Forked, tmp_path: Path, reader: str) -> None:
    def script(width: int) -> None:
        scripted = torch.jit.script(nn.Conv2d(3, width, 3))
        torch.jit.save(scripted, str(tmp_path / "package/scripted.pt"))
        aged(tmp_path, {"package/data": "x" * width})
        moment = next(_moments)
        os.utime(tmp_path / "package/scripted.pt", (moment, moment))

    imports, width = READERS[reader]
    build = f"def build():\n    return nn.Conv2d(3, {width}, 3)\n"
    files = {"model.py": f"import {imports}\nfrom torch import nn\n\n{build}"}
    aged(tmp_path, files | {"package/__init__.py": ""})
    script(4)
    assert "112 parameters" in forked.rflint(*LINT, cwd=tmp_path).out
    assert is_answered(forked.rflint(*LINT, "-v", cwd=tmp_path))
    script(5)
    assert "140 parameters" in forked.rflint(*LINT, cwd=tmp_path).out


UNTRACKABLE = {
    "the clock": ("import time", "time.time()", "read the clock"),
    "the date": ("import datetime", "datetime.datetime.now()", "may ask for the date"),
    "chance": ("import random", "random.random()", "drew random numbers"),
    "numpy's chance": ("import numpy", "numpy.random.rand()", "drew random numbers"),
    "a new generator": ("import numpy", "numpy.random.default_rng()", "drew random numbers"),
    "a unique number": ("import uuid", "uuid.uuid4()", "drew random numbers"),
    "a program": ("import subprocess", "subprocess.run(['true'])", "ran a program"),
    "a written file": ("", "open('log.txt', 'w').close()", "wrote to"),
    "a made folder": ("import os", "os.makedirs('logs/a')", "changed files"),
    "a file of the system": ("", "open('/proc/self/stat').read()", "read /proc/self/stat"),
    "another host": (
        "import socket",
        "socket.socket(socket.AF_UNIX).connect_ex('nowhere')",
        "used the network",
    ),
}


@pytest.mark.parametrize("kind", UNTRACKABLE)
def test_what_cannot_be_tracked_is_not_kept(forked: Forked, tmp_path: Path, kind: str) -> None:
    imports, expression, says = UNTRACKABLE[kind]
    build = f"def build():\n    {expression}\n    return nn.Conv2d(3, 8, 3)\n"
    aged(tmp_path, {"model.py": f"{imports}\nfrom torch import nn\n\n{build}"})
    ran = forked.rflint(*LINT, "-v", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert f"model:build is not cached: it {says}" in ran.err
    shutil.rmtree(tmp_path / "logs", ignore_errors=True)
    assert not is_answered(forked.rflint(*LINT, "-v", cwd=tmp_path))


def test_who_seeds_gets_the_same_every_time(forked: Forked, tmp_path: Path) -> None:
    """And whatever takes generators still takes all of them."""
    build = """
        import torch
        from torch import nn

        def build():
            torch.manual_seed(3)
            assert isinstance(torch.default_generator, torch.Generator)
            own = torch.Generator(device="cpu").manual_seed(4)
            return nn.Conv2d(3, int(torch.randint(4, 9, (1,), generator=own, device="cpu")), 3)
    """
    aged(tmp_path, {"model.py": build})
    assert forked.rflint(*LINT, cwd=tmp_path).status == 0
    assert is_answered(forked.rflint(*LINT, "-v", cwd=tmp_path))


# -- several targets


def test_each_target_finds_the_modules_beside_it(forked: Forked, tmp_path: Path) -> None:
    """In whatever order, and whichever of them the cache knows."""
    net = "from torch import nn\nfrom layers import WIDTH\ndef build():\n"
    net += "    return nn.Conv2d(3, WIDTH, 1)\n"
    aged(tmp_path, dict.fromkeys(("a/net.py", "b/net.py", "c/net.py"), net))
    aged(tmp_path, {"a/layers.py": "WIDTH = 1", "b/layers.py": "WIDTH = 2"})
    aged(tmp_path, {"layers.py": "WIDTH = 3"})

    def widths(*folders: str, options: Sequence[str] = ()) -> list[int]:
        targets = [f"{folder}/net.py:build" for folder in folders]
        ran = forked.rflint(*targets, "--res", "8", "--format", "json", *options, cwd=tmp_path)
        return [model["totals"]["params"] // 4 for model in ran.report["models"]]

    assert widths("a", "b", "c", options=["--no-cache"]) == [1, 2, 3]
    assert widths("c", "b", "a") == [3, 2, 1]
    aged(tmp_path, {"a/layers.py": "WIDTH = 5"})
    assert widths("a", "b", "c") == [5, 2, 3]
    assert widths("b") == [2]


def test_a_link_to_another_target_is_another_target(forked: Forked, tmp_path: Path) -> None:
    aged(
        tmp_path,
        {
            f"v{n}.py": f"from torch import nn\nbuild = lambda: nn.Conv2d(3, {n}, 1)\n"
            for n in (1, 2)
        },
    )
    ask = ("net.py:build", "--res", "8")
    for number in (1, 2):
        (tmp_path / "net.py").unlink(missing_ok=True)
        (tmp_path / "net.py").symlink_to(f"v{number}.py")
        assert f"{4 * number} parameters" in forked.rflint(*ask, cwd=tmp_path).out


def test_a_source_that_has_only_just_changed_is_not_kept(forked: Forked, tmp_path: Path) -> None:
    """Within one second, Python itself takes a source of the same size for the one before."""
    write(tmp_path, {"model.py": MODEL})
    later = time.time() + 5
    os.utime(tmp_path / "model.py", (later, later))
    ran = forked.rflint(*LINT, "-v", cwd=tmp_path)
    assert "model.py, which has only just changed" in ran.err


def test_a_script_sees_no_arguments_of_ours(forked: Forked, tmp_path: Path) -> None:
    """They are part of no answer, and argparse in a script would trip over them."""
    parsing = "import argparse\nargparse.ArgumentParser().parse_args()\n"
    aged(tmp_path, {"model.py": parsing + "from torch import nn\nbuild = nn.Identity\n"})
    assert forked.rflint(*LINT, cwd=tmp_path).status == 0


# -- files that are not what they should be


class Dangerous:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.path),)


def spoiled(record: Path, how: str, trap: Path) -> bytes:
    content = record.read_bytes()
    if how == "truncated":
        return content[: len(content) // 2]
    if how == "one bit":
        middle = len(content) // 2
        return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    payload = pickle.dumps(Dangerous(trap)) if how == "dangerous" else pickle.dumps({"report": 1})
    return {"empty": b"", "garbage": os.urandom(5000)}.get(how, sha256(payload).digest() + payload)


@pytest.mark.parametrize(
    "how", ["truncated", "one bit", "empty", "garbage", "dangerous", "foreign"]
)
def test_a_record_that_is_not_ours_is_harmless(forked: Forked, tmp_path: Path, how: str) -> None:
    project = tmp_path / "project"
    aged(project, {"model.py": MODEL})
    first = forked.rflint(*LINT, cwd=project)
    assert records(project)
    for record in records(project):
        record.write_bytes(spoiled(record, how, tmp_path / "trap"))

    again = forked.rflint(*LINT, "--format", "text", cwd=project)
    assert again == first
    assert not (tmp_path / "trap").exists()
    assert is_answered(forked.rflint(*LINT, "-v", cwd=project)), "it was written anew"


def test_where_nothing_can_be_written_nothing_is_kept(forked: Forked, tmp_path: Path) -> None:
    aged(tmp_path, {"model.py": MODEL, ".rflint_cache": "a file"})
    ran = forked.rflint(*LINT, "-v", cwd=tmp_path)
    assert ran.status == 1
    assert "cannot write to" in ran.err


def test_runs_at_the_same_time_do_no_harm(tmp_path: Path) -> None:
    aged(tmp_path, {"model.py": MODEL})
    with ThreadPoolExecutor(3) as pool:  # what runs are forked from takes one at a time
        runs = list(pool.map(lambda _: installed_rflint(*LINT, cwd=tmp_path), range(3)))
    assert len({(ran.status, ran.out, ran.err) for ran in runs}) == 1
    folder = tmp_path / ".rflint_cache" / package.__version__
    assert sorted(folder.glob("*/*")) == records(tmp_path), "nothing half written is left"


# -- several models in one run

RANDOM = """
    import random
    from pathlib import Path
    from torch import nn

    def build():
        Path("a.txt").read_text()
        return nn.Conv2d(3, random.randint(4, 8), 3)
"""
NN = "from torch import nn\n\n"
SHARED = "from random import random\nfrom torch import nn\n\nWIDTH = 3 + int(5 * random())\n"


@pytest.mark.parametrize(
    ("other", "is_kept"),
    [
        ("def build():\n    return nn.Conv2d(3, 4, 3)\n", True),
        ("from shared import WIDTH\n\ndef build():\n    return nn.Conv2d(3, WIDTH, 3)\n", False),
        ("import importlib\n\ndef build():\n    return nn.Conv2d(3, 4, 3)\n", False),
    ],
    ids=["with nothing in common", "with a module in common", "with who knows what"],
)
def test_what_one_model_looks_at_concerns_those_that_share_with_it(
    forked: Forked, tmp_path: Path, other: str, is_kept: bool
) -> None:
    first = f"import shared\n{dedent(RANDOM)}"
    files = {"a.py": first, "shared.py": SHARED, "a.txt": "", "b.py": f"{NN}{other}"}
    aged(tmp_path, files)
    run = ("a:build", "b:build", "--res", "8", "-v")
    ran = forked.rflint(*run, cwd=tmp_path)
    assert "a:build is not cached: it drew random numbers" in ran.err
    assert ("b:build is not cached" in ran.err) != is_kept
    again = forked.rflint(*run, cwd=tmp_path)
    assert ("b:build was answered by the cache" in again.err) == is_kept
    if is_kept:
        (tmp_path / "a.txt").write_text("changed")
        assert "b:build was answered by the cache" in forked.rflint(*run, cwd=tmp_path).err
