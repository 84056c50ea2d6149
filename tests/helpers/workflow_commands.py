"""The commands that a report gives to who runs a workflow on GitHub."""

from __future__ import annotations

import re


def command(line: str) -> tuple[str, dict[str, str], str]:
    """What the runner reads: `::name key=value,key=value::data`, escaped."""
    assert line.startswith("::")
    head, separator, data = line[2:].partition("::")
    assert separator
    name, _, listed = head.partition(" ")
    properties = {}
    for pair in listed.split(","):
        key, equals, value = pair.partition("=")
        assert equals
        for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")):
            value = value.replace(escape, char)
        properties[key] = value.replace("%25", "%")
    for escape, char in (("%0D", "\r"), ("%0A", "\n")):
        data = data.replace(escape, char)
    return name, properties, data.replace("%25", "%")


def layers_of(found: tuple[str, dict[str, str], str]) -> int:
    """How many layers an annotation is about."""
    several = re.search(r"\n(\d+) layers on this line: ", found[2])
    return int(several[1]) if several else 1
