"""What a target is made of, held against what Python loads when it is imported."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rflint.usercode.closure import import_closure
from tests.helpers.program import write

FILES = (
    "model.py",
    "other.py",
    "lib/__init__.py",
    "lib/one.py",
    "lib/two.py",
    "lib/deep/__init__.py",
    "lib/deep/three.py",
    "space/four.py",
    "space/inner/__init__.py",
    "space/inner/five.py",
)
STATEMENTS = (
    "import other",
    "import lib",
    "import lib.deep.three as d",
    "import space.inner.five",
    "from lib import *",
    "from lib.deep import *",
    "from lib import one, deep",
    "from lib.two import X as Y",
    "from space import four",
    "from space.inner import five as f, nothing",
    "from . import one",
    "from . import *",
    "from .deep import three",
    "from .. import two",
    "from ..one import X",
    "from .five import X",
    "import nowhere",
    "__all__ = ['one', 'three']",
    "__all__ = [name for name in ('two', 'three')]",
    "__all__ = ['X']; __all__ += ['deep']",
    "if X:\n    import lib.one",
    "(lambda: __import__('lib.two'))()",
    "import importlib; importlib.import_module('space.inner')",
    "def __getattr__(name):\n    from space import inner\n    raise AttributeError(name)",
)
SHOWS = """
import os, sys
sys.path.insert(0, os.getcwd())
import model
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None) or ""
    if file.startswith(os.getcwd()):
        print(file)
"""


def loaded(folder: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-ISB", "-c", SHOWS],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def harmless(statement: str) -> str:
    """An import that fails is none of a closure's business."""
    inner = statement.replace("\n", "\n    ")
    return f"try:\n    {inner}\nexcept (ImportError, AttributeError):\n    pass\n"


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.fixed_dictionaries({f: st.lists(st.sampled_from(STATEMENTS), max_size=4) for f in FILES}))
def test_a_closure_has_every_file_that_is_loaded_or_is_open(files: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        write(folder, {x: "X = 1\n" + "".join(map(harmless, text)) for x, text in files.items()})
        found = import_closure("model:X", folder)
        missing = loaded(folder) - found.files
        assert not missing or found.is_open
        assert import_closure("model.py:X", folder).files >= found.files


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.path.append('elsewhere')",
        "from sys import path",
        "exec(open('other.py').read())",
        "import torch; torch.hub.load('.', 'net', source='local')",
        "import torch; torch.load('net.pt', weights_only=False)",
        "import pickle; pickle.load(open('net.pkl', 'rb'))",
        "from hydra.utils import instantiate",
        "__path__.append('elsewhere')",
    ],
)
def test_what_only_running_it_tells_leaves_a_closure_open(tmp_path: Path, code: str) -> None:
    write(tmp_path, {"model.py": code, "plain.py": "import torch; torch.load('net.pt')"})
    assert import_closure("model:build", tmp_path).is_open
    assert not import_closure("plain:build", tmp_path).is_open


def test_a_project_installed_as_it_lies_is_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installers may put a finder in the way instead of its folder on the path."""
    write(tmp_path, {"app/model.py": "import mine.inner", "src/mine/__init__.py": ""})
    write(tmp_path, {"src/mine/inner.py": ""})

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> object:
            from importlib.machinery import PathFinder

            if name == "mine":
                return PathFinder.find_spec(name, [str(tmp_path / "src")])
            return None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    names = {Path(file).name for file in import_closure("model:build", tmp_path / "app").files}
    assert names == {"model.py", "__init__.py", "inner.py"}
