"""What tests of the program share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.nets import NET
from tests.helpers.program import write


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with net.py in it."""
    write(tmp_path, {"net.py": NET})
    return tmp_path
