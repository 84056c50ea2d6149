"""What code looks at while it is watched: a dependency, or a reason to keep no answer."""

from __future__ import annotations

import os
import py_compile
import shelve
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rflint.cache.collect import collect_dependencies
from rflint.cache.dependencies import CurrentState, Dependencies
from rflint.cache.environment import without_torch
from rflint.cache.tracker import Tracker
from tests.helpers.aged_files import _moments, aged

LOOKS = {
    "a module by its path": (
        "import importlib.util as u\n"
        "spec = u.spec_from_file_location('cfg', 'one.py')\n"
        "spec.loader.exec_module(u.module_from_spec(spec))",
        "put('one.py', 'X = 2')",
    ),
    "exec": ("exec(open('one.py').read())", "put('one.py', 'X = 2')"),
    "runpy": ("import runpy; runpy.run_path('one.py')", "put('one.py', 'X = 2')"),
    "a module forgotten": ("import sys, one; del sys.modules['one']", "put('one.py', 'X = 2')"),
    "a module behind another": (
        "import sys, one\n"
        "sys.modules['one'] = type('M', (), {'__getattr__': lambda self, name: 1 / 0})()",
        "put('one.py', 'X = 2')",
    ),
    "find_spec": ("import importlib.util as u; u.find_spec('absent')", "put('absent.py', '')"),
    "a failed import": (
        "try: import package.absent\nexcept ImportError: pass",
        "put('package/absent.py', '')",
    ),
    "a folder that becomes a package": ("import one", "put('one/__init__.py', '')"),
    "a namespace that becomes a package": (
        "import space.inner",
        "put('space/__init__.py', '')",
    ),
    "a path for a moment": (
        "import sys\nsys.path.insert(0, 'package')\ntry: import absent\nexcept ImportError: pass\n"
        "sys.path.remove('package')",
        "put('package/absent.py', '')",
    ),
    "zipimport": ("import sys; sys.path.insert(0, 'z.zip'); import zipped", "archive('X = 2')"),
    "memmap": ("import numpy; numpy.memmap('data', 'uint8', 'r')", "put('data', 'longer')"),
    "torch.load": ("import torch; torch.load('t.pt')", "tensors(3)"),
    "torch's archives": ("import torch; torch._C.PyTorchFileReader('t.pt')", "tensors(3)"),
    "safe_open": (
        "from safetensors import safe_open; safe_open('t.safetensors', framework='pt')",
        "tensors(3)",
    ),
    "safetensors": (
        "from safetensors.torch import load_file; load_file('t.safetensors')",
        "tensors(3)",
    ),
    "shelve": ("import shelve; shelve.open('shelf', 'r')['a']", "shelf(2)"),
    "rglob": ("import pathlib; list(pathlib.Path('conf').rglob('*'))", "put('conf/a/new', '')"),
    "glob": ("import glob; glob.glob('conf/*/*')", "put('conf/a/new', '')"),
    "walk": (
        "import os; list(os.walk('conf'))",
        "os.unlink('conf/a/file'); os.mkdir('conf/a/file')",
    ),
    "scandir": (
        "import os; [x.stat().st_size for x in os.scandir('conf/a')]",
        "put('conf/a/file', 'longer')",
    ),
    "no folder": ("import os\ntry: os.listdir('no')\nexcept OSError: pass", "os.mkdir('no')"),
    "a thread": (
        "from concurrent.futures import ThreadPoolExecutor as Pool\nfrom pathlib import Path\n"
        "with Pool(1) as pool: list(pool.map(Path.read_text, [Path('data')]))",
        "put('data', 'longer')",
    ),
    "a missing file": ("try: open('no')\nexcept FileNotFoundError: pass", "os.mkdir('no')"),
    "no name": ("import os; os.path.exists('\\0'), os.path.exists('no')", "put('no', '')"),
    "isfile": ("import os; os.path.isfile('data')", "os.unlink('data'); os.mkdir('data')"),
    "access": ("import os; os.access('data', os.X_OK)", "os.chmod('data', 0o755)"),
    "stat": ("import os; os.stat(path='data').st_size", "put('data', 'longer')"),
    "older": ("open('data')", "put('data', 'b'); os.utime('data', (5, 5))"),
    "a link": ("open('link')", "os.unlink('link'); os.symlink('same', 'link')"),
    "where a link leads": (
        "from pathlib import Path; Path('link').resolve()",
        "os.unlink('link'); os.symlink('same', 'link')",
    ),
    "dlopen": (
        "import ctypes\ntry: ctypes.CDLL('./data')\nexcept OSError: pass",
        "put('data', 'longer')",
    ),
    "bytes of the environment": ("import os; os.environb.get(b'NEW')", "setenv('NEW', '1')"),
    "the environment as text": ("import os; str(os.environ)", "setenv('NEW', '1')"),
    "a copy of the environment": (
        "import copy, os; dict(copy.deepcopy(os.environ))",
        "setenv('NEW', '1')",
    ),
    "torch.from_file": (
        "import torch; torch.from_file('data', size=1, dtype=torch.uint8)",
        "put('data', 'longer')",
    ),
    "torch.from_file by its name": (
        "import torch; torch.from_file(filename='data', size=1, dtype=torch.uint8)",
        "put('data', 'longer')",
    ),
    "storage": (
        "import torch; torch.UntypedStorage.from_file('data', False, 1)",
        "put('data', 'longer')",
    ),
    "typed storage": (
        "import torch, warnings\nwarnings.simplefilter('ignore')\n"
        "torch.ByteStorage.from_file('data', False, 1)",
        "put('data', 'longer')",
    ),
    "mmap": (
        "import mmap, os\nmmap.mmap(os.open('data', os.O_RDONLY), 0, access=mmap.ACCESS_READ)[0]",
        "put('data', 'longer')",
    ),
    "zipfile": ("import zipfile; zipfile.ZipFile('z.zip').namelist()", "archive('X = 2')"),
    "what usual projects do": (
        "import argparse, logging, os, platform, pickle, random, time, traceback, warnings\n"
        "import numpy\n"
        "logging.getLogger('a').info('said'); logging.getLogger('a').warning('said')\n"
        "platform.system(), platform.machine()\n"
        "random.seed(1); random.random(); numpy.random.seed(1); numpy.random.rand()\n"
        "try: 1 / 0\nexcept Exception: traceback.format_exc()\n"
        "pickle.dumps(time.time); assert os.stat in os.supports_fd\n"
        "open('data')",
        "put('data', 'longer')",
    ),
}
"""What code looks at, and an edit of that."""
CHANCE = {
    **{
        f"the {name} clock": (f"import time; time.{name}()", "read the clock")
        for name in ("monotonic", "perf_counter_ns", "process_time", "thread_time")
    },
    "the times of the process": ("import os; os.times()", "read the clock"),
    "a clock by its number": ("import time; time.clock_gettime(0)", "read the clock"),
    "a unique number of the machine": ("import uuid; uuid.uuid1()", "asked for the machine"),
    "a secret": ("import secrets; secrets.token_hex()", "random numbers"),
    "numpy's new generator": ("import numpy; numpy.random.default_rng()", "random numbers"),
    "numpy's old generator": ("import numpy; numpy.random.RandomState()", "random numbers"),
    "a seed of torch's": ("import torch; torch.seed()", "random numbers"),
    "a seed of torch's by its module": ("import torch.random as r; r.seed()", "random numbers"),
    "a seed of a generator": ("import torch; torch.Generator().seed()", "random numbers"),
    "a seed of the generator of all": (
        "import torch; torch.default_generator.seed()",
        "random numbers",
    ),
    "a shared file": (
        "import torch; torch.from_file('s', shared=True, size=2, dtype=torch.uint8)",
        "wrote to a file",
    ),
    "the load of the machine": ("import os; os.getloadavg()", "asked for the machine"),
    "the room on a disk": ("import shutil; shutil.disk_usage('.')", "asked for the machine"),
    "the version of the system": ("import platform; platform.uname()", "asked for the machine"),
    "a parent": ("import os; os.getppid()", "asked for the process"),
    "a generator without a seed": ("import random; random.Random().random()", "random numbers"),
    "a seed too late": ("import random; random.random(); random.seed(1)", "random numbers"),
    "a seed by chance": ("import random; random.seed()", "random numbers"),
    "a clock of a class": (
        "import time\nclass Timer: clock = time.time\nTimer().clock()",
        "read the clock",
    ),
    "another environment": ("import os; os.environ = dict(os.environ)", "the environment"),
    "the machine's name": ("import platform; platform.node()", "asked for the machine"),
    "a folder's descriptor": (
        "import os; os.stat('file', dir_fd=os.open('conf/a', os.O_RDONLY))",
        "descriptor of a folder",
    ),
    "processes": ("import os; os.listdir('/proc')", "read /proc"),
    "a stale .pyc": ("import stale", "what Python has compiled of another"),
}


