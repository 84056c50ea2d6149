"""`rflint fix`: the file that it writes, and when it does not write one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from rflint.errors import RepairFailed
from rflint.repair.edit import Edit
from rflint.repair.edits.running import check_runs
from rflint.repair.metrics import Metrics
from rflint.repair.repair import Repair
from rflint.repair.source_file import OriginalModel, source_file
from tests.helpers.program import Ran, plain_environment, rflint, write

BLOCKS = """
from torch import nn

def block(channels_in, channels):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)
    )
"""
MODEL = """
from torch import nn
from blocks import block

def build(width=8, classes=10):
    return nn.Sequential(
        block(3, width), block(width, width), block(width, width), block(width, width),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes),
    )

class Net(nn.Module):
    def __init__(self, name="net"):
        super().__init__()
        self.body = build()
        self.name = name

    def forward(self, x):
        return self.body(x)

class Zoo:
    small = staticmethod(build)

instance = build()
parallel = nn.DataParallel(build())
"""
TUTORIAL = """
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 5, padding=2)
        self.conv2 = nn.Conv2d(8, 8, 5, padding=2)
        self.conv3 = nn.Conv2d(8, 8, 5, padding=2)
        self.conv4 = nn.Conv2d(8, 8, 5, padding=2)
        self.fc = nn.Linear(8 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.max_pool2d(F.relu(self.conv3(x)), 2)
        x = F.max_pool2d(F.relu(self.conv4(x)), 2)
        return self.fc(F.dropout(x.flatten(1), training=self.training))
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A project with a model in its root, and one in a folder."""
    write(
        tmp_path,
        {
            "net.py": MODEL,
            "blocks.py": BLOCKS,
            "models/net.py": MODEL,
            "models/blocks.py": BLOCKS,
            "tutorial.py": TUTORIAL,
        },
    )
    return tmp_path


def figures_in(text: str) -> list[str]:
    """The table's last column: what the file promises."""
    rows = ("unproductive convolutions", "parameters", "multiply-accumulates")
    lines = [line for line in text.splitlines() if line.strip().startswith(rows)]
    return [line.split()[-1].replace(",", "") for line in lines]


def figures_of(here: Path, target: str) -> list[str]:
    """What rflint finds in a model, in a process of its own."""
    totals = rflint(target, "--res", "32", "--format", "json", cwd=here).report["models"][0][
        "totals"
    ]
    return [str(totals[name]) for name in ("unproductive", "params", "macs")]


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("net:build", ()),
        ("net.py:build", ("--arg", "width=6", "--arg", "classes=4")),
        ("net.py:Net", ("--arg", "name=a 'quoted' name")),
        ("models/net.py:Zoo.small", ()),
        ("net:instance", ()),
        ("net.py:parallel", ()),
        ("tutorial.py:Net", ()),
    ],
)
def test_the_written_file_lints_to_what_was_promised(
    here: Path, target: str, options: tuple[str, ...]
) -> None:
    ran = rflint("fix", target, "--res", "32", *options, "--output", "patched.py", cwd=here)
    assert (ran.status, ran.out) == (0, ""), ran.err
    assert "repair 1 of" in ran.err
    assert "wrote patched.py" in ran.err
    text = (here / "patched.py").read_text()
    promised = figures_in(text)
    assert promised[0] == "0"
    assert figures_of(here, "patched.py:build") == promised
    assert "rflint" not in "".join(line for line in text.splitlines() if "import" in line)


