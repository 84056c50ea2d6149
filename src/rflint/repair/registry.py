"""The kinds of repairs that there are."""

from __future__ import annotations

from rflint.repair.kinds.dilate import Dilation
from rflint.repair.kinds.remove_downsampling import DownsamplingRemoval
from rflint.repair.kinds.truncate import Truncation
from rflint.repair.transformation import Transformation

KINDS: tuple[type[Transformation], ...] = (Truncation, DownsamplingRemoval, Dilation)
"""In the order in which they are tried."""

NAMES = tuple(kind.kind for kind in KINDS)
