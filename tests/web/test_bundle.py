"""The page in the package is what web/ builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.browser import needs
from tests.helpers.program import PATIENCE
from tests.helpers.project import PROJECT

PACKAGED = PROJECT / "src/rflint/report/formats/html_page/page.html"


@pytest.fixture(scope="module")
def web() -> Path:
    needs(shutil.which("npm"), "npm")
    needs((PROJECT / "web/node_modules/.bin/vite").exists(), "web/node_modules (npm ci)")
    return PROJECT / "web"


def npm(web: Path, *arguments: str, **environment: str) -> None:
    done = subprocess.run(
        ["npm", "run", *arguments],
        cwd=web,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_packaged_page_is_built_from_its_sources(web: Path, tmp_path: Path) -> None:
    npm(web, "build", PAGE_FOLDER=str(tmp_path))
    assert (tmp_path / "page.html").read_bytes() == PACKAGED.read_bytes()


@pytest.mark.parametrize("check", ["types", "lint", "test"])
def test_the_front_end_passes_its_own_checks(web: Path, check: str) -> None:
    npm(web, check)


def test_the_page_is_light_and_empty() -> None:
    """350 kB at most; both elements that a report fills; nothing that it would have to ask for."""
    text = PACKAGED.read_text("utf-8")
    assert len(text.encode()) < 350_000
    for island in ("rflint-report", "rflint-page"):
        assert text.count(f'<script type="application/json" id="{island}"></script>') == 1
    assert "default-src 'none'" in text
    assert '<link rel="stylesheet"' not in text
    assert "src=" not in text.partition("<body>")[2]
