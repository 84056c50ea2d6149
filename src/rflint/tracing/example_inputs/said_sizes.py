"""What models and messages of errors say of the size that an input should have."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator
from math import isqrt, prod
from typing import Any

from torch import nn

from rflint.errors import DataDependent, InputMismatch, RflintError, TraceFailed
from rflint.operators.weights import linear_weight
from rflint.tracing.model.signature import DictionaryWanted, InputsMissing
from rflint.tracing.model.tree import modules

_ATTRIBUTES = ("img_size", "image_size", "input_size", "input_resolution", "resolution")
"""What modules and their configurations call the size that they are made for."""
_MOST_OF_A_MODEL = 4
_LEAST, _MOST = 8, 8192

_CANNOT_RUN = re.compile(r"layer \S+ \((?P<op>\w+)\) cannot run on [^:]*: (?P<why>.*)", re.DOTALL)
_RAISED = re.compile(r"\b(?P<error>[A-Z]\w*(?:Error|Exception))\b(?:: (?P<why>.*))?$", re.DOTALL)
_OTHER_ERRORS = re.compile(
    r"(Attribute|Key|Type|Name|Index|Import|ModuleNotFound|NotImplemented|OS|ZeroDivision)Error"
)
_OF_SIZES = re.compile(
    r"size|shape|height|width|resol|dimension|divisible|patch|positions|mat1|must match|%|\[[HW]\]"
)
_NO_SIZES = re.compile(r"channel|operands|spatial|no dimension|scalar|groups|vectors|include_last")

_FEATURES = re.compile(r"expects (\d+) (?:input )?(?:features|channels), got (\d+)")
_VIEW = re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)")
_SHAPES = re.compile(r"(\d+(?:x\d+)+)(?: and |, got )(\d+(?:x\d+)+)")
_NUMBER = re.compile(r"\b\d+\b")


def is_about_sizes(error: RflintError) -> bool:
    """Whether a model that does not run may do so at another size of its input."""
    if isinstance(error, InputsMissing | DictionaryWanted | DataDependent):
        return False
    if isinstance(error, InputMismatch):
        layer = _CANNOT_RUN.match(error.message)
        if layer is None:
            return "no input can be" in error.message or "cannot infer" in error.message
        # a convolution over time may mix positions, which are its channels
        return layer["op"] == "Conv1d" or not _NO_SIZES.search(layer["why"])
    raised = _RAISED.search(error.message) if isinstance(error, TraceFailed) else None
    if raised is None or _OTHER_ERRORS.fullmatch(raised["error"]):
        return False
    why = raised["why"] or ""
    if raised["error"] == "AssertionError" and error.source:  # which says little by itself
        why += linecache.getline(error.source.path, error.source.line)
    return bool(_OF_SIZES.search(why.lower()))


def numbers_that_differ(error: RflintError) -> tuple[int, int] | None:
    """Two numbers that an error says should be the same: features, or positions; None: none."""
    if found := _FEATURES.search(error.message):
        return int(found[1]), int(found[2])
    if found := _VIEW.search(error.message):
        return prod(n for n in map(int, found[1].split(",")) if n > 0), int(found[2])
    shapes = [[int(n) for n in shape.split("x")] for shape in _shapes_in(error.message)]
    if len(shapes) != 2:
        return None
    if "multipl" in error.message:
        return shapes[0][-1], shapes[1][-2]
    if len(shapes[0]) != len(shapes[1]):
        return None
    different = [(a, b) for a, b in zip(*shapes, strict=True) if a != b and 1 not in (a, b)]
    return different[0] if len(different) == 1 else None


def _shapes_in(message: str) -> tuple[str, ...]:
    """The last two shapes that a message holds against each other."""
    found = _SHAPES.findall(message.partition(": ")[2])
    return tuple(found[-1]) if found else ()


def sizes_in_message(error: RflintError, asked: int) -> Iterator[int]:
    """Sizes that a message may ask for: those it names, and multiples of them."""
    raised = _RAISED.search(error.message)
    if raised is None or _VIEW.search(error.message):
        return
    numbers = [int(n) for n in dict.fromkeys(_NUMBER.findall(raised["why"] or ""))][:4]
    for n in numbers:
        if 1 < n < asked:
            yield round(asked / n) * n  # "must be divisible by 14"
    yield from (n for n in numbers if _LEAST <= n <= _MOST)


def sizes_said_by(model: nn.Module) -> list[int]:
    """The sizes that a model's modules keep as what they are made for, outermost first."""
    found: dict[int, None] = {}
    for module in modules(model):
        for holder in (module, vars(module).get("config")):
            kept = getattr(holder, "__dict__", {})
            for name in _ATTRIBUTES:
                size = _size(kept.get(name))
                if _LEAST <= size <= _MOST:
                    found[size] = None
        if len(found) >= _MOST_OF_A_MODEL:
            break
    return list(found)[:_MOST_OF_A_MODEL]


def _size(value: Any) -> int:
    if isinstance(value, (tuple, list)) and value:
        value = value[-1]
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def sizes_that_fill_a_linear_layer(model: nn.Module) -> Iterator[int]:
    """The sides of images, grey or in colours, that are as many numbers as the first layer reads.

    Nothing where that is no linear layer.
    """
    convolution = nn.modules.conv._ConvNd
    first = next((x for x in modules(model) if isinstance(x, (convolution, nn.Linear))), None)
    if not isinstance(first, nn.Linear):
        return
    features = linear_weight(first)[-1]
    for colours in (1, 3):
        side = isqrt(features // colours)
        if side * side * colours == features:
            yield side
