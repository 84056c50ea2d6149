"""Where in the user's code a call is made that is being recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeAlias

from rflint.graph.source_location import SourceLocation
from rflint.usercode.source_lines import innermost_user_line

CallSite: TypeAlias = Callable[[], SourceLocation | None]
"""Says which line of the user's code makes the current call."""


def call_site_on_stack() -> SourceLocation | None:
    """The innermost line of user code on the stack."""
    return innermost_user_line(sys._getframe(1))
