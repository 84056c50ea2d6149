"""What cannot be linted, and what nobody can mean: one message each, and status 2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.helpers.program import Ran, rflint, write


def messages(ran: Ran) -> list[str]:
    """The errors on stderr: each is one line that says so."""
    return [line for line in ran.err.splitlines() if re.match(r"(rflint: error|Error): ", line)]


@dataclass(frozen=True)
class Bad:
    """A target that cannot be linted, and what has to be said about it."""

    kind: str
    says: tuple[str, ...]
    body: str = ""
    """Of model.py."""
    target: str = "model.py:build"
    options: tuple[str, ...] = ("--res", "32")
    files: Mapping[str, str] = field(default_factory=dict)


IMPORTS = "import os, sys\nimport torch\nfrom torch import nn\n"  # lines 1 to 3 of model.py
BAD = {
    "no such module": Bad("import", ("nosuch", "no module named"), target="nosuch:build"),
    "no such file": Bad("import", ("no file", "nosuch.py"), target="nosuch.py:build"),
    "no such attribute": Bad(
        "import",
        ("model.py has no attribute 'biuld'", "Did you mean build?"),
        "def build(): return nn.Identity()",
        target="model.py:biuld",
    ),
    "attribute not callable": Bad("build", ("an int", "nn.Module"), "build = 42"),
    "missing colon": Bad("usage", ("names no model", "model.py:build"), target="model.py"),
    "builder raises": Bad(
        "build",
        ("model.py:5: ", "ValueError: no such variant"),
        "def build():\n    raise ValueError('no such variant')",
    ),
    "builder needs arguments": Bad(
        "build",
        ("missing a required argument: 'width'", "--arg width=VALUE"),
        "def build(width, depth=3): return nn.Conv2d(3, width, depth)",
    ),
    "builder given a wrong --arg": Bad(
        "build",
        ("has no parameter 'wdith'", "Did you mean width?", "Its parameters: width"),
        "def build(width=3): return nn.Conv2d(3, width, 3)",
        options=("--res", "32", "--arg", "wdith=3"),
    ),
    "an argument for an instance": Bad(
        "build",
        ("is a module already", "--arg"),
        "build = nn.Conv2d(3, 8, 3)",
        options=("--res", "32", "--arg", "width=3"),
    ),
    "returns no module": Bad(
        "build", ("returned a dict, not an nn.Module",), "def build(): return {'model': 1}"
    ),
    "sys.exit in the builder": Bad(
        "build", ("model.py:5: ", "sys.exit(0)"), "def build():\n    sys.exit(0)"
    ),
    "sys.exit at import": Bad(
        "import", ("model.py:4: ", "sys.exit(0)", "__name__ == '__main__'"), "sys.exit(0)"
    ),
    "a command line at import": Bad(
        "import",
        ("model.py:6: ", "as it reads a command line", "__name__ == '__main__'"),
        "import argparse\np = argparse.ArgumentParser(); p.add_argument('--data', required=True)"
        "\np.parse_args()",
    ),
    "trains when it is imported": Bad(
        "training",
        ("model.py:5: ", "importing model.py trains", '__name__ == "__main__"', "--allow-training"),
        "build = nn.Conv2d(3, 8, 3)\nbuild(torch.rand(1, 3, 8, 8)).sum().backward()",
    ),
    "downloads weights": Bad(
        "download",
        (
            "model.py:6: ",
            "model.py:build downloads https://weights.example/net.pth",
            "--allow-downloads",
        ),
        "def build(weights='default'):\n    net = nn.Conv2d(3, 8, 3)\n    "
        "torch.hub.load_state_dict_from_url('https://weights.example/net.pth', 'weights')",
    ),
    "loads a file that is not there": Bad(
        "build",
        ("model.py:6: ", "FileNotFoundError", "weights.pt"),
        "def build():\n    net = nn.Conv2d(3, 8, 3)\n"
        "    net.load_state_dict(torch.load('weights.pt'))\n    return net",
    ),
    "cyclic imports": Bad(
        "import",
        ("other.py:1: ", "cannot import name 'one'", "circular import"),
        target="model:one",
        files={
            "model.py": "from other import two\none = 1\n",
            "other.py": "from model import one\ntwo = 2\n",
        },
    ),
    "imports what is not installed": Bad(
        "import",
        ("model.py:4: ", "No module named 'not_installed_here'"),
        "import not_installed_here",
    ),
    "a syntax error": Bad("import", ("model.py:4: ", "syntax error"), "def build(:\n    pass"),
    "a syntax error further away": Bad(
        "import",
        ("blocks.py:2: ", "syntax error"),
        "from blocks import build",
        files={"blocks.py": "x = 1\ny = = 2\n"},
    ),
    "an input too small for a pooling": Bad(
        "input",
        ("model.py:7: ", "layer 2 (MaxPool2d)", "1x64x1x1"),
        "def build(): return nn.Sequential(\n    nn.Conv2d(3, 64, 11, stride=4, padding=2),\n"
        "    nn.ReLU(),\n    nn.MaxPool2d(3, stride=2),\n    nn.Conv2d(64, 192, 5, padding=2))",
        options=("--res", "8"),
    ),
    "an input too small for a convolution": Bad(
        "input",
        ("model.py:6: ", "layer 1 (Conv2d)", "1x8x2x2"),
        "def build(): return nn.Sequential(\n    nn.Conv2d(3, 8, 3, stride=4, padding=1),\n"
        "    nn.Conv2d(8, 8, 5))",
        options=("--res", "8"),
    ),
    "wrong channels": Bad(
        "input",
        ("model.py:4: ", "layer 0 (Conv2d)", "expects 3 input channels, got 4"),
        "def build(): return nn.Sequential(nn.Conv2d(3, 8, 3))",
        options=("--input", "1x4x32x32"),
    ),
    "the wrong number of axes": Bad(
        "usage",
        ("--res 32x32x32 has 3 axes", "the model's input has 2"),
        "def build(): return nn.Sequential(nn.Conv2d(3, 8, 3))",
        options=("--res", "32x32x32"),
    ),
    "no resolution at all": Bad(
        "usage",
        ("no input size", "--res"),
        "def build(): return nn.Sequential(nn.Conv2d(3, 8, 3))",
        options=(),
    ),
    "--res 1000000000": Bad(
        "usage",
        ("1000000000", "too large"),
        "def build(): return nn.Sequential(nn.Conv2d(3, 8, 3))",
        options=("--res", "1000000000"),
    ),
    "forward raises": Bad(
        "trace",
        ("model.py:6: ", "KeyError: 'no such branch'"),
        "class build(nn.Module):\n    def forward(self, x):\n"
        "        raise KeyError('no such branch')",
    ),
    "sys.exit in forward": Bad(
        "trace",
        ("model.py:6: ", "sys.exit(0)"),
        "class build(nn.Module):\n    def forward(self, x):\n        sys.exit(0)",
    ),
    "forward depends on data": Bad(
        "trace",
        ("model.py:9: ", "values"),
        "class build(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 8, 3)\n    def forward(self, x):\n"
        "        if x.sum() > 0:\n            x = self.conv(x)\n        return x",
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_cannot_be_linted_is_one_message_and_an_entry_of_errors(
    bad: Bad, tmp_path: Path
) -> None:
    write(tmp_path, {"model.py": IMPORTS + bad.body + "\n", **bad.files})

    ran = rflint(bad.target, *bad.options, "--format", "json", cwd=tmp_path)

    assert ran.status == 2, ran.err
    assert len(messages(ran)) == 1, ran.err
    assert bad.target in ran.err or bad.target.split(":")[0] in ran.err
    assert "Traceback" not in ran.err
    assert ran.report["models"] == []
    (error,) = ran.report["errors"]
    assert (error["target"], error["kind"]) == (bad.target, bad.kind)
    for words in bad.says:
        assert words in ran.err
        assert words in error["message"]


def test_what_cannot_be_linted_leaves_stdout_empty_as_text(here: Path) -> None:
    """There is nothing to report; the errors are on stderr, in the order of the targets."""
    write(here, {"models/__init__.py": ""})
    said = {
        "nosuch:build": "no module named 'nosuch'",
        "models.nosuch:build": "no module named 'models.nosuch'",
        "net:Zoo.smal": "net.Zoo has no attribute 'smal'",
        "net:of_width": "missing a required argument: 'width'",
        "net": "'net' names no model",
        "net:": "'net:' is no target",
        ":build": "':build' is no target",
        "net:build-model": "'net:build-model' is no target",
        "models/net:build": "'models/net' is no module",
    }

    ran = rflint(*said, "--res", "32", cwd=here)

    assert (ran.status, ran.out) == (2, "")
    assert "Traceback" not in ran.err
    for message, words in zip(messages(ran), said.values(), strict=True):
        assert words in message
    assert "Did you mean small?" in ran.err


USAGE = {
    "no target": ([], "no target given"),
    "--res 0": (["net:build", "--res", "0"], "'0': sizes are positive whole numbers"),
    "--res -3": (["net:build", "--res", "-3"], "'-3': sizes are positive whole numbers"),
    "--res abc": (["net:build", "--res", "abc"], "'abc': sizes are positive whole numbers"),
    "--res 32x": (["net:build", "--res", "32x"], "'32x': sizes are positive whole numbers"),
    "--res 32,": (["net:build", "--res", "32,"], "'32,': sizes are positive whole numbers"),
    "--res 1e3": (["net:build", "--res", "1e3"], "'1e3': sizes are positive whole numbers"),
    "--res without a value": (["net:build", "--res"], "--res"),
    "--input 3": (["net:build", "--input", "3"], "a shape is batch, channels, sizes"),
    "--input 1x3x0": (["net:build", "--input", "1x3x0"], "a shape is batch, channels, sizes"),
    "--arg without =": (["net:build", "--res", "32", "--arg", "width"], "is not KEY=VALUE"),
    "--arg without a name": (["net:build", "--res", "32", "--arg", "=3"], "is not KEY=VALUE"),
    "unknown rule selected": (["net:build", "--res", "32", "--select", "RF777"], "'RF777'"),
    "unknown rule ignored": (["net:build", "--res", "32", "--ignore", "XY1"], "'XY1'"),
    "unknown rule to explain": (["rule", "RF777"], "'RF777'"),
    "unknown option": (["net:build", "--res", "32", "--resolution", "3"], "--resolution"),
    "unknown option first": (["--bogus", "net:build"], "--bogus"),
    "unknown format": (["net:build", "--format", "yaml"], "'yaml'"),
    "unknown gate": (["net:build", "--fail-on", "panic"], "'panic'"),
    "mistyped gate": (["net:build", "--fail-on", "warn"], "Did you mean warning?"),
    "mistyped tracer": (["net:build", "--tracer", "symbol"], "Did you mean symbolic?"),
    "mistyped type": (["net:build", "--input", "1x5:flaot32"], "Did you mean float32?"),
    "output is a folder": (["net:build", "--res", "32", "--output", "."], "is a directory"),
}


@pytest.mark.parametrize(("arguments", "says"), USAGE.values(), ids=USAGE)
def test_bad_usage_is_one_message_before_any_target_is_looked_at(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    write(tmp_path, {"net.py": "raise SystemExit('was imported')\n"})

    ran = rflint(*arguments, cwd=tmp_path)

    assert (ran.status, ran.out) == (2, "")
    assert len(messages(ran)) == 1, ran.err
    assert says in ran.err
    assert "was imported" not in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("file", ["nosuch/report.json", "net.py/report.json"])
def test_an_output_that_cannot_be_written(here: Path, file: str) -> None:
    ran = rflint("net:build", "--res", "32", "--format", "json", "--output", file, cwd=here)

    assert (ran.status, ran.out) == (2, "")
    (message,) = messages(ran)
    assert f"cannot write {file}" in message
    assert "Traceback" not in ran.err


def test_debug_adds_the_traceback(tmp_path: Path) -> None:
    write(tmp_path, {"model.py": "def build():\n    raise ValueError('no such variant')\n"})

    ran = rflint("model.py:build", "--res", "32", "--debug", cwd=tmp_path)

    assert ran.status == 2
    assert "Traceback" in ran.err
    assert 'model.py", line 2, in build' in ran.err
    assert len(messages(ran)) == 1


def test_a_failing_target_does_not_stop_the_others(here: Path) -> None:
    targets = ["net:build", "net:nosuch", "net:too_deep"]

    ran = rflint(*targets, "--res", "16", "--format", "json", cwd=here)

    assert ran.status == 2
    assert [model["target"] for model in ran.report["models"]] == ["net:build", "net:too_deep"]
    assert [error["target"] for error in ran.report["errors"]] == ["net:nosuch"]
    assert [finding["code"] for finding in ran.report["models"][1]["findings"]] == ["RF101"]

    ran = rflint(*targets, "--res", "16", "--fail-on", "never", cwd=here)

    assert ran.status == 2
    assert "net:build" in ran.out
    assert "RF101" in ran.out
    assert "nosuch" in ran.err
