"""Write docs/rules: a page for every rule that ships with rflint, and the list of them.

python docs/rules.py
"""

from __future__ import annotations

from pathlib import Path

from rflint.rule_files import load_rules
from rflint.rule_page import overview, page

FOLDER = Path(__file__).parent / "rules"


def pages() -> dict[str, str]:
    """The text of every file in docs/rules, by its name."""
    rules = load_rules()
    return {"README.md": overview(rules), **{f"{rule.code}.md": page(rule) for rule in rules}}


def write(folder: Path = FOLDER) -> None:
    """Write all pages, and remove those of rules that are gone."""
    wanted = pages()
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.md"):
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
