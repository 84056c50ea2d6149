"""`rflint plot`: files in the formats that papers take, or an error that helps."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.helpers.forked import Forked
from tests.helpers.nets import NET
from tests.helpers.project import PROJECT

MAGIC = {".svg": b"<?xml", ".png": b"\x89PNG\r\n", ".pdf": b"%PDF-"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("suffix", MAGIC)
def test_the_name_of_the_file_says_the_format(forked: Forked, folder: Path, suffix: str) -> None:
    """Whatever is found in the models: this is no gate."""
    name = f"figure{suffix}"
    ran = forked.rflint("plot", "net.py:too_deep", "--res", "16", "-o", name, cwd=folder)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err == f"wrote {name}: 1 panel\n"
    assert (folder / name).read_bytes().startswith(MAGIC[suffix])


def test_several_models_at_several_sizes_are_panels(forked: Forked, folder: Path) -> None:
    ran = forked.rflint(
        *("plot", "net.py:too_deep", "net.py:build", "--res", "16,32", "-o", "figure.svg"),
        *("--title", "a & b", "--width", "9"),
        cwd=folder,
    )
    assert ran.status == 0, ran.err
    assert "4 panels" in ran.err
    root = ET.parse(folder / "figure.svg").getroot()
    panels = [x for x in root.iter() if (x.get("id") or "").startswith("axes_")]
    assert len(panels) == 4
    assert root.get("width") == "648pt"


def test_two_runs_are_the_same_bytes_and_say_no_date(forked: Forked, folder: Path) -> None:
    for name in ("one.svg", "two.svg"):
        forked.rflint("plot", "net.py:too_deep", "--res", "16", "-o", name, "-q", cwd=folder)
    one = (folder / "one.svg").read_bytes()
    assert one == (folder / "two.svg").read_bytes()
    assert b"dc:date" not in one


def test_an_unknown_suffix_is_refused_before_anything_is_linted(
    forked: Forked, folder: Path
) -> None:
    ran = forked.rflint("plot", "net.py:nothing", "--res", "16", "-o", "figure.jpeg", cwd=folder)
    assert ran.status == 2
    assert "figure.jpeg says no format" in ran.err
    assert ".svg, .png or .pdf" in ran.err
    assert "nothing" not in ran.err


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_pixels_per_inch_are_refused_where_there_are_no_pixels(
    forked: Forked, folder: Path, suffix: str
) -> None:
    name = f"figure{suffix}"
    ran = forked.rflint("plot", "net.py:nothing", "-o", name, "--dpi", "72", cwd=folder)
    assert ran.status == 2
    assert f"--dpi has no effect on a {suffix}" in ran.err
    assert "nothing" not in ran.err


def test_what_fails_at_every_size_is_told_once(forked: Forked, folder: Path) -> None:
    (folder / "broken.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    for command in (("plot", "-o", "figure.svg"), ()):
        ran = forked.rflint(*command, "broken.py:build", "--res", "32,64,96", cwd=folder)
        assert ran.status == 2
        assert "nowhere_to_be_found" in ran.err
        assert ran.err.count("rflint: error: ") == 1, ran.err


def test_without_a_file_it_says_which_option_is_missing(forked: Forked, folder: Path) -> None:
    ran = forked.rflint("plot", "net.py:too_deep", cwd=folder)
    assert ran.status == 2
    assert "--output" in ran.err


def test_without_matplotlib_it_says_what_to_install(forked: Forked, folder: Path) -> None:
    (folder / "matplotlib.py").write_text("raise ImportError('none', name='matplotlib')\n")
    ran = forked.rflint(
        *("plot", "net.py:too_deep", "--res", "16", "-o", "figure.png"),
        cwd=folder,
        PYTHONPATH=str(folder),
    )
    assert ran.status == 2
    assert 'pip install "rflint[plot]"' in ran.err
    assert not (folder / "figure.png").exists()


def test_where_a_model_fails_nothing_is_written(forked: Forked, folder: Path) -> None:
    ran = forked.rflint(
        *("plot", "net.py:too_deep", "net.py:nope", "--res", "16", "-o", "figure.png"), cwd=folder
    )
    assert ran.status == 2
    assert "net.py has no attribute 'nope'" in ran.err
    assert not (folder / "figure.png").exists()


def test_a_folder_that_is_not_there_is_an_error_of_one_line(forked: Forked, folder: Path) -> None:
    ran = forked.rflint(
        *("plot", "net.py:too_deep", "--res", "16", "-o", "no/where.png"), cwd=folder
    )
    assert ran.status == 2
    assert "cannot write no/where.png" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("suffix", MAGIC)
def test_models_over_the_sizes_of_their_inputs(forked: Forked, folder: Path, suffix: str) -> None:
    name = f"sizes{suffix}"
    span = ("--from", "8", "--to", "40")
    ran = forked.rflint(
        *("plot", "--sizes", "net.py:too_deep", "net.py:build", "--res", "16", *span, "-o", name),
        cwd=folder,
    )
    assert (ran.status, ran.out) == (0, ""), ran.err
    assert f"wrote {name}: 2 models over the sizes of the input" in ran.err
    assert (folder / name).read_bytes().startswith(MAGIC[suffix])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "16"), "--from has no effect without --sizes"),
        (("--to", "64x64"), "--to has no effect without --sizes"),
        (("--step", "2"), "--step has no effect without --sizes"),
        (("--sizes", "--measured", "m.json"), "--measured has no effect with --sizes"),
    ],
)
def test_options_without_an_effect_are_refused_before_anything_is_looked_at(
    forked: Forked, folder: Path, options: tuple[str, ...], message: str
) -> None:
    ran = forked.rflint("plot", "net.py:nothing", *options, "-o", "figure.svg", cwd=folder)
    assert ran.status == 2
    assert message in ran.err
    assert "nothing" not in ran.err


def test_where_a_model_runs_at_no_size_no_figure_of_sizes_is_written(
    forked: Forked, folder: Path
) -> None:
    (folder / "broken.py").write_text(
        "from torch import nn\n\n"
        "def build():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(5, 6, 3))\n",
        encoding="utf-8",
    )
    ran = forked.rflint(
        *("plot", "--sizes", "net.py:too_deep", "broken.py:build", "-o", "sizes.svg"), cwd=folder
    )
    assert ran.status == 2
    assert "broken.py:build" in ran.err
    assert not (folder / "sizes.svg").exists()


@pytest.mark.parametrize(("number", "panels"), [(0, 2), (1, 3)])
def test_the_pictures_of_the_documentation_are_made_by_the_commands_above_them(
    forked: Forked, tmp_path: Path, number: int, panels: int
) -> None:
    text = (PROJECT / "docs" / "figures.md").read_text(encoding="utf-8")
    commands = list(re.finditer(r"^rflint (plot .*) -o (docs/\S+)$", text, re.M))
    assert len(commands) == 2
    command = commands[number]
    arguments, file = command[1].split(), PROJECT / command[2]
    made = tmp_path / file.name
    options = ("--isolated", "--no-cache", "-o", str(made))
    ran = forked.rflint(*arguments, *options, cwd=PROJECT)
    assert ran.status == 0, ran.err
    assert f"({file.name})" in text
    drawn, anew = file.read_text(encoding="utf-8"), made.read_text(encoding="utf-8")
    version = re.compile(r"Matplotlib v[\d.]+")
    if version.findall(drawn) == version.findall(anew):
        assert drawn == anew, f"run rflint {command[1]} -o {command[2]}"
    assert drawn.count('id="axes_') == anew.count('id="axes_') == panels
