"""Messages that speak of options of the command line, put in terms of Python's keyword arguments.

Messages are written for the command line, where most people meet them.
"""

from __future__ import annotations

import re

_ARGUMENTS = re.compile(r"(?<![\w-])--arg \w+=\S*[^\s.:,](?: --arg \w+=\S*[^\s.:,])*")
_DESCRIBED = re.compile(r"(?<![\w-])--input (\d[\dx]*(?::\w+)+)")
_SIZES = re.compile(r"(?<![\w-])--(res|input) (\d[\dx]*)(?: \(or (\d[\dx]*)\))?")
_NAMED = re.compile(r"(?<![\w-])--input [\w.]+=[\w.:-]*[\w](?: --input [\w.]+=[\w.:-]*[\w])*")
_LETTERS = re.compile(r"(?<![\w-])--(layout|tracer) ([A-Z]+|auto|symbolic|export)(?!\w)")
_FLAGS = re.compile(r"(?<![\w-])--(train|isolated|allow-training|allow-downloads)(?![\w-])")
_ALONE = re.compile(r"(?<![\w-])--(res|input|layout|tracer|baseline|arg|config)(?![\w-])")
_NAMES = {"arg": "args", "config": "configuration"}


def with_keyword_arguments(text: str) -> str:
    """A message that speaks of options, speaking of keyword arguments.

    '--res 32x64' becomes 'res=(32, 64)', and '--arg width=VALUE' becomes 'args={"width": VALUE}'.
    """
    text = _ARGUMENTS.sub(lambda found: f"args={{{_pairs(found[0])}}}", text)
    text = _NAMED.sub(lambda found: f"input=[{_texts(found[0])}]", text)
    text = _DESCRIBED.sub(lambda found: f'input="{found[1]}"', text)
    text = _SIZES.sub(_sizes, text)
    text = _LETTERS.sub(lambda found: f'{found[1]}="{found[2]}"', text)
    text = _FLAGS.sub(lambda found: f"{found[1].replace('-', '_')}=True", text)
    text = text.replace("what --debug prints", "its traceback")
    text = text.replace("--debug shows", "its traceback shows")
    text = text.replace("to it: --write-baseline", "to it: rflint --write-baseline")
    return _ALONE.sub(lambda found: f"{_NAMES.get(found[1], found[1])}=", text)


def _texts(options: str) -> str:
    return ", ".join(f'"{x}"' for x in options.removeprefix("--input ").split(" --input "))


def _pairs(options: str) -> str:
    pairs = (option.split("=", 1) for option in options.removeprefix("--arg ").split(" --arg "))
    return ", ".join(f'"{key}": {_python(value)}' for key, value in pairs)


def _python(value: str) -> str:
    """A value of the command line, where texts have no quotes and tables may lie in files."""
    if value.startswith("@"):
        return "{...}"
    is_text = value.isidentifier() and value not in ("VALUE", "True", "False", "None")
    return f'"{value}"' if is_text else value


def _sizes(found: re.Match[str]) -> str:
    also = f" (or {_literal(found[3])})" if found[3] else ""
    return f"{found[1]}={_literal(found[2])}{also}"


def _literal(sizes: str) -> str:
    parts = sizes.split("x")
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
