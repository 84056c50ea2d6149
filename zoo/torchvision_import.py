"""Make torchvision importable beside a CPU build of torch.

torchvision's wheel is built for CUDA: beside a CPU torch its compiled operators are missing, and
its import fails where it describes them to torch. Its model definitions do not need them, so it is
enough to declare the operators first. Where torchvision imports by itself, nothing happens.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

_DEFORM_CONV2D = (
    "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, "
    "SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, "
    "SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor"
)
"""The one operator that models call while they are analysed."""

_library: Any = torch.library  # untyped
_declared: list[torch.library.Library] = []


def import_torchvision() -> ModuleType:
    """torchvision, with its operators declared where its own library did not load."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    spec = importlib.util.find_spec("torchvision")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    text = (folder / "_meta_registrations.py").read_text()
    names = set(re.findall(r"torchvision::(\w+)", text)) | set(
        re.findall(r"register_meta\(\"(\w+)\"", text)
    )
    library = _library.Library("torchvision", "FRAGMENT")
    library.define(_DEFORM_CONV2D)
    for name in sorted(names - {"deform_conv2d"}):
        library.define(f"{name}(Tensor input) -> Tensor")
    _declared.append(library)
    return importlib.import_module("torchvision")
