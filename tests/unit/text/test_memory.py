"""Amounts of memory are read and written as people write them."""

from __future__ import annotations

import pytest

from rflint.text.memory import memory_text, read_memory


def test_amounts_of_memory() -> None:
    read = {"4G": 4 << 30, "512m": 512 << 20, "1.5GiB": 3 << 29, "100 MB": 100 << 20, "77": 77}
    assert {text: read_memory(text) for text in read} == read
    assert [memory_text(x) for x in read.values()] == ["4G", "512M", "1.5G", "100M", "77"]
    for text in ("", "G", "-1G", "0", "4X", "four"):
        with pytest.raises(ValueError, match="no amount of memory"):
            read_memory(text)
