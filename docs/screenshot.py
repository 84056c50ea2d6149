"""Draw the README's picture: the real report on the example, as a terminal shows it.

PYTHONPATH=. python docs/screenshot.py [WIDTH] [FILE]
"""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path

import cairosvg
from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI

import rflint
from examples.cifar_resnet import build
from rflint.linting.rule_files import load_rules
from rflint.report.formats.text import print_report

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Lint the example and save what is printed as a PNG."""
    width = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "report.png"
    console = Console(
        file=io.StringIO(),
        record=True,
        width=width,
        force_terminal=True,
        color_system="truecolor",
        markup=False,
        highlight=False,
    )
    report = rflint.lint(build, res=32, name="examples/cifar_resnet.py:build")
    target = "examples/cifar_resnet.py:build --res 32"
    (model,) = report.models
    model = replace(model, fix_command=f"rflint fix {target}")
    print_report(console, replace(report, models=(model,), rules=load_rules()))
    title = f"rflint {target}"
    svg = console.export_svg(title=title, theme=MONOKAI)
    # the picture should not depend on fonts from elsewhere
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "DejaVu Sans Mono")
    drawn = cairosvg.svg2png(svg.encode(), scale=1.5)
    picture = Image.open(io.BytesIO(drawn)).convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    picture.save(file, optimize=True)


if __name__ == "__main__":
    main()
