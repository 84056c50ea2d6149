"""The page, written by the installed program: with the cache, and on a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.helpers.forked import Forked
from tests.helpers.program import write
from tests.helpers.small_project import SOUND, TOO_DEEP, model
from tests.helpers.terminal import on_a_terminal

LINT = ("model:build", "--res", "16", "-q")


def sizes_in(file: Path) -> Any:
    start = '<script type="application/json" id="rflint-page">'
    content = file.read_text(encoding="utf-8").partition(start)[2].partition("</script>")[0]
    return json.loads(content)["models"][0]["sizes"]


def test_the_cache_holds_what_the_slider_knows(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"model.py": model(SOUND, TOO_DEEP)})
    forked.rflint(*LINT, cwd=tmp_path)  # whose report, in the cache, knows of one size
    for name in ("first", "second"):
        forked.rflint(*LINT, "--format", f"html:../{name}.html", cwd=tmp_path)
    again = forked.rflint(*LINT, "-v", "--format", "html:../third.html", cwd=tmp_path)
    assert "was answered by the cache" in again.err
    pages = [(tmp_path.parent / f"{name}.html") for name in ("first", "second", "third")]
    assert sizes_in(pages[0])["tried"] > 1
    assert len({page.read_bytes() for page in pages}) == 1


def test_a_page_for_a_terminal_asks_for_a_file(tmp_path: Path) -> None:
    write(tmp_path, {"model.py": model(SOUND)})
    shown = on_a_terminal("model:build", "--res", "16", "--format", "html", cwd=tmp_path)
    assert "a page is for a browser, not for a terminal" in shown
    assert "--format html:report.html" in shown
