"""What goes wrong while forward runs, as errors that a person can act on."""

from __future__ import annotations

import linecache
import re
from collections.abc import Sequence

import torch

from rflint.errors import (
    DataDependent,
    InputMismatch,
    RflintError,
    TraceFailed,
    UnsupportedByTracer,
    error_text,
    internal_error,
)
from rflint.graph.source_location import SourceLocation
from rflint.operators.call import Call
from rflint.operators.shapes import ShapeError, shape_text
from rflint.usercode.exits import exit_call
from rflint.usercode.source_lines import (
    innermost_user_line_of,
    raised_by_rflint,
    raised_by_the_user,
)

SMALL_MAP = "The map has become too small on the way: try a larger --res."
ONE_POSITION_APART = (
    "The maps that meet here differ by one position, as they do where a stride does not divide "
    "a size and the rest is lost: try a --res that all strides divide, such as a multiple of "
    "32, or pad or crop one of the maps."
)


_CAUSES = {
    SMALL_MAP: "The map has become too small on the way.",
    ONE_POSITION_APART: "The maps that meet here differ by one position, as where a stride does "
    "not divide a size: pad or crop one of them, or take another size.",
}


def cause_in(hint: str) -> str:
    """What a hint says of why a size does not fit, and of where it comes from."""
    for known, cause in _CAUSES.items():
        if hint.startswith(known):
            return f"{cause}{hint.removeprefix(known)}"
    return ""


def mismatch(
    layer: str, op: str, call: Call, error: ShapeError, source: SourceLocation | None
) -> InputMismatch:
    """A layer that cannot run on what reaches it, as an error that names it."""
    shapes = " and ".join(shape_text(tensor.shape) for tensor in call.tensors)
    return InputMismatch(
        f"layer {layer} ({op}) cannot run on {shapes}: {error}",
        hint=_other_sizes(call, str(error)),
        source=source,
    )


def _other_sizes(call: Call, why: str) -> str:
    """Which other input sizes may do, where it is a matter of sizes."""
    if "but the map is only" in why or "window spans" in why:
        return SMALL_MAP
    shapes = [tuple(tensor.shape) for tensor in call.tensors]
    alike = len(shapes) > 1 and len({len(shape) for shape in shapes}) == 1 and len(shapes[0]) > 2
    sizes = {shape[2:] for shape in shapes}
    if not alike or len(sizes) < 2 or any(max(n) - min(n) > 1 for n in zip(*sizes, strict=True)):
        return ""
    return ONE_POSITION_APART


def failure_of(
    error: BaseException,
    inputs: Sequence[torch.Tensor],
    *,
    path: str | None,
    by_torch: Exception | None,
) -> RflintError:
    """An error of the user's forward, or of PyTorch inside it, with its place.

    `path` is that of the module in whose forward it was raised; `by_torch` what PyTorch raised
    last.
    """
    message = str(error)
    if isinstance(error, RuntimeError) and "data-independent" in message:
        what = "which positions a mask or nonzero() selects"
        return needs_values(what, innermost_user_line_of(error), path)
    if isinstance(error, RuntimeError) and "meta tensor" in message:
        what = re.split(r"[\n.] ", message)[0]
        return needs_values(what, innermost_user_line_of(error), path)
    if isinstance(error, TypeError) and message.endswith("not UnbackedNumber"):
        what = "a size that was taken out of a tensor"
        return needs_values(what, innermost_user_line_of(error), path)
    ended = isinstance(error, SystemExit)
    if error is not by_torch and raised_by_rflint(error) and not ended:
        return internal_error(error, innermost_user_line_of(error))
    where = f"in {path}: " if path else ""
    shapes = ", ".join(shape_text(tensor.shape) for tensor in inputs)
    text = error_text(error).split("\n")[0]
    if isinstance(error, SystemExit):
        text = f"it called {exit_call(error)}"
    hint = (
        "Does the model run on a real tensor of this shape? If the shape is wrong, give --res or "
        "--input."
    )
    arguments_missing = isinstance(error, TypeError) and "forward() missing" in text
    if arguments_missing:
        hint = "For a model with several inputs, give --input once for each."
    if "'indices'" in text:
        hint = (
            "This model takes whole numbers (tokens): give it an example in Python, with "
            "rflint.lint(model, input=(tokens,))."
        )
    by_the_model = (
        arguments_missing or ended or raised_by_the_user(error) or _is_about_shapes(error)
    )
    failure: type[RflintError] = UnsupportedByTracer
    if arguments_missing and not path:
        failure = InputMismatch
    elif by_the_model or error is by_torch:
        failure = TraceFailed
    return failure(
        f"the forward pass fails on a {shapes} input: {where}{text}",
        hint=hint,
        source=innermost_user_line_of(error),
    )


def _is_about_shapes(error: BaseException) -> bool:
    """Whether a pattern of einops does not fit what it is given, or an input has other dimensions
    than those that the code gives names to.
    """
    if isinstance(error, ValueError) and "values to unpack" in str(error):
        source = innermost_user_line_of(error)
        line = linecache.getline(source.path, source.line) if source else ""
        return bool(re.search(r"=.*(\.shape\b|\.size\(\))", line))
    return type(error).__name__ == "EinopsError"


def needs_values(
    what: str, source: SourceLocation | None, path: str | None = None
) -> DataDependent:
    """The code reads numbers that only exist at run time; `what` says which."""
    where = f"{path} " if path else "this "
    return DataDependent(
        f"{where}reads values that only exist at run time ({what})",
        hint="rflint follows control flow on shapes, but not on data. Lint the part of the model "
        "in front of this line, or keep values out of the architecture.",
        source=source,
    )
