"""`rflint measure` from the command line: trained weights, images in folders, what is shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.helpers.images import write_images
from tests.helpers.program import Ran, rflint, started, write
from tests.helpers.terminal import on_a_terminal
from zoo.fashion_mnist import FOLDER, MissingImages, read

MODEL = """
import torch
from torch import nn


def build(classes=2):
    layers = []
    for channels_in, channels in [(1, 4), (4, 8), (8, 8), (8, 8), (8, 8), (8, 8)]:
        layers += [nn.Conv2d(channels_in, channels, 3, padding=1), nn.ReLU()]
        if len(layers) % 4 == 0:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes))


def sets():
    from torch.utils.data import TensorDataset

    torch.manual_seed(0)
    labels = torch.arange(40) % 2
    images = torch.randn(40, 1, 16, 16) + labels.view(-1, 1, 1, 1)
    return TensorDataset(images, labels), TensorDataset(images.flip(0), labels.flip(0))
"""
MEASURE = ("measure", "net.py:build", "--res", "16", "--data", "images", "--device", "cpu")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A model, images of two classes, and weights of a checkpoint."""
    write(tmp_path, {"net.py": MODEL})
    write_images(tmp_path / "images", {"train": 40, "val": 20})
    torch.manual_seed(0)
    namespace: dict[str, Any] = {}
    exec(MODEL, namespace)
    model: nn.Module = namespace["build"]()
    state = {f"module.{name}": value for name, value in model.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "last.pt")
    return tmp_path


def report(ran: Ran) -> Any:
    assert ran.status == 0, ran.err
    return ran.report["models"][0]


def test_a_trained_model_is_measured(project: Path) -> None:
    ran = rflint(*MEASURE, "--weights", "last.pt", cwd=project)
    assert ran.status == 0, ran.err
    assert "Measured on 80 samples of 2 classes, tested on 40; the model's accuracy" in ran.out
    assert "images: images cut to a square in the middle, resized to 16x16, values" in ran.out
    assert 'weights: last.pt (state_dict, without "module.")' in ran.out
    assert "Predicted border 11; saturation" in ran.out
    found = report(rflint(*MEASURE, "--weights", "last.pt", "--format", "json", cwd=project))
    measured = found["measured"]
    assert (measured["samples"], measured["delta"], measured["complete"]) == (80, 0.99, True)
    assert [x["name"] for x in measured["layers"]] == ["0", "2", "5", "7", "9", "11", "15"]
    assert all(0 <= x["s"] <= 1 and 0 <= x["p"] <= 1 for x in measured["layers"])
    assert max(x["p"] for x in measured["layers"]) > 0.6, "discs and squares are told apart"
    few = rflint(*MEASURE, "--delta", "0.995", "--layers", "0", "--layers", "2", cwd=project).out
    assert "s: the share of directions that hold 99.5 % of the variance" in few
    assert set(measured["tail"]) <= {x["name"] for x in measured["layers"]}


def test_without_weights_it_is_said_so(project: Path) -> None:
    ran = rflint(*MEASURE, "--no-probes", cwd=project)
    assert "weights: as the model was built, not trained" in ran.out
    assert "no probes were fitted" in " ".join(ran.out.split())


def test_in_few_words_it_is_a_line_a_finding_and_one_for_what_was_measured(project: Path) -> None:
    ran = rflint(*MEASURE, "--no-probes", "--quiet", cwd=project)
    assert (ran.status, ran.err) == (0, "")
    *findings, last = ran.out.splitlines()
    assert findings
    assert all(": RF" in line for line in findings)
    assert last.startswith("net.py:build at 16x16: measured on 80 samples: predicted border 11; ")
    assert last.endswith("; no probes were fitted.")


