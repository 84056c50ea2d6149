"""Numbers, sizes and lists as reports and messages show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rflint.graph.exact import Number


def abbreviated(number: int) -> str:
    """Three significant digits with a unit: 589824 -> '590 k', 11181642 -> '11.2 M'."""
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size * 0.9995:
            scaled = number / size
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{digits}f} {unit}"
    return str(number)


def abbreviated_count(number: int, noun: str) -> str:
    """'590 k parameters', '1 MAC'."""
    return f"{abbreviated(number)} {noun if number == 1 else f'{noun}s'}"


def plural(number: int, noun: str, separator: str = "") -> str:
    """'1 layer', '3 layers'; with a separator of thousands: '589,824 parameters'."""
    return f"{number:{separator}} {noun}" if number == 1 else f"{number:{separator}} {noun}s"


def decimal(number: Number) -> str:
    """An integer as it is; a fraction with one digit, or with two if one would show an integer."""
    if number == int(number):
        return str(int(number))
    shown = f"{float(number):.1f}"
    return f"{float(number):.2f}".rstrip("0").rstrip(".") if shown.endswith(".0") else shown


def percent(part: float, whole: float) -> str:
    """'25 %'; '<1 %' for what would round to nothing, '>99 %' for what would round to all."""
    exact = 100 * part / whole if whole else 0.0
    if 99.5 <= exact < 100:
        return ">99 %"
    return "<1 %" if 0 < exact < 0.5 else f"{exact:.0f} %"


def relative_change(before: int, after: int, times: str) -> str:
    """How much more or less: '-75 %', '+12 %', 'x15' (`times` is the x); empty if nothing."""
    if before == after or not before:
        return ""
    ratio = after / before
    if ratio >= 2:
        return f"{times}{ratio:.0f}" if ratio >= 10 else f"{times}{ratio:.1f}"
    rounded = round(100 * (ratio - 1))
    return f"{rounded:+d} %" if rounded else ("+<1 %" if ratio > 1 else "-<1 %")


def size(lengths: Iterable[Number | None], cross: str = "x", unbounded: str = "?") -> str:
    """One length per axis: '32x64'."""
    return cross.join(unbounded if length is None else decimal(length) for length in lengths)


def compact_size(lengths: Iterable[Number | None], cross: str = "x", unbounded: str = "all") -> str:
    """One number if all axes have the same length, else one per axis: '3', '3x5'."""
    shown = [unbounded if length is None else decimal(length) for length in lengths]
    return shown[0] if len(set(shown)) == 1 else cross.join(shown)


def axis_names(axes: int) -> tuple[str, ...]:
    """The names of the spatial axes of an input with this number of them."""
    return {1: ("length",), 2: ("height", "width")}.get(axes, ("depth", "height", "width"))


def along_axes(axes: Sequence[int], of: int) -> str:
    """Some of an input's axes, `of` in number: 'along height'; empty for all of them."""
    if len(axes) == of:
        return ""
    return "along " + " and ".join(axis_names(of)[axis] for axis in axes)


def first_few(names: Sequence[str], most: int) -> str:
    """'a, b, c and 3 more'."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return ", ".join(names)
