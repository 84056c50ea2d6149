"""The truth value that code goes on with, where it asks for one that nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from types import FrameType

from rflint.graph.source_location import SourceLocation
from rflint.tracing.recording.guards.bytecode import value_that_holds
from rflint.tracing.recording.guards.recognition import guard_at, is_torch_assertion
from rflint.tracing.recording.guards.reporting import reports
from rflint.tracing.recording.guards.statements import statement_at
from rflint.usercode.ownership import is_rflint
from rflint.usercode.paths import source_at


@dataclass(frozen=True, slots=True)
class AssumedTruth:
    """The truth value to go on with, and what that takes for granted."""

    value: bool
    assertion: SourceLocation | None = None
    """The line that asserts it; None where both values lead to the same."""


def _calling_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame that is not rflint's, nor torch's dispatch of calls to rflint."""
    while frame is not None:
        name = frame.f_code.co_filename
        if not is_rflint(name) and not name.endswith(("torch/overrides.py", "torch/_tensor.py")):
            return frame
        frame = frame.f_back
    return None


def assumed_truth(frame: FrameType | None) -> AssumedTruth | None:
    """How code goes on that asks for a truth value at this very instruction; None if unknown."""
    frame = _calling_frame(frame)
    outer = frame
    while outer is not None and _is_torch_testing(outer):
        outer = outer.f_back
    if outer is not frame and outer is not None:
        # torch.testing.assert_close asks in many places whether all is close: it is
        return AssumedTruth(True, source_at(outer.f_code.co_filename, outer.f_lineno))
    if frame is None:
        return None
    statement = statement_at(frame)
    if statement is None:
        return None
    place = source_at(frame.f_code.co_filename, statement.node.lineno)
    guard = guard_at(frame, statement)
    if guard is None:
        return None
    value = value_that_holds(frame, guard)
    return None if value is None else AssumedTruth(value, place if guard.is_assertion else None)


def is_only_reported(frame: FrameType | None) -> bool:
    """Whether the statement that is executed tells somebody something, and nothing else."""
    frame = _calling_frame(frame)
    statement = None if frame is None else statement_at(frame)
    return statement is not None and reports(statement.node)


def torch_assertion(frame: FrameType | None) -> SourceLocation | None:
    """The line that is executed, where it calls one of torch's assertions."""
    frame = _calling_frame(frame)
    statement = None if frame is None else statement_at(frame)
    if frame is None or statement is None or not is_torch_assertion(statement.node):
        return None
    return source_at(frame.f_code.co_filename, statement.node.lineno)


def _is_torch_testing(frame: FrameType) -> bool:
    return frame.f_code.co_filename.replace("\\", "/").endswith("torch/testing/_comparison.py")
