"""`rflint sizes --tile`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers.forked import Forked
from tests.helpers.program import write

NET = """
    from torch import nn


    def build(norm=False):
        return nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.InstanceNorm2d(4) if norm else nn.ReLU(),
            nn.MaxPool2d(2),
            nn.ConvTranspose2d(4, 4, 2, 2),
        )
"""
COMMAND = ("sizes", "net.py:build", "--res", "600", "--from", "32", "--to", "33", "--tile")


def test_the_halo_is_told_with_a_table_of_tiles(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"net.py": NET})
    ran = forked.rflint(*COMMAND, cwd=tmp_path)
    assert ran.status == 0
    assert "Tiles put together are the whole, with a halo of 2 px on each side.\n" in ran.out
    assert "They begin at multiples of 2" in ran.out
    rows = [line.replace("×", "x").split() for line in ran.out.splitlines()]
    assert ["256x256", "252x252", "1.03", "9"] in rows
    assert ["1024x1024", "1020x1020", "1.01", "larger"] in rows


def test_what_makes_tiles_impossible_is_told_with_its_line(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"net.py": NET})
    ran = forked.rflint(*COMMAND, "--arg", "norm=True", cwd=tmp_path)
    assert ran.status == 0
    assert "Tiles put together are not the whole, whatever the halo:\n" in ran.out
    assert "1 (net.py:8) normalises by statistics of all positions\n" in ran.out


def test_json_has_the_tiling_where_it_was_asked_for(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"net.py": NET})
    asked = forked.rflint(*COMMAND, "--format", "json", cwd=tmp_path)
    assert json.loads(asked.out)["models"][0]["tiling"]["halo"] == [[2, 2], [2, 2]]
    not_asked = forked.rflint(*COMMAND[:-1], "--format", "json", cwd=tmp_path)
    assert json.loads(not_asked.out)["models"][0]["tiling"] is None
