"""Processes in which torchvision can be imported, as Lightning and transformers do.

Beside a CPU build of torch it takes a little help (zoo/torchvision_import.py).
"""

from __future__ import annotations

from pathlib import Path

from tests.helpers.project import PROJECT

STATEMENTS = f"""
import sys
sys.path.insert(0, {str(PROJECT)!r})
from zoo.torchvision_import import import_torchvision
import_torchvision()
sys.path.remove({str(PROJECT)!r})
for name in ("zoo", "zoo.torchvision_import"):
    del sys.modules[name]
"""
"""What a process runs first."""


def python_path(folder: Path) -> str:
    """A PYTHONPATH with which every Python process runs these statements when it starts."""
    (folder / "sitecustomize.py").write_text(STATEMENTS)
    return str(folder)
