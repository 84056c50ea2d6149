"""`rflint sizes`: which input sizes suit a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rflint.report.sizes import json_schema
from tests.helpers.forked import Forked, Ran

NETS = """
import torch
from torch import nn


def _block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.ReLU())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.deep = _block(3, 8), nn.Sequential(_block(8, 16), _block(16, 16))
        self.pool, self.up = nn.MaxPool2d(2), nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.out = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, x):
        kept = self.down(x)
        return self.out(torch.cat([self.up(self.deep(self.pool(kept))), kept], 1))


class Causal(nn.Module):
    def __init__(self, levels=6):
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Conv1d(1 if i == 0 else 4, 4, 3, dilation=2**i) for i in range(levels)
        )

    def forward(self, x):
        for i, level in enumerate(self.levels):
            x = torch.relu(level(nn.functional.pad(x, (2 * 2**i, 0))))
        return x


def strided():
    layers = [nn.Sequential(nn.Conv2d(3, 3, 3, 2, 1), nn.ReLU()) for _ in range(5)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))


class Asserts(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        assert x.shape[-1] % 32 == 0, f"{x.shape[-1]} is no multiple of 32"
        return self.conv(x)


def broken():
    raise ValueError("no such thing")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def sizes(forked: Forked, folder: Path) -> Any:
    def run(*args: str) -> Ran:
        return forked.rflint("sizes", *args, cwd=folder)

    return run


def document(ran: Ran) -> Any:
    found = json.loads(ran.out)
    Draft202012Validator(json_schema.strict()).validate(found)
    return found


def test_ranges_are_the_rows_of_a_table(sizes: Any) -> None:
    ran = sizes("nets:strided", "--res", "64")
    assert (ran.status, ran.err) == (0, "")
    rows = [line.split("  ")[0] for line in ran.out.splitlines()]
    assert rows[0] == "nets:strided"
    assert "16 to 30" in rows
    assert "31 to 63" in rows
    assert "64 to 512" in rows
    assert "1 unproductive" in ran.out
    assert "The smallest sound input of these is 31x31 px" in ran.out.replace("×", "x")
    assert "none of that at 33x33" in ran.out.replace("×", "x")


def test_sizes_that_do_not_run_are_told_once_for_all(sizes: Any) -> None:
    ran = sizes("nets:UNet", "--res", "51", "--from", "8", "--to", "64")
    assert ran.status == 0
    out = ran.out.replace("×", "x")
    assert "16, 18 to 64" in out
    assert "It does not run at the sizes between: at 9, layer cat (cat) cannot run on" in out
    assert (
        "It does not run at 51x51; the nearest sizes at which it does are 50x50 and 52x52." in out
    )


def test_sides_of_two_lengths_get_advice_side_by_side(sizes: Any) -> None:
    ran = sizes("nets:UNet", "--res", "51x70", "--from", "32", "--to", "96", "--format", "json")
    (model,) = document(ran)["models"]
    assert model["asked"] == [51, 70]
    assert model["advice"]["running"] == {"smaller": [50, 70], "larger": [52, 70]}


def test_a_look_back_is_told_in_steps_and_in_milliseconds(sizes: Any) -> None:
    ran = sizes("nets:Causal", "--res", "256", "--sample-rate", "16000", "--to", "300")
    assert (
        "A step of the output sees 127 steps of the input (7.94 ms): 126 before its own and none "
        "after; it is causal."
    ) in " ".join(ran.out.split())
    found = document(sizes("nets:Causal", "--res", "256", "--step", "100", "--format", "json"))
    told = found["models"][0]["look_back"]
    assert told.pop("layer").startswith("relu")
    assert told == {
        "is_output": True,
        "steps": 127,
        "back": 126,
        "ahead": 0,
        "every": 1,
        "milliseconds": None,
    }


def test_the_document_has_the_fields_of_the_contract(sizes: Any) -> None:
    ran = sizes("nets:strided", "--from", "16", "--to", "80", "--format", "json")
    found = document(ran)
    assert (found["schema_version"], found["errors"]) == (1, [])
    (model,) = found["models"]
    assert model["target"] == "nets:strided"
    assert [x["size"] for x in model["sizes"]] == [[n, n] for n in range(16, 81)]
    assert model["smallest_sound"] == [31, 31]
    assert model["sound"] == [[31, 63]]
    at = {x["size"][0]: x for x in model["sizes"]}
    assert (at[16]["runs"], at[16]["unproductive"], at[16]["sees_all"]) == (True, 1, True)
    assert (at[64]["unproductive"], at[64]["sees_all"]) == (0, False)
    assert not at[65]["uneven_padding"]
    assert at[64]["uneven_padding"]


def test_a_size_that_does_not_run_has_a_reason_and_nothing_else(sizes: Any) -> None:
    ran = sizes("nets:Asserts", "--from", "31", "--to", "33", "--format", "json")
    (model,) = document(ran)["models"]
    small, fits, large = model["sizes"]
    assert (small.keys(), large.keys()) == ({"size", "runs", "why"},) * 2
    assert "31 is no multiple of 32" in small["why"]
    assert fits["runs"] is True
    assert "asks how large its maps are" in model["each_traced_because"]


def test_a_model_that_fails_costs_its_own_entry(sizes: Any) -> None:
    ran = sizes("nets:broken", "nets:strided", "--to", "20", "--format", "json")
    found = document(ran)
    assert ran.status == 2
    assert [x["target"] for x in found["models"]] == ["nets:strided"]
    assert [x["target"] for x in found["errors"]] == ["nets:broken"]
    assert "no such thing" in ran.err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--from", "64", "--to", "32"), "--from 64 is larger than --to 32"),
        (("--from", "16x16x16"), "16x16x16 has 3 axes, the model's input 2"),
        (("--step", "0"), "--step"),
        (("--from", "many"), "--from"),
    ],
)
def test_what_is_no_range_is_one_message(sizes: Any, args: tuple[str, ...], says: str) -> None:
    ran = sizes("nets:strided", *args)
    assert ran.status == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_configured_models_are_looked_at_once_each(forked: Forked, folder: Path) -> None:
    (folder / "rflint.toml").write_text(
        '[[models]]\ntarget = "nets:strided"\nname = "small"\nres = [32, 64]\n', encoding="utf-8"
    )
    ran = forked.rflint("sizes", "--to", "40", "--format", "json", cwd=folder)
    assert [x["name"] for x in document(ran)["models"]] == ["small"]


def test_the_schema_of_the_document_is_printed(forked: Forked, folder: Path) -> None:
    ran = forked.rflint("schema", "sizes", "--strict", cwd=folder)
    assert json.loads(ran.out) == json_schema.strict()
    Draft202012Validator.check_schema(json_schema.published())
