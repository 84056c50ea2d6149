"""Draw docs/architecture.svg: the packages of rflint, from the contracts that hold them in order.

python docs/house.py

What stands in a box is the first sentence of the package's own docstring. The order of the boxes is
that of the layers in pyproject.toml, which `lint-imports` checks.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from svg import LETTER, MARGIN, WIDTH, Drawing

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "architecture.svg"
GAP = 8


def contracts() -> dict[str, Any]:
    """The import contracts of pyproject.toml, by their ids."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {x["id"]: x for x in document["tool"]["importlinter"]["contracts"]}


def layers() -> Iterator[tuple[str, ...]]:
    """The packages and modules of every layer, the highest first; `rules` above what it imports."""
    for layer in contracts()["layers"]["layers"]:
        names = tuple(name.strip() for name in layer.split("|"))
        if "linting" in names:
            yield ("rules",)
        if not all(name.startswith("_") for name in names):
            yield names


def files(name: str) -> list[Path]:
    """The source files of a package or module, that with its docstring first."""
    package = ROOT / name if name == "rules" else ROOT / "src" / "rflint" / name
    if not package.is_dir():
        return [package.with_suffix(".py")]
    first = package / "__init__.py"
    return [first, *(file for file in sorted(package.rglob("*.py")) if file != first)]


def purpose(name: str) -> str:
    """The first sentence of a package's or module's docstring."""
    doc = ast.get_docstring(ast.parse(files(name)[0].read_text(encoding="utf-8"))) or ""
    return " ".join(doc.split("\n\n")[0].split())


def imports_torch(name: str) -> bool:
    """Whether a module of it imports torch at its top."""
    return any(
        isinstance(statement, (ast.Import, ast.ImportFrom)) and _is_torch(statement)
        for file in files(name)
        for statement in ast.parse(file.read_text(encoding="utf-8")).body
    )


def _is_torch(statement: ast.Import | ast.ImportFrom) -> bool:
    names = [alias.name for alias in statement.names]
    modules = [statement.module or ""] if isinstance(statement, ast.ImportFrom) else names
    return any(module.partition(".")[0] == "torch" for module in modules)


def draw(drawing: Drawing) -> None:
    """One row for each layer; siblings that must not know each other share a row."""
    drawing.label(MARGIN, 36, "Every package imports only from the rows below it", "title")
    top = 52.0
    for names in layers():
        width = (WIDTH - 2 * MARGIN - GAP * (len(names) - 1)) / len(names)
        texts = [textwrap.wrap(purpose(name), int((width - 24) / LETTER)) for name in names]
        height = 32 + 18 * max(map(len, texts))
        for place, (name, lines) in enumerate(zip(names, texts, strict=True)):
            left = MARGIN + place * (width + GAP)
            drawing.box("some" if imports_torch(name) else "map", left, top, width, height)
            drawing.label(left + 12, top + 20, name, "title")
            for number, line in enumerate(lines):
                drawing.label(left + 12, top + 40 + 18 * number, line)
        top += height + GAP
    drawing.key(("map", "plain Python"), ("some", "some of it imports torch"))


def picture() -> str:
    """The whole drawing, as SVG."""
    drawing = Drawing()
    draw(drawing)
    rows = "; ".join(", ".join(names) for names in layers())
    return drawing.svg(f"The packages of rflint, a row imports from those below it: {rows}.")


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8", newline="\n")
