"""Errors in the words of whoever called: options on the command line, keyword arguments in Python.

Messages are written for the command line, where most people meet them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from rflint.errors import RflintError

_P = ParamSpec("_P")
_T = TypeVar("_T")

_ARGUMENTS = re.compile(r"(?<![\w-])--arg \w+=\w+(?: --arg \w+=\w+)*")
_SIZES = re.compile(r"(?<![\w-])--(res|input) (\d[\dx]*)(?: \(or (\d[\dx]*)\))?")
_LETTERS = re.compile(r"(?<![\w-])--(layout|tracer) ([A-Z]+|auto|symbolic|export)(?!\w)")
_FLAG = re.compile(r"(?<![\w-])--train(?![\w-])")
_ALONE = re.compile(r"(?<![\w-])--(res|input|layout|tracer)(?![\w-])|(?<![\w-])--arg(?![\w-])")


def in_python(text: str) -> str:
    """A message that speaks of options, speaking of keyword arguments.

    '--res 32x64' becomes 'res=(32, 64)', and '--arg width=VALUE' becomes 'args={"width": VALUE}'.
    """
    text = _ARGUMENTS.sub(lambda found: f"args={{{_pairs(found[0])}}}", text)
    text = _SIZES.sub(_sizes, text)
    text = _LETTERS.sub(lambda found: f'{found[1]}="{found[2]}"', text)
    text = _FLAG.sub("train=True", text)
    text = text.replace("what --debug prints", "its traceback")
    text = text.replace("--debug shows", "its traceback shows")
    return _ALONE.sub(lambda found: f"{found[1] or 'args'}=", text)


def speaks_python(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """A function of the Python interface, whose errors speak of its arguments."""

    @functools.wraps(function)
    def speaking(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return function(*args, **kwargs)
        except RflintError as error:
            error.message, error.hint = in_python(error.message), in_python(error.hint)
            error.args = (error.message,)
            raise

    return speaking


def _pairs(options: str) -> str:
    pairs = (option.split("=", 1) for option in options.removeprefix("--arg ").split(" --arg "))
    return ", ".join(f'"{key}": {value}' for key, value in pairs)


def _sizes(found: re.Match[str]) -> str:
    also = f" (or {_literal(found[3])})" if found[3] else ""
    return f"{found[1]}={_literal(found[2])}{also}"


def _literal(sizes: str) -> str:
    parts = sizes.split("x")
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