class Looking:
    """A folder, and code in it that is watched without the program around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("package/__init__.py", "space/inner.py", "one/text", "conf/a/file"):
            self.put(name, "")
        for name, text in {"one.py": "X = 1", "data": "a", "same": "a"}.items():
            self.put(name, text)
        os.symlink("data", folder / "link")

    def put(self, name: str, text: str) -> None:
        aged(self.folder, {name: text})

    def age(self, pattern: str) -> None:
        for path in self.folder.glob(pattern):
            moment = next(_moments)
            os.utime(path, (moment, moment))

    def tensors(self, length: int) -> None:
        save_file({"a": torch.zeros(length)}, str(self.folder / "t.safetensors"))
        torch.save(torch.zeros(length), self.folder / "t.pt")
        self.age("t.*")

    def shelf(self, value: int) -> None:
        with shelve.open(str(self.folder / "shelf")) as opened:
            opened["a"] = value
        self.age("shelf*")

    def archive(self, text: str) -> None:
        with zipfile.ZipFile(self.folder / "z.zip", "w") as opened:
            opened.writestr("zipped.py", text)
        self.age("z.zip")

    def stale(self) -> None:
        """A source of the size and the time of the one that was compiled."""
        path = self.folder / "stale.py"
        self.put("stale.py", "X = 1")
        before = path.stat().st_mtime
        py_compile.compile(str(path))
        path.write_text("X = 2")
        os.utime(path, (before, before))

    def at(self, code: str) -> tuple[Dependencies, tuple[str, ...]]:
        tracker = Tracker()
        compiled = compile(code, str(self.folder / "user.py"), "exec")
        with tracker.watch():
            exec(compiled, {"__name__": "user"})
        return collect_dependencies(tracker.run)


@pytest.fixture
def looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Looking]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("rflint.cache.collect.user_files", tuple)  # those of the tests
    environment = os.environ
    # as it is before anybody has loaded it: what it took out of safetensors is not watched
    sys.modules.pop("safetensors.torch", None)
    yield Looking(tmp_path)
    os.environ = environment  # noqa: B003
    for name in ("one", "package", "space", "space.inner", "zipped", "stale"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("kind", LOOKS)
def test_what_code_looks_at_is_a_dependency(
    looking: Looking, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    code, edit = LOOKS[kind]
    looking.tensors(2)
    looking.shelf(1)
    looking.archive("X = 1")
    found, reasons = looking.at(code)
    assert reasons == ()
    assert found.hold(CurrentState(without_torch(os.environ)))
    tools = {name: getattr(looking, name) for name in ("put", "tensors", "shelf", "archive")}
    exec(edit, {"os": os, "setenv": monkeypatch.setenv, **tools})
    assert not found.hold(CurrentState(without_torch(os.environ)))


@pytest.mark.parametrize("kind", CHANCE)
def test_what_is_no_dependency_is_a_reason(looking: Looking, kind: str) -> None:
    code, reason = CHANCE[kind]
    looking.stale()
    environment = os.environ
    assert any(reason in x for x in looking.at(code)[1])
    assert type(environment).__name__ == "_Environ"


def test_a_package_may_draw_numbers_while_it_is_imported(looking: Looking) -> None:
    """As rich does, which Lightning imports; what the user's code draws still is a reason."""
    installed = looking.folder / "lib/site-packages"
    drawing = "import random\nfrom random import randint\n\ndef draw(): return random.random()\n"
    looking.put(f"{installed}/drawing.py", f"{drawing}\nNUMBERS = randint(0, 9), draw()\n")
    found = f"import sys\nsys.path.insert(0, {str(installed)!r})\n"
    for code, is_kept in (
        ("import drawing", True),
        ("import drawing; drawing.draw()", False),
        ("import drawing, random; random.random()", False),
        ("import random; random.random(); import drawing", False),
        ("import random; draw = random.random; import drawing; draw()", False),
        ("import random; random.seed(1); import drawing; random.random()", True),
    ):
        sys.modules.pop("drawing", None)
        reasons = looking.at(found + code)[1]
        assert reasons == (() if is_kept else ("drew random numbers",)), code


def test_a_new_time_alone_is_no_change(looking: Looking) -> None:
    """A checkout gives every file another one."""
    found, reasons = looking.at(
        "import glob, os\nfrom pathlib import Path\n"
        "Path('one.py').resolve(), Path('one.py').exists(), os.path.isfile('one.py')\n"
        "list(Path('.').rglob('*.py')), glob.glob('*/*.py')"
    )
    assert reasons == ()
    looking.put("one.py", "X = 1")
    assert found.hold(CurrentState(without_torch(os.environ)))


def test_the_users_own_clock_stays(looking: Looking) -> None:
    """What is set while it is watched is not taken away after."""
    clock = time.time
    try:
        looking.at("import time; time.time = lambda: 5")
        assert time.time() == 5
    finally:
        time.time = clock