def test_measurements_are_kept_and_shown_again(project: Path) -> None:
    ran = rflint(*MEASURE, "--weights", "last.pt", "--save", "m.json", "--erf", "5", cwd=project)
    assert "wrote m.json" in ran.err
    lint = ("net.py:build", "--res", "16", "--measured", "m.json")
    shown = rflint(*lint, cwd=project)
    assert shown.status == 1
    table = ran.out[ran.out.index("Measured on") : ran.out.index("RF101")]
    assert table in shown.out
    saved = json.loads((project / "m.json").read_text())
    entry = rflint(*lint, "--format", "json", cwd=project).report["models"][0]["measured"]
    assert {name: saved[name] for name in entry} == entry
    (area, *_) = entry["layers"][2]["erf_areas"]
    assert area["share"] == 0.2
    assert "5 (r_min 10, r_max 10 px) is shaped by" in ran.out
    blocks = entry["layers"][2]["erf_map"]
    assert (blocks["block"], blocks["size"]) == ([1, 1], [16, 16])
    assert max(map(max, blocks["rows"])) == 1


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_a_figure_shows_what_was_measured(project: Path, suffix: str) -> None:
    """The same bytes each time; the maps stand below the panel and make it higher."""
    rflint(*MEASURE, "--no-probes", "--save", "m.json", "--erf", "5", "--erf", "0", cwd=project)
    plot = ("plot", "net.py:build", "--res", "16")
    shown = (*plot, "--measured", "m.json")
    for name, arguments in {"one": shown, "two": shown, "plain": plot}.items():
        ran = rflint(*arguments, "-o", f"{name}.{suffix}", cwd=project)
        assert (ran.status, ran.err) == (0, f"wrote {name}.{suffix}: 1 panel\n")
    one, two, plain = (
        (project / f"{name}.{suffix}").read_bytes() for name in ("one", "two", "plain")
    )
    assert one == two
    if suffix == "svg":
        assert (plain.count(b'id="axes_'), one.count(b'id="axes_')) == (1, 5)
        assert (plain.count(b"<image"), one.count(b"<image")) == (0, 3), "two maps, and colours"
    else:
        assert len(one) > len(plain)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("net.py:build", "--res", "8"), "measurements of net.py:build at 16x16, which is not"),
        (("net.py:other", "--res", "16"), "layers that net.py:other does not have"),
    ],
)
def test_measurements_of_something_else_are_refused(
    project: Path, arguments: tuple[str, ...], said: str
) -> None:
    rflint(*MEASURE, "--no-probes", "--save", "m.json", cwd=project)
    write(project, {"net.py": MODEL + "\n\nother = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3))"})
    saved = json.loads((project / "m.json").read_text())
    del saved["model"]  # as of a file that tells nothing of it
    (project / "m.json").write_text(json.dumps(saved | {"target": "net.py:other"}))
    if arguments[0] == "net.py:build":
        (project / "m.json").write_text(json.dumps(saved))
    ran = rflint(*arguments, "--measured", "m.json", cwd=project)
    assert ran.status == 2
    assert said in ran.err


TWINS = """
from torch import nn


def build(channels=1, kernel=3, depth=1, act=nn.ReLU):
    layers = [nn.Conv2d(channels, 4, kernel, padding=kernel // 2), act()]
    for _ in range(depth):
        layers += [nn.Conv2d(4, 4, 3, padding=1), act()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
"""


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was measured of one of the models that a builder makes, without --arg and with it."""
    folder = tmp_path_factory.mktemp("twins")
    write(folder, {"net.py": MODEL, "twins.py": TWINS})
    measure = ("measure", "twins.py:build", "--res", "16", "--data", "net.py:sets", "--no-probes")
    for file, *given in (("m.json",), ("deep.json", "--arg", "depth=2")):
        ran = rflint(*measure, "--layers", "0", "--save", file, *given, cwd=folder)
        assert ran.status == 0, ran.err
    return folder


def linted(folder: Path, *arguments: str) -> Ran:
    return rflint("twins.py:build", "--res", "16", *arguments, cwd=folder)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("channels=3",), "gets an input of 3x16x16 for each sample, not of 1x16x16"),
        (("kernel=5",), "has a layer 0 that has a kernel of 5x5, not 3x3"),
        (("depth=2",), "which does not have 6"),
        (("depth=0",), "which does not have 2, 6"),
    ],
)
def test_measurements_of_a_twin_by_other_arguments_are_refused(
    twins: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Though the layer that was measured is there in each of them."""
    given = [part for argument in arguments for part in ("--arg", argument)]
    ran = linted(twins, "--measured", "m.json", *given)
    assert (ran.status, ran.out) == (2, "")
    assert "m.json holds measurements of another model than this twins.py:build, which" in ran.err
    assert said in ran.err
    assert "It was measured without --arg: lint it so. If the model has changed" in ran.err
    other = linted(twins, "--measured", "deep.json", *given)
    assert ("measured with --arg depth=2: lint it so" in other.err) == (arguments != ("depth=2",))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--arg", "channels=1"),
        ("--tracer", "export"),
        ("--train",),
        ("--input", "4x1x16x16"),
    ],
)
def test_the_same_model_in_other_words_is_shown_with_its_measurements(
    twins: Path, arguments: tuple[str, ...]
) -> None:
    """A default that is given, another way to follow it, another batch."""
    size = () if "--input" in arguments else ("--res", "16")
    ran = rflint("twins.py:build", *size, "--measured", "m.json", *arguments, cwd=twins)
    assert "Measured on 40 samples" in ran.out, ran.err


