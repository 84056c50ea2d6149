"""A browser that opens pages from files, and notes what they complain of and what they ask for."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_PATIENCE = 120
"""Seconds after which a test gives up on a page; no result depends on them."""
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def needs(what: object, named: str) -> None:
    """Skip the test where something is missing; fail it where the tests were told to need it."""
    if what:
        return
    reason = f"{named} is not there"
    if os.environ.get("RFLINT_NEEDS_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Opened:
    """A page in the browser."""

    tab: Any
    complaints: list[str] = field(default_factory=list)
    """What it wrote into the console, and what it failed at."""
    requests: list[str] = field(default_factory=list)
    """All that it asked for, but for itself."""

    def wait_until(self, expression: str, *arguments: Any) -> None:
        """Wait until an expression of the page's language holds.

        Asked from here, again and again: what asks inside of the page needs eval there, which the
        page's own policy forbids.
        """
        last = time.monotonic() + _PATIENCE
        while not self.tab.evaluate(expression, *arguments):
            assert time.monotonic() < last, f"never became true: {expression}"
            self.tab.wait_for_timeout(20)

    def attributes(self, selector: str, *names: str) -> list[tuple[str, ...]]:
        """Attributes of every element that a selector finds, in the order of the document."""
        found = self.tab.evaluate(
            "([selector, names]) => [...document.querySelectorAll(selector)]"
            ".map((x) => names.map((name) => x.getAttribute(name)))",
            [selector, names],
        )
        return [tuple(values) for values in found]

    def texts(self, selector: str) -> list[str]:
        """The text of every element that a selector finds."""
        found: list[str] = self.tab.evaluate(
            "(selector) => [...document.querySelectorAll(selector)].map((x) => x.textContent)",
            selector,
        )
        return found


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        needs(None, "playwright")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    needs(program, "Chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


@contextmanager
def opened(running: Any, file: Path, fragment: str = "", **options: Any) -> Iterator[Opened]:
    """A page of a file, which must neither complain nor ask for anything while it is open."""
    context = running.new_context(viewport={"width": 1280, "height": 900}, **options)
    tab = context.new_page()
    tab.set_default_timeout(1000 * _PATIENCE)
    page = Opened(tab)
    url = file.as_uri()

    def refuse(route: Any) -> None:
        if route.request.url.split("#")[0] == url:
            route.continue_()
        else:
            page.requests.append(route.request.url)
            route.abort()

    context.route("**/*", refuse)
    tab.on("console", lambda message: page.complaints.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: page.complaints.append(str(error)))
    tab.on("dialog", lambda dialog: page.complaints.append(f"dialog: {dialog.message}"))
    try:
        tab.goto(f"{url}#{fragment}" if fragment else url)
        yield page
        assert page.complaints == []
        assert page.requests == []
    finally:
        context.close()
