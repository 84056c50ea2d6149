"""The report on a terminal: readable at any width, in any character set, without colour."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from torch import Tensor, nn

import rflint
from rflint.linting.rule_files import load_rules
from rflint.report.formats.text import print_report, write
from rflint.report.report import Report
from rflint.text.numbers import abbreviated, compact_size, percent, plural, relative_change
from tests.models.branches import IMAGE_AND_TOKENS, ImageAndTokens
from tests.models.unet import UNet
from zoo.paper.attention import ConvolutionalSqueezeExcitation
from zoo.paper.resnet import resnet18, resnet34
from zoo.paper.vgg import vgg


def printed(report: Report, width: int = 100, *, verbose: bool = False, **options: Any) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, markup=False, highlight=False, **options)
    print_report(console, replace(report, rules=load_rules()), verbose)
    return stream.getvalue()


@pytest.fixture(scope="module")
def report() -> Report:
    return rflint.lint(resnet18, res=32, name="mymodel:build")


def test_the_story_of_resnet18(report: Report) -> None:
    text = " ".join(printed(report).split())
    for part in (
        "mymodel:build on 1×3×32×32",
        "11.2 M parameters · 37.0 M MACs · 20 convolutions · 3 unproductive · 6.95 M dead weights "
        "(62 %)",
        "Border layer layer3.1.conv2. Receptive fields ask for at least 75 px; the "
        "widest spans 435 px.",
        "47 % of the parameters (5,308,416) and 19 % of the MACs work past the border",
        "1. fewest computations",
        "truncate after layer3.0",
        "m.fc = nn.Sequential(nn.Linear(256, 10))",
        "5. keeps every layer and larger maps throughout",
        "remove the downsampling of conv1, maxpool",
        "m.conv1.stride = (1, 1)",
        "Or feed it larger inputs: at 75×75 nothing is unproductive, for 247 M MACs (×6.7).",
        "RF101 unproductive-layer (3 warnings, predicted)",
        "RF301 dead-taps (4 warnings, proved)",
        "Found 10 warnings, 1 info.",
    ):
        assert part in text


def test_thirteen_unproductive_layers_read_as_one_story() -> None:
    text = printed(rflint.lint(lambda: resnet18(skip=False), res=32, select="RF101"))
    assert text.count("RF101") == 1
    assert "13 convolutions of 17" in text
    lines = [line.split() for line in text.splitlines() if line.startswith("  zoo/")]
    inner = {line[0] for line in lines}
    assert len(inner) == 2, "conv1 and conv2 of the block"
    assert len(lines) == len({(line[0], line[3]) for line in lines}), "by the stage's line"


def test_the_bar_crosses_the_mark_exactly_where_a_layer_is_unproductive(report: Report) -> None:
    verdicts = {x.layer.name: x.verdict.value for x in report.layers}
    rows = [line for line in printed(report).splitlines() if "│" in line and "sees" not in line]
    named = 0
    for line in rows:
        name = line[1:].split()[0]
        if name in verdicts and verdicts[name] != "not judged":
            named += 1
            past = line.split("│")[1].lstrip("0")[:1]
            assert (past in "▓▶" and past != "") == (verdicts[name] == "unproductive"), line
            assert line.startswith("✗") == (verdicts[name] == "unproductive")
    assert named == 20


def test_only_what_still_has_positions_has_a_map(report: Report) -> None:
    lines = printed(report, verbose=True).splitlines()
    rows = {words[0]: words for line in lines if len(words := line.split()) > 3}
    assert rows["maxpool"][3] == "8×8"
    assert rows["fc"][:4] == ["fc", "1×1", "1", "∞"], "ten channels are no map"


@pytest.mark.parametrize("width", [30, 44, 60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(report: Report, width: int) -> None:
    lines = printed(report, width).splitlines()
    assert max(len(line) for line in lines) <= width
    assert any("layer3.1.conv2" in line for line in lines)


@pytest.mark.parametrize("width", [44, 100])
def test_without_unicode_everything_is_ascii(report: Report, width: int) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=stream, width=width, markup=False, highlight=False)
    print_report(console, replace(report, rules=load_rules()))
    stream.flush()
    stream.seek(0)
    text = stream.read()
    assert "layer3.1.conv2" in text
    assert "|%" in text, "the bar is still a bar"


def test_a_pipe_gets_plain_text_without_trailing_spaces(report: Report) -> None:
    stream = io.StringIO()
    write(replace(report, rules=load_rules()), stream, False)
    text = stream.getvalue()
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_terminal_gets_colour_unless_it_asks_for_none(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = printed(report, force_terminal=True, color_system="truecolor")
    assert "\x1b[" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    plain = printed(report, force_terminal=True, color_system="truecolor")
    assert "\x1b[1;31m" not in plain
    assert "\x1b[31m" not in plain


def test_long_networks_are_abridged_around_the_border() -> None:
    report = rflint.lint(resnet34, res=32)
    short, long = printed(report), printed(report, verbose=True)
    assert re.search(r"… \d+ more\s*\n", short)
    assert "more" not in long.split("RF101")[0]
    for layer in report.models[0].analysis.unproductive:
        assert layer.layer.name in short
    assert len(short.splitlines()) < len(long.splitlines())


def test_a_sound_model_is_three_lines() -> None:
    text = printed(rflint.lint(resnet18, res=224), width=120)
    assert (
        "No convolution is unproductive at 224×224. "
        "Receptive fields ask for at least 75 px; the widest spans 435 px.\n" in text
    )
    assert "No findings." in text
    assert len([line for line in text.splitlines() if line]) == 4


def test_several_models_and_sizes_begin_with_a_table_of_all() -> None:
    lines = printed(rflint.lint(resnet18, res=[32, 224], name="mymodel:build")).splitlines()
    assert lines[0].split() == [
        *("model", "input", "parameters", "MACs"),
        *("convolutions", "unproductive", "findings"),
    ]
    cells = [re.split(r"\s{2,}", line.strip()) for line in lines[1:3]]
    assert cells == [
        ["mymodel:build", "32×32", "11.2 M", "37.0 M", "20", "3", "10 warnings, 1 info"],
        ["mymodel:build", "224×224", "11.2 M", "1.81 G", "20", "0", "none"],
    ]
    assert "parameters" not in lines[3]


@pytest.mark.parametrize("width", [30, 50, 80])
def test_the_table_of_models_fits_the_terminal_and_keeps_what_was_found(width: int) -> None:
    name = "a_long_package_name.models.residual:build_for_small_images"
    lines = printed(rflint.lint(resnet18, res=[32, 224], name=name), width).splitlines()
    assert max(map(len, lines)) <= width
    assert "findings" in lines[0]
    assert lines[1].startswith("a_")
    assert "…" in lines[1]


@pytest.mark.parametrize("width", [80, 100])
def test_long_names_are_cut_in_the_middle_and_what_is_read_stays(width: int) -> None:
    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = nn.ModuleDict({"feature_extraction_stage_number_one": resnet18()})

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.backbone["feature_extraction_stage_number_one"](x)
            return out

    lines = printed(rflint.lint(Deep, res=32), width).splitlines()
    rows = [line for line in lines if "│" in line and "sees:" not in line and "=" not in line]
    head = next(line for line in lines if "kernel" in line)
    assert all(column in head for column in ("layer", "kernel", "stride", "sees"))
    assert len(rows) > 20
    for row in rows:
        assert re.search(r" backbone.*….*(conv\d|maxpool|downsample\.0|avgpool)  ", row), row
    assert max(map(len, lines)) <= width


def test_verbose_tells_which_convolutions_are_not_judged_and_why() -> None:
    report = rflint.lint(lambda: resnet18(attention=ConvolutionalSqueezeExcitation), res=32)
    gates = [x.described for x in report.layers if x.kind.is_convolution and not x.is_judged]
    assert gates
    short, long = printed(report), " ".join(printed(report, verbose=True).split())
    assert f"(and {len(gates)} not judged)" in short
    assert "attention gate" not in short
    said = f"Not judged, since it belongs to an attention gate: {', '.join(gates)}."
    assert said in long


def test_inputs_of_different_sizes_are_told_what_receptive_fields_ask_for() -> None:
    class Towers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.large, self.small = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.large(x).mean((2, 3)) + self.small(y).mean((2, 3))

    text = " ".join(printed(rflint.lint(Towers, input=[(1, 3, 64, 64), (1, 3, 16, 16)])).split())
    assert "Receptive fields ask for at least 1 px." in text
    assert "the widest" not in text


def test_only_images_have_pixels() -> None:
    series = nn.Sequential(nn.Conv1d(2, 4, 9, padding=4), nn.Conv1d(4, 4, 9, padding=4))
    text = " ".join(printed(rflint.lint(series, input=(1, 2, 64)), verbose=True).split())
    assert "at least 9 positions; the widest spans 17 positions." in text
    assert "in positions of the input (" in text
    assert "px" not in text
    assert "pixel" not in text


def test_a_series_beside_an_image_is_not_counted_in_pixels() -> None:
    text = " ".join(printed(rflint.lint(ImageAndTokens, input=IMAGE_AND_TOKENS)).split())
    assert "No convolution is unproductive at 64×64." in text
    assert "at least 7 px." in text
    verbose = printed(rflint.lint(ImageAndTokens, input=IMAGE_AND_TOKENS), verbose=True)
    assert "in pixels per side, or positions, of the input that it sees" in " ".join(
        verbose.split()
    )


@pytest.mark.parametrize("res", [8, 64, 256])
def test_receptive_fields_are_never_taken_for_sizes_at_which_a_model_runs(res: int) -> None:
    """It runs at multiples of 8 only; what is said holds at any size, and no size is promised."""
    text = " ".join(printed(rflint.lint(UNet, res=res)).split())
    assert "Receptive fields ask for at least 52 px; the widest spans 100 px." in text
    assert "sound" not in text
    assert ("nothing is unproductive" in text) == ("at 56×56 nothing" in text) == (res == 8)


def test_convolutions_that_are_not_judged_are_counted_in_the_table_of_models_too() -> None:
    text = printed(rflint.lint(UNet, res=[8, 64]))
    totals = rflint.lint(UNet, res=64).models[0].analysis.totals.convs
    assert f"{totals} convolutions (and " in text
    assert re.search(rf"64×64 .* {totals} of \d+ judged ", text)


def test_how_far_a_part_sees_is_not_said_of_the_whole() -> None:
    from rflint.rules.rf902_left_out_part import thresholds

    text = printed(rflint.lint(thresholds, res=3))
    assert "incomplete" in text
    assert "the widest" not in text


def test_edits_stand_beside_the_line_that_built_what_they_change(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n"
        "def block(channels, stride):\n"
        "    return nn.Conv2d(channels, 8, 3, stride, padding=1)\n"
        "def build():\n"
        "    stem = block(3, 2)\n"
        "    middle = block(8, 2)\n"
        "    deep = [nn.Conv2d(8, 8, 3, padding=1) for _ in range(6)]\n"
        "    return nn.Sequential(stem, middle, *deep, nn.AdaptiveAvgPool2d(1), nn.Flatten(),\n"
        "                         nn.Linear(8, 2))\n"
    )
    report = rflint.lint_project(f"{file}:build", res=32, isolated=True)
    text = " ".join(printed(report, 160).split())
    assert "m[0].stride = (1, 1) # line 3 (from 5)" in text
    assert "m[1].stride = (1, 1) # line 3 (from 6)" in text
    narrow = [line.strip() for line in printed(report, 80).splitlines()]
    for line in narrow:
        assert not re.fullmatch(r"m\[.*  # line \d+ \(from", line), "a comment is never torn"
    entries = report.to_dict()["models"][0]["repairs"]
    for entry in entries:
        assert len(entry["edit_sources"]) == len(entry["edits"])
        for edit, source in zip(entry["edits"], entry["edit_sources"], strict=True):
            if edit.endswith("stride = (1, 1)"):
                assert source["line"] == 3


def test_a_model_without_convolutions_says_so() -> None:
    text = printed(rflint.lint(nn.Sequential(nn.ReLU()), res=8))
    assert "no convolution to judge" in text
    assert "No findings." in text


def test_rectangular_inputs_show_both_lengths() -> None:
    text = printed(rflint.lint(lambda: vgg(16), res=(32, 200), name="mymodel:build"), verbose=True)
    assert "on 1×3×32×200" in text
    assert "32×200" in text


def test_names_that_look_like_markup_stay_names() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.add_module("[red]stem[/red]", nn.Conv2d(3, 8, 3, 8))
            self.add_module("[/bold]", nn.Conv2d(8, 8, 3, 8, 3))
            self.add_module(":smile:", nn.Conv2d(8, 8, 3, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            for module in self.children():
                x = module(x)
            return x

    text = printed(rflint.lint(Odd, res=16))
    for name in ("[red]stem[/red]", "[/bold]", ":smile:"):
        assert name in text


def test_names_cannot_take_over_the_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;title\x07\r\n::error::"
    net = nn.Sequential(nn.Conv2d(3, 4, 15, padding=7), nn.Conv2d(4, 4, 15, padding=7))
    net.add_module(hostile, nn.Conv2d(4, 4, 3, padding=1))
    report = rflint.lint(net, res=8, name=hostile)
    text = printed(report, verbose=True)
    assert not {"\x1b", "\x07", "\r"} & set(text)
    assert not any(line.startswith("::error::") for line in text.splitlines())
    assert "\\x1b[2J" in text


def test_names_are_no_commands_to_the_log_of_a_ci_run() -> None:
    net = nn.Sequential()
    net.add_module("::error::name", nn.Conv2d(3, 4, 15, padding=7))
    net.add_module("##[error]name", nn.Conv2d(4, 4, 15, padding=7))
    stream = io.StringIO()
    report = rflint.lint(net, res=8, name="::stop-commands::x")
    write(replace(report, rules=load_rules()), stream, True)
    text = stream.getvalue()
    assert ": :error::name" in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text


def test_unknown_operators_are_told_one_by_one() -> None:
    from rflint.rules.rf901_unknown_operator import needs_an_accelerator

    text = " ".join(printed(rflint.lint(needs_an_accelerator, res=32)).split())
    assert "incomplete" in text
    assert "does not know what rflint_example::accelerated reads" in text
    assert "a kernel for an accelerator only" in text


def test_what_an_unknown_operator_reads_is_shown_as_unknown() -> None:
    from rflint.rules.rf901_unknown_operator import needs_an_accelerator

    class BehindAConvolution(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 3, 3, padding=1)
            self.rest = needs_an_accelerator()

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.rest(self.first(x))
            return out

    report = rflint.lint(BehindAConvolution, res=32)
    assert "accelerated in rest ? ? 32×32 3 " in " ".join(printed(report, verbose=True).split())


def test_where_the_analysis_ended_is_told() -> None:
    from rflint.rules.rf902_left_out_part import thresholds

    text = " ".join(printed(rflint.lint(thresholds, res=32)).split())
    assert "incomplete" in text
    assert "Judged up to where the model reads values of the data" in text
    assert "RF902" in text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (589824, "590 k"),
        (999999, "1.00 M"),
        (11181642, "11.2 M"),
        (37061632, "37.1 M"),
        (1820000000, "1.82 G"),
        (28613184691200, "28.6 T"),
    ],
)
def test_counts_have_three_digits(number: int, text: str) -> None:
    assert abbreviated(number) == text


def test_shares_changes_lengths_and_plurals() -> None:
    assert (percent(47, 100), percent(1, 1000), percent(0, 10), percent(0, 0)) == (
        "47 %",
        "<1 %",
        "0 %",
        "0 %",
    )
    assert relative_change(100, 25, "x") == "-75 %"
    assert relative_change(10, 152, "x") == "x15"
    assert relative_change(10, 25, "x") == "x2.5"
    assert relative_change(10, 10, "x") == ""
    assert relative_change(10_000, 10_001, "x") == "+<1 %"
    assert compact_size([3, 3]) == "3"
    assert compact_size([3, None], "x", "all") == "3xall"
    assert (plural(1, "layer"), plural(2, "layer")) == ("1 layer", "2 layers")