def test_the_file_trains_without_rflint(here: Path) -> None:
    """It is run where rflint cannot be imported."""
    assert rflint("fix", "tutorial.py:Net", "--res", "32", "--output", "p.py", cwd=here).status == 0
    code = (
        "import sys; sys.modules['rflint'] = None; import torch, p; m = p.build(); "
        "m(torch.randn(2, 3, 32, 32)).sum().backward(); "
        "print(all(x.grad is not None for x in m.parameters()), sorted(m.state_dict())[:2])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=here,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True ['conv1.bias', 'conv1.weight']\n", done.stderr


def test_every_file_is_as_ruff_would_have_it(here: Path) -> None:
    for number in ("1", "2"):
        for target in ("net:build", "models/net.py:build", "net:instance", "tutorial.py:Net"):
            name = f"patched_{number}_{target.split(':')[0].replace('/', '_').removesuffix('.py')}"
            file = f"{name}_{target.split(':')[1]}.py"
            ran = rflint("fix", target, "--res=32", "--repair", number, "--output", file, cwd=here)
            assert ran.status == 0, ran.err
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--check"], ["check", "--isolated", "--ignore", "S"]):
        files = [str(path) for path in here.glob("patched_*.py")]
        line = [*ruff, *command, "--line-length", "99", *files]
        done = subprocess.run(line, capture_output=True, text=True, cwd=here, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_without_an_output_the_file_goes_to_stdout(here: Path) -> None:
    ran = rflint("fix", "net:build", "--res", "32", cwd=here)
    assert ran.status == 0
    assert ran.out.startswith('"""net:build, changed for 1x3x32x32 inputs.')
    assert "from net import build as original" in ran.out
    assert "m = original()" in ran.out
    assert "linted and run: unproductive" in ran.err


def test_a_file_in_another_folder_finds_the_model(here: Path) -> None:
    (here / "elsewhere").mkdir()
    output = Path("elsewhere") / "patched.py"
    for target in ("models.net:build", "models/net.py:build"):
        write(here, {"models/__init__.py": "", "models/net.py": MODEL.replace("blocks", ".blocks")})
        if target.startswith("models/"):
            write(here, {"models/net.py": MODEL})
        ran = rflint("fix", target, "--res", "32", "--force", "--output", output, cwd=here)
        assert ran.status == 0, ran.err
        promised = figures_in((here / output).read_text())
        assert figures_of(here / "elsewhere", "patched.py:build") == promised


def test_a_file_with_relative_imports_is_imported_from_its_package(here: Path) -> None:
    write(here, {"models/__init__.py": "", "models/net.py": MODEL.replace("blocks", ".blocks")})
    (here / "blocks.py").rename(here / "models/blocks.py")
    ran = rflint("fix", "models/net.py:build", "--res", "32", cwd=here)
    assert ran.status == 0, ran.err
    assert "from models.net import build as original" in ran.out


def test_existing_files_are_replaced_only_by_force(here: Path) -> None:
    write(here, {"patched.py": "precious\n"})
    options = ("fix", "net:build", "--res", "32", "--output", "patched.py")
    refused = rflint(*options, cwd=here)
    assert refused.status == 2
    assert refused.err == "rflint: error: patched.py exists\n  Replace it with --force.\n"
    assert (here / "patched.py").read_text() == "precious\n"
    shown = rflint(*options, "--diff", cwd=here)
    assert shown.status == 0
    assert shown.out.startswith("--- patched.py\n+++ patched.py\n")
    assert "-precious\n" in shown.out
    assert "+def build() -> nn.Module:\n" in shown.out
    assert (here / "patched.py").read_text() == "precious\n"
    assert rflint(*options, "--force", cwd=here).status == 0
    assert "def build()" in (here / "patched.py").read_text()


def messages(ran: Ran) -> str:
    assert (ran.status, ran.out) == (2, "")
    assert "Traceback" not in ran.err
    return ran.err


def test_mistakes_are_explained(here: Path) -> None:
    def fix(*options: str) -> str:
        return messages(rflint("fix", *options, cwd=here))

    listed = fix("net:build", "--res", "32", "--repair", "9")
    assert "there is no repair 9 of net:build" in listed
    assert "1. truncate after" in listed
    assert "takes one resolution" in fix("net:build", "--res", "32,64")
    assert "has to end in .py" in fix("net:build", "--res", "32", "--output", "patched.txt")
    assert "no input size" in fix("net:build")
    assert "no such option" in fix("net:build", "--res", "32", "--repiar", "1").lower()
    assert "Missing argument 'TARGET'" in fix()
    assert "no file nothing.py" in fix("nothing.py:build", "--res", "32")


def test_a_sound_model_needs_no_repair(here: Path) -> None:
    ran = rflint("fix", "net:build", "--res", "224", "--output", "patched.py", cwd=here)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err == "net:build has no unproductive layer: nothing to repair\n"
    assert not (here / "patched.py").exists()


def test_a_model_without_a_repair_says_why(here: Path) -> None:
    encoder = "from torch import nn\ndef build():\n    return nn.Sequential(nn.Conv2d(3, 8, 3, 4), "
    write(here, {"encoder.py": encoder + "*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(9)))\n"})
    ran = rflint("fix", "encoder.py:build", "--res", "16", cwd=here)
    text = messages(ran)
    assert "has unproductive layers and no repair" in text
    assert "its output is not batch x classes" in text
    assert "output would have another size" in text


def test_a_kind_can_be_asked_for(here: Path) -> None:
    ran = rflint("fix", "net:build", "--res", "32", "--kind", "dilate", cwd=here)
    assert ran.status == 0
    assert "dilate instead of the strides" in ran.err


def test_names_and_titles_cannot_break_out_of_the_file(tmp_path: Path) -> None:
    """What comes from a model stands in comments, in strings, or nowhere."""
    figures = Metrics(1, 2, 3)
    hostile = 'a """ b \\ c'
    repair = Repair(
        "truncate", hostile, "words", (Edit("m.a = 1", "why"),), figures, figures, verified=True
    )
    text = source_file(
        OriginalModel("net:build", {"x": 'q"\n'}, False), repair, [(1, 3, 8, 8)], tmp_path
    )
    compile(text, "patched.py", "exec")
    assert text.count('"""') == 4


def test_a_configured_target_is_repaired_as_it_is_configured(tmp_path: Path) -> None:
    """Its size and its arguments come from the configuration, unless the command line says so."""
    configuration = """
        [[models]]
        target = "model:build"
        res = {res}
        args = {{ classes = 7 }}
    """
    write(
        tmp_path,
        {"model.py": MODEL, "blocks.py": BLOCKS, "rflint.toml": configuration.format(res=16)},
    )
    ran = rflint("fix", "model:build", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert "classes=7" in ran.out

    write(tmp_path, {"rflint.toml": configuration.format(res="[16, 32]")})
    several = rflint("fix", "model:build", cwd=tmp_path)
    assert several.status == 2
    assert "Choose with --res." in several.err


CELLS = """
from torch import nn

class Cell(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.a, self.b = nn.Conv2d(n, n, 3, 1, 1), nn.Conv2d(n, n, 5, 1, 2)

    def forward(self, x, before):
        return self.a(x) + self.b(before)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.stages = nn.Sequential(nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1))
        self.one, self.two = Cell(8), Cell(8)
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(8, 10)

    def forward(self, x):
        x = self.stages(self.stem(x))
        y = self.one(x, x)
        return self.head(self.pool(self.two(y, y)).flatten(1))
"""


def test_no_file_is_written_that_does_not_run(tmp_path: Path) -> None:
    """nn.Identity() takes one argument: it is no way to leave out a cell of two."""
    write(tmp_path, {"net.py": CELLS})
    for number in (1, 2, 3):
        options = ("--res", "14", "--repair", str(number), "--output", f"small{number}.py")
        ran = rflint("fix", "net:Net", *options, cwd=tmp_path)
        file = tmp_path / f"small{number}.py"
        if ran.status != 0:
            assert not file.exists()
            continue
        build = f"import small{number}, torch; m = small{number}.build()"
        code = f"{build}; m(torch.rand(2, 3, 14, 14)).sum().backward()"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=plain_environment(), capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()


class Halves(nn.Module):
    """A block that returns two values; what takes its place has to do so as well."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.conv(x)
        return x, x * 2


class Doubled(nn.Module):
    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = self.block(x)
        return a + b


class ReadsValues(nn.Module):
    """Meta tensors have none: it is run on random ones."""

    def __init__(self, size: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, size, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        return x if float(x.sum()) > 0 else -x


class OverwritesWhatGradientsNeed(Doubled):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.sigmoid(x)
        x.add_(1)
        return x


META = torch.device("meta")


def image() -> list[torch.Tensor]:
    return [torch.empty(1, 4, 8, 8, device=META)]


@pytest.mark.parametrize(
    ("original", "changed"),
    [(Doubled(Halves()), Doubled(Halves())), (ReadsValues(), ReadsValues())],
)
def test_what_runs_is_not_refused(original: nn.Module, changed: nn.Module) -> None:
    check_runs(original.to(META), changed.to(META), image(), train=False)


@pytest.mark.parametrize(
    ("original", "changed", "reason"),
    [
        (Doubled(Halves()), Doubled(nn.Identity()), "fails in evaluation: ValueError"),
        (ReadsValues(), ReadsValues(5), "returns other shapes in evaluation"),
        (nn.Sigmoid(), OverwritesWhatGradientsNeed(nn.Identity()), "fails in training"),
    ],
)
def test_what_does_not_run_is_refused(original: nn.Module, changed: nn.Module, reason: str) -> None:
    inputs = [tensor.requires_grad_() for tensor in image()]
    with pytest.raises(RepairFailed, match=reason):
        check_runs(original.to(META), changed.to(META), inputs, train=False)
