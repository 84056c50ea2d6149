"""Numbers and lengths as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rflint.graph.architecture import Number


def count(number: int) -> str:
    """Three significant digits with a unit: 589.8 k -> '590 k', 11181642 -> '11.2 M'."""
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size * 0.9995:
            scaled = number / size
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{digits}f} {unit}"
    return str(number)


def counted(number: int, noun: str) -> str:
    """'590 k parameters', '1 MAC'."""
    return f"{count(number)} {noun if number == 1 else f'{noun}s'}"


def share(part: int, whole: int) -> str:
    """A percentage; what rounds to nothing, or to all, and is not, as '<1 %' and '>99 %'."""
    percent = 100 * part / whole if whole else 0.0
    if 99.5 <= percent < 100:
        return ">99 %"
    return "<1 %" if 0 < percent < 0.5 else f"{percent:.0f} %"


def change(before: int, after: int, times: str) -> str:
    """How much more or less: '-75 %', '+12 %', 'x15'; empty where nothing changed."""
    if before == after or not before:
        return ""
    ratio = after / before
    if ratio >= 2:
        return f"{times}{ratio:.0f}" if ratio >= 10 else f"{times}{ratio:.1f}"
    percent = round(100 * (ratio - 1))
    return f"{percent:+d} %" if percent else ("+<1 %" if ratio > 1 else "-<1 %")


def size(lengths: Iterable[Number | None], cross: str = "x", unbounded: str = "?") -> str:
    """Sizes along the axes: '32x64'."""
    return cross.join(unbounded if length is None else number(length) for length in lengths)


def compact(lengths: Iterable[Number | None], cross: str = "x", unbounded: str = "all") -> str:
    """One number where all axes agree, else all of them."""
    shown = [unbounded if length is None else number(length) for length in lengths]
    return shown[0] if len(set(shown)) == 1 else cross.join(shown)


def number(length: Number) -> str:
    """An integer, or a fraction with one digit; with two where one would show an integer."""
    if length == int(length):
        return str(int(length))
    shown = f"{float(length):.1f}"
    return f"{float(length):.2f}".rstrip("0").rstrip(".") if shown.endswith(".0") else shown


def axis_names(axes: int) -> tuple[str, ...]:
    """What people call the spatial axes of an input that has so many."""
    return {1: ("length",), 2: ("height", "width")}.get(axes, ("depth", "height", "width"))


def along(axes: Sequence[int], of: int) -> str:
    """'along its height', or '' for all axes of so many."""
    if len(axes) == of:
        return ""
    return "along " + " and ".join(axis_names(of)[axis] for axis in axes)


def plural(amount: int, noun: str) -> str:
    """'1 layer', '3 layers'."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def in_full(number: int, noun: str) -> str:
    """'589,824 parameters', '1 MAC'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: Sequence[str], most: int) -> str:
    """'a, b, c and 3 more'."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return ", ".join(names)