def test_of_several_models_of_a_builder_the_one_that_was_measured_has_it(twins: Path) -> None:
    models = "".join(
        f'[[models]]\ntarget = "twins.py:build"\nargs = {{ depth = {depth} }}\nres = 16\n'
        for depth in (1, 2)
    )
    write(twins, {"several/rflint.toml": models, "several/twins.py": TWINS})
    file = str(twins / "deep.json")
    ran = rflint("twins.py:build", "--measured", file, "--format", "json", cwd=twins / "several")
    assert [model["measured"] is not None for model in ran.report["models"]] == [False, True]


def test_files_that_tell_nothing_of_the_model_are_read(twins: Path) -> None:
    """As rflint wrote them before: what they hold is shown where the layers are there."""
    entry = json.loads((twins / "m.json").read_text())
    del entry["model"]
    (twins / "old.json").write_text(json.dumps(entry))
    ran = linted(twins, "--measured", "old.json", "--arg", "channels=3")
    assert "Measured on 40 samples" in ran.out, ran.err


@pytest.mark.parametrize("data", ["net.py:sets", "net:sets"])
def test_data_of_ones_own(project: Path, data: str) -> None:
    ran = rflint(
        "measure", "net.py:build", "--res", "16", "--data", data, "--format", "json", cwd=project
    )
    assert report(ran)["measured"]["data"] == data


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "nowhere"), "there is no folder nowhere"),
        (("--data", "net.py:nothing"), "has no attribute 'nothing'"),
        (("--weights", "absent.pt"), "absent.pt: No such file or directory"),
        (("--weights", "last.pt", "--arg", "classes=5"), "15.weight is 2x8 in the file and 5x8"),
        (("--weights", "last.pt", "--arg", "classes=5"), "for the training, with --arg classes=2:"),
        (("--mean", "0.5"), "one number for each channel, both or neither"),
        (("--mean", "a,b", "--std", "1"), "is no list of numbers"),
        (("--mean", "0", "--std", "0"), "have to be above 0"),
        (("--layers", "7*", "--layers", "conv"), "is called 'conv'"),
        (("--res", "16,32"), "measured at one resolution"),
        (("--device", "tpu"), "there is no device 'tpu' here There is: cpu"),
        (("--data", "nomodule:x"), "Looked for an installed package and in the current folder."),
        (("--data", "net.py:nm"), "net.py has no attribute 'nm' It defines: build, sets."),
        (("--delta", "0"), "is not in the range"),
        (("--samples", "1"), "is not in the range"),
        (("--save", "absent/m.json"), "cannot write absent/m.json"),
    ],
)
def test_mistakes_have_one_message(project: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = rflint(*MEASURE, "--no-probes", *arguments, cwd=project)
    assert (ran.status, ran.out) == (2, "")
    assert said in " ".join(ran.err.split())


@pytest.mark.parametrize(
    ("data", "said", "option"),
    [
        ("photos", "The first samples of photos are 28x28. If the model was trained", "28"),
        ("net.py:sets", "The first samples of net.py:sets are 16x16.", "16"),
        ("net.py:wide", "The first samples of net.py:wide are 16x24.", "16x24"),
        ("several", "Give the size that the model was trained at.", "SIZE"),
        ("nowhere", "Give the size that the model was trained at.", "SIZE"),
    ],
)
def test_without_a_size_the_whole_command_is_told_with_that_of_the_data(
    project: Path, data: str, said: str, option: str
) -> None:
    from PIL import Image

    wide = """
def wide():
    images, labels = torch.zeros(8, 1, 16, 24), torch.arange(8) % 2
    return torch.utils.data.TensorDataset(images, labels)
"""
    write(project, {"net.py": MODEL + wide})
    write_images(project / "photos", {"train": 8}, side=28)
    write_images(project / "several", {"train": 4})
    Image.new("L", (9, 9)).save(project / "several" / "train" / "round" / "0.png")
    given = (
        "measure",
        "net.py:build",
        "--weights",
        "last.pt",
        "--data",
        data,
        "--arg",
        "classes=2",
    )
    ran = rflint(*given, cwd=project)
    assert (ran.status, ran.out) == (2, "")
    assert "no input size" in ran.err
    assert said in " ".join(ran.err.split())
    assert ran.err.endswith(f"  rflint {' '.join(given)} --res {option}\n")
    if option != "SIZE":
        *_, command = ran.err.splitlines()
        assert rflint(*command.split()[1:], "--no-probes", cwd=project).status == 0


def test_on_a_narrow_terminal_messages_are_broken_but_for_commands(project: Path) -> None:
    given = ("measure", "net.py:build", "--data", "images", "--weights", "last.pt", "--seed=3")
    lines = on_a_terminal(*given, cwd=project, COLUMNS="40").splitlines()
    assert f"  rflint {' '.join(given)} --res 16" in lines
    assert all(len(line) <= 40 for line in lines if not line.startswith("  rflint measure"))
    assert len(lines) > 3


def test_a_hint_repeats_what_was_typed(project: Path) -> None:
    """Here of a builder that lacks an argument; and not the size that it replaces."""
    write(project, {"lacks.py": MODEL.replace("classes=2", "classes: int")})
    ran = rflint("measure", "lacks.py:build", *MEASURE[2:], cwd=project)
    assert ran.err.endswith(
        "  rflint measure lacks.py:build " + " ".join(MEASURE[2:]) + " --arg classes=10\n"
    )


WAITS = """
import signal

import net


class Waits(net.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = net.build()
        self.batches = 0

    def forward(self, x):
        self.batches += x.device.type != "meta"
        if self.batches == BATCH:
            open("begun", "w").close()
            signal.pause()
        return self.layers(x)
"""


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (3, "Interrupted: saturation comes from 20 of 40 samples; not measured: accuracy, probes."),
        (7, "Interrupted: the model's accuracy comes from 20 of 40 samples; not measured: probes."),
        (11, "Interrupted: probes were fitted at 0 of 7 layers."),
    ],
)
def test_ctrl_c_shows_and_keeps_what_is_measured(project: Path, batch: int, said: str) -> None:
    write(project, {"waits.py": WAITS.replace("BATCH", str(batch))})
    os.mkfifo(project / "begun")
    running = started(
        *("measure", "waits.py:Waits", "--res", "16", "--data", "net.py:sets", "--device", "cpu"),
        *("--batch", "10", "--save", "kept.json"),
        cwd=project,
        stderr=subprocess.PIPE,
    )
    (project / "begun").read_bytes()  # it is there, once the model opens the other end
    running.send_signal(signal.SIGINT)
    out, err = running.communicate()
    assert running.returncode == 130
    assert said in " ".join(out.split())
    assert "wrote kept.json" in err
    kept = json.loads((project / "kept.json").read_text())
    assert kept["complete"] is False
    assert all(layer["s"] is not None for layer in kept["layers"])
    again = rflint("waits.py:Waits", "--res", "16", "--measured", "kept.json", cwd=project)
    assert said in " ".join(again.out.split())


