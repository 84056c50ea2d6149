"""Parts of a page that another benchmark writes, between markers of their own."""

from __future__ import annotations


def section(page: str, name: str) -> str:
    """The markers of this name in a page, and what is between them; empty if it has none."""
    begin, end = _markers(page, name)
    return page[begin:end]


def with_section(page: str, name: str, text: str) -> str:
    """The page with this text between the markers, which are put at its end if it has none."""
    begin, end = _markers(page, name)
    marked = f"<!-- {name}: begin -->\n\n{text.strip()}\n\n<!-- {name}: end -->"
    if begin == end:
        return f"{page.rstrip()}\n\n{marked}\n"
    return page[:begin] + marked + page[end:]


def _markers(page: str, name: str) -> tuple[int, int]:
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    begin, end = page.find(first), page.find(last)
    return (begin, end + len(last)) if 0 <= begin < end else (len(page), len(page))
