"""What the code says of the mode when it calls a dropout as a function.

`F.dropout(x)` and `F.dropout(x, training=True)` arrive as the same call, since the function fills
its default in. One of them was forgotten, and the other may be meant: the statement that makes the
call is read. What cannot be read (a call through functools.partial, arguments in a dictionary, code
without its source) is not known.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Callable
from itertools import islice
from types import FrameType, FunctionType, ModuleType
from typing import Any, TypeAlias

from rflint.graph.architecture import DropoutMode
from rflint.tracing.recording.guards.statements import statement_at

DropoutModes: TypeAlias = Callable[[Any], DropoutMode]
"""Says of a function that drops what its current call says of the mode."""

_MODULES = "torch.nn.modules."
_PARAMETER = "training"


def dropout_mode_on_stack(function: Any) -> DropoutMode:
    """What the call says that is now running a dropout function of torch's."""
    if not isinstance(function, FunctionType):
        return DropoutMode.SAID  # torch.dropout has no default
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back
    caller = None if frame is None else frame.f_back
    if caller is None:
        return DropoutMode.UNKNOWN
    where = str(caller.f_globals.get("__name__"))
    if where.startswith("torch."):
        return DropoutMode.OF_MODULE if where.startswith(_MODULES) else DropoutMode.UNKNOWN
    said = {_says(call, function) for call in _calls(caller, function)}
    return said.pop() if len(said) == 1 else DropoutMode.UNKNOWN


def _calls(frame: FrameType, function: FunctionType) -> list[ast.Call]:
    """The calls at which a frame may stand: one, if the columns are known."""
    statement = statement_at(frame)
    if statement is None:
        return []
    calls = [x for x in ast.walk(statement.node) if isinstance(x, ast.Call)]
    # by another way than its name, it may be called with more arguments than are seen
    calls = [x for x in calls if _value(x.func, frame) is function]
    exact = [x for x in calls if _place(x) == _executed(frame)]
    around = [x for x in calls if x.lineno <= frame.f_lineno <= (x.end_lineno or x.lineno)]
    return exact or around


def _says(call: ast.Call, function: FunctionType) -> DropoutMode:
    names = list(inspect.signature(function).parameters)
    if any(isinstance(x, ast.Starred) for x in call.args):
        return DropoutMode.UNKNOWN
    given = {*names[: len(call.args)], *(keyword.arg for keyword in call.keywords)}
    if _PARAMETER in given:
        return DropoutMode.SAID
    return DropoutMode.UNKNOWN if None in given else DropoutMode.LEFT_OUT


def _value(node: ast.expr, frame: FrameType) -> Any:
    """What a name stands for, or an attribute; None where nobody can tell without running code."""
    if isinstance(node, ast.Name):
        spaces = (frame.f_locals, frame.f_globals, vars(builtins))
        return next((space[node.id] for space in spaces if node.id in space), None)
    if isinstance(node, ast.Attribute):
        holder = _value(node.value, frame)
        if isinstance(holder, ModuleType):
            return vars(holder).get(node.attr)
    return None


def _place(node: ast.expr) -> tuple[int | None, ...]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _executed(frame: FrameType) -> tuple[int | None, ...] | None:
    """The lines and columns of the expression that a frame computes; before Python 3.11, None."""
    positions = getattr(frame.f_code, "co_positions", None)
    return None if positions is None else next(islice(positions(), frame.f_lasti // 2, None), None)