SLOW = """
import signal
import torch
from torch.utils.data import Dataset


class Slow(Dataset):
    def __len__(self):
        return 40

    def __getitem__(self, index):
        open("begun", "w").close()
        signal.pause()


def sets():
    return Slow(), Slow()
"""


@pytest.mark.parametrize(
    ("target", "data"), [("waits.py:Waits", "net.py:sets"), ("net.py:build", "slow.py:sets")]
)
def test_ctrl_c_before_anything_is_measured(project: Path, target: str, data: str) -> None:
    """While the first batch is run, or samples are read for their labels."""
    write(project, {"waits.py": WAITS.replace("BATCH", "1"), "slow.py": SLOW})
    os.mkfifo(project / "begun")
    running = started(
        *("measure", target, "--res", "16", "--data", data, "--device", "cpu"),
        *("--save", "kept.json"),
        cwd=project,
        stderr=subprocess.PIPE,
    )
    (project / "begun").read_bytes()
    running.send_signal(signal.SIGINT)
    assert running.communicate() == ("", "rflint: interrupted: nothing was measured yet\n")
    assert running.returncode == 130
    assert not (project / "kept.json").exists()


def test_on_real_images(tmp_path: Path) -> None:
    """The Debian package: what a training of seconds makes of three hundred clothes."""
    from PIL import Image

    try:
        parts = {"train": read("train").first(300), "test": read("test").first(200)}
    except MissingImages:
        pytest.skip(f"{FOLDER} is not there")
    for part, images in parts.items():
        for index, (pixels, label) in enumerate(zip(images.pixels, images.labels, strict=True)):
            folder = tmp_path / "images" / part / f"class{int(label)}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.numpy()).save(folder / f"{index}.png")
    write(tmp_path, {"net.py": MODEL})
    found = report(rflint(*MEASURE, "--arg", "classes=10", "--format", "json", cwd=tmp_path))[
        "measured"
    ]
    assert (found["samples"], found["test_samples"], found["classes"]) == (300, 200, 10)
    assert max(x["p"] for x in found["layers"]) > 0.5, "even of random features, of ten classes"
