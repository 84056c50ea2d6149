"""Write docs/rules: a page for every rule that ships with rflint, its picture, and their list.

python docs/rules.py
"""

from __future__ import annotations

from pathlib import Path

from pictures import PICTURES, picture

from rflint.linting.rule_files import load_rules
from rflint.linting.rule_page import overview, page

FOLDER = Path(__file__).parent / "rules"


def pages() -> dict[str, str]:
    """The text of every file in docs/rules, by its name."""
    rules = load_rules()
    return {
        "README.md": overview(rules),
        **{f"{rule.code}.md": illustrated(page(rule), rule.code) for rule in rules},
        **{f"{rule.code}.svg": picture(rule.code) for rule in rules if rule.code in PICTURES},
    }


def illustrated(text: str, code: str) -> str:
    """A page with its picture, if it has one, behind the section that says what it is."""
    if code not in PICTURES:
        return text
    shown = PICTURES[code]
    said = text.index("\n## ", text.index("\n## What it is\n") + 1)
    return f"{text[:said]}\n![{shown.alt}]({code}.svg)\n\n*{shown.caption}*\n{text[said:]}"


def write(folder: Path = FOLDER) -> None:
    """Write all pages and pictures, and remove those of rules that are gone."""
    wanted = pages()
    folder.mkdir(exist_ok=True)
    for file in (*folder.glob("*.md"), *folder.glob("*.svg")):
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
