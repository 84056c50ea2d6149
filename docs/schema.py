"""Write what docs/ says of JSON reports: report-schema.json, and report.md, its fields in words.

python docs/schema.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rflint.report import json_schema

FOLDER = Path(__file__).parent

INTRODUCTION = """\
# The JSON report

Made from `src/rflint/report/json_schema.py`, by `python docs/schema.py`.

```console
rflint mymodel:build --res 32 --format json --output report.json
rflint schema > report-schema.json
```

`rflint.lint(build, res=32).to_dict()` returns the same in Python. The schema
([report-schema.json](report-schema.json), which `rflint schema` prints) is in the language of [JSON
Schema, draft 2020-12](https://json-schema.org/draft/2020-12), and any validator of it can hold a
report against it.

For as long as `schema_version` is {version}, you can rely on this:

- **Fields are only added.** None is renamed, removed, or given another meaning or type. All fields
  below are always there; what does not apply is null or empty.
- Ignore fields that you do not know. The schema does: a report of a later version is valid by the
  schema of an earlier one. `rflint schema --strict` is for whoever wants to notice what is added:
  it allows nothing beyond what this version writes.
- A field with *known values* may get further ones (a new kind of layer, say). One whose value is
  *one of* some does not.

Units are the same everywhere. A **length** is in pixels of the input, where a pixel is one position
of it: of a volume a voxel, of a signal a sample, of a clip along time a frame. A list of lengths
has one entry for each spatial axis, in the order of `resolution`; an entry that is null is
**unbounded**. A **shape** has one entry for each dimension, the batch included. Parameters, weights
and multiply-accumulates (MACs) are plain numbers, not thousands or millions of them.

A report is written whole or not at all. If a target fails, it has an entry in `errors`, the other
targets are in `models`, and the exit status is 2. Where there is nothing to report on, since an
option does not exist or the configuration cannot be read, a message on stderr says so, and there is
no report.
"""


def files() -> dict[str, str]:
    """What is written, by the file's name."""
    schema = json_schema.published()
    return {
        "report-schema.json": json.dumps(schema, indent=2) + "\n",
        "report.md": "\n\n".join(_page(schema)) + "\n",
    }


def _page(schema: dict[str, Any]) -> Iterator[str]:
    yield INTRODUCTION.replace("{version}", str(json_schema.SCHEMA_VERSION)).rstrip()
    yield _section("report", schema)
    for name, definition in schema["$defs"].items():
        yield _section(name, definition)


def _section(name: str, definition: dict[str, Any]) -> str:
    """A heading, what the object is, and a row for each of its fields."""
    rows = (
        f"| `{field}` | {_type(value)} | {_cell(value['description'])}{_values(value)} |"
        for field, value in definition["properties"].items()
    )
    table = "\n".join(("| field | type | what it says |", "| --- | --- | --- |", *rows))
    return f"## {name}\n\n{definition['description']}\n\n{table}"


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "anyOf" in value:
        return " or ".join(_type(choice) for choice in value["anyOf"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "enum" in value:
        return "string or null" if None in value["enum"] else "string"
    names = value["type"] if isinstance(value["type"], list) else [value["type"]]
    return " or ".join(f"list of {_several(value)}" if x == "array" else x for x in names)


def _several(value: dict[str, Any]) -> str:
    items = _type(value["items"])
    return f"({items})" if " " in items else items


def _values(value: dict[str, Any]) -> str:
    """The values that a field has, where they can be listed."""
    if "examples" in value:
        return f" Known values: {_listed(value['examples'])}."
    if "enum" in value:
        return f" One of: {_listed(value['enum'])}."
    return ""


def _listed(values: list[str | None]) -> str:
    return ", ".join("null" if value is None else f"`{value}`" for value in values)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write(folder: Path = FOLDER) -> None:
    """Write both files."""
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
