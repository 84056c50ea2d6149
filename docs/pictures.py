"""The pictures on the rules' pages: SVG, drawn from what rflint itself computes.

`python docs/rules.py` writes them. Nothing that a picture shows is drawn from memory: which taps
live, which positions are read and what a unit sees comes from the code that the rules run on.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

from svg import MARGIN, Drawing, within

from rflint.analysis.proofs.gridding import Stack
from rflint.analysis.receptive_field import PIXEL, field_behind
from rflint.graph.taps import Taps, everything, members
from rflint.graph.windows import Window


def receptive_fields(drawing: Drawing) -> None:
    """RF101: how far the input of every convolution of a small VGG sees."""
    image, scale, left, top = 32, 7, 150, 56
    reach = {"convolution": Window(3, 1, -1), "pooling, stride 2": Window(2, 2)}
    convolution, pooling = reach
    drawing.label(
        MARGIN, 36, "The receptive field of every layer's input, in pixels across", "title"
    )
    drawing.box("map", left, top, image * scale, 24, f"the image: {image}")
    y, number, seen, border = top + 34, 0, PIXEL, ": the border layer"
    for name in (*(convolution, convolution, pooling) * 3, convolution, convolution):
        if name == pooling:
            drawing.label(MARGIN, y + 13, name, "note")
            y += 24
        else:
            number += 1
            sees = int(seen.r_min or 0)
            drawing.label(MARGIN, y + 14, f"{name} {number}")
            drawing.box("good", left, y, min(sees, image) * scale, 18)
            told = str(sees)
            if sees > image:
                drawing.box("bad", left + image * scale, y, (sees - image) * scale, 18)
                told, border = told + border, ""
            drawing.label(left + sees * scale + 8, y + 14, told)
            y += 26
        seen = field_behind(seen, reach[name])
    drawing.line("missed", left + image * scale, top, left + image * scale, y)
    drawing.key(("good", "within the image"), ("bad", "beyond the image: nothing left to see"))


def collapsed_map(drawing: Drawing) -> None:
    """RF201: what a 3x3 kernel multiplies on a map of one position."""
    taps = Taps(kernel=3, positions=1, windows=1, before=1)
    cell, y = 48, 56
    inside = range(taps.before, taps.before + taps.positions)
    drawing.label(112, 36, "a 1×1 map, padded", "title middle")
    drawing.grid(
        40,
        y,
        cell,
        taps.positions + 2 * taps.before,
        within(inside, "good", "outside"),
        within(inside, "x", "0"),
    )
    drawing.label(220, y + 77, "×", "title middle")
    drawing.label(328, 36, "a 3×3 kernel", "title middle")
    drawing.grid(
        256, y, cell, taps.kernel, within(taps.live, "good", "bad"), within(taps.live, "w", "")
    )
    drawing.label(436, y + 77, "=", "title middle")
    drawing.label(544, 36, "what is left", "title middle")
    drawing.box("good", 520, y + cell, cell, cell, "w·x")
    drawing.label(544, y + 2 * cell + 22, "a 1×1 kernel", "middle")
    live = len(taps.live) ** 2
    drawing.key(
        ("good", f"{live} weight on data"),
        ("bad", f"{taps.kernel**2 - live} weights that only ever meet padding"),
    )


def unread_positions(drawing: Drawing) -> None:
    """RF202: what a stride of 2 reads, with a kernel of 1 and with a kernel of 3."""
    cell, y, size, stride = 30, 56, 8, 2
    for x, kernel in ((MARGIN, 1), (376, 3)):
        taps = Taps(kernel, size, size // stride, stride, before=kernel // 2)
        read = members(taps.positions_met(everything(taps.windows)))
        drawing.label(x, 36, f"{kernel}×{kernel} kernel, stride {stride}", "title")
        drawing.grid(x, y, cell, size, within(read, "some", "bad"))
        for row, column in ((1, 1), (1, 2)):
            at = [place * stride - taps.before for place in (column, row)]
            drawing.box("frame", x + at[0] * cell, y + at[1] * cell, *(kernel * cell,) * 2)
        reads = f"reads {len(read) ** 2} of {size**2} positions"
        drawing.label(x, y + size * cell + 24, reads)
    drawing.key(
        ("some", "read"), ("bad", "computed and never read"), ("frame", "two of the windows")
    )


def unread_border(drawing: Drawing) -> None:
    """RF203: windows that end before the map does, and windows that do not."""
    cell, y, kernel = 20, 56, 3
    window = kernel * cell
    for x, size in ((MARGIN, 11), (376, 12)):
        taps = Taps(kernel, size, size // kernel, stride=kernel)
        read = members(taps.positions_met(everything(taps.windows)))
        drawing.label(x, 36, f"{size}×{size} positions", "title")
        drawing.grid(x, y, cell, size, within(read, "some", "bad"))
        drawing.grid(x, y, window, taps.windows, lambda row, column: "frame")
        end = taps.windows * window
        if len(read) < size:
            drawing.box("missed", x + end, y, window, window)
            drawing.box("missed", x, y + end, window, window)
    drawing.key(
        ("frame", f"a window of {kernel}×{kernel}, stride {kernel}"),
        ("missed", "the next one does not fit"),
    )
    drawing.key(("some", "read"), ("bad", "reached by no window"))


def dead_taps(drawing: Drawing) -> None:
    """RF301: the first and the last window of a kernel dilated as far as the map is wide."""
    taps = Taps(kernel=3, positions=4, windows=4, dilation=4, before=4)
    cell, y, last = 18, 56, taps.windows - 1
    inside = range(taps.before, taps.before + taps.positions)
    for x, window, name in ((MARGIN, 0, "first"), (264, last, "last")):
        drawing.label(x, 36, f"the {name} window", "title")
        drawing.grid(x, y, cell, last * taps.stride + taps.extent, within(inside, "map", "outside"))
        met = [window * taps.stride + tap * taps.dilation for tap in range(taps.kernel)]
        look = within(inside, "good", "bad")
        for row, column in product(met, met):
            drawing.box(look(row, column), x + column * cell, y + row * cell, cell, cell)
    drawing.label(520, 36, "the kernel", "title")
    drawing.grid(520, y, 32, taps.kernel, within(taps.live, "good", "bad"))
    drawing.label(520, y + 120, f"{len(taps.live) ** 2} of {taps.kernel**2} taps")
    drawing.label(520, y + 138, "is alive")
    drawing.key(("map", "the 4×4 map"), ("outside", "zero padding"))
    drawing.key(("good", "a tap on the map"), ("bad", "a tap on padding, in every window"))


def gridding(drawing: Drawing) -> None:
    """RF401: what one unit sees through three convolutions."""
    cell, y, middle = 15, 56, 8
    for x, dilations in ((MARGIN, (2, 2, 2)), (361, (1, 2, 5))):
        row = Stack(front=0)
        for index, dilation in enumerate(dilations):
            row = row.behind(index, Taps(3, 32, 32, dilation=dilation, before=dilation))
        drawing.label(x, 36, f"dilations {', '.join(map(str, dilations))}", "title")
        look = within(members(row.seen), "some", "bad")
        drawing.grid(x, y + (middle + row.first) * cell, cell, row.span, look)
        drawing.box("frame", x - row.first * cell, y + middle * cell, cell, cell)
        sees = f"sees {row.count**2} of {row.span**2} positions"
        drawing.label(x, y + (2 * middle + 1) * cell + 24, sees)
    drawing.key(("some", "seen"), ("bad", "never seen"), ("frame", "the unit's own position"))


def checkerboard(drawing: Drawing) -> None:
    """RF402: how many taps land on each output position."""
    cell, y, stride, size = 30, 56, 2, 8
    looks = {1: "map", 2: "some", 4: "good"}
    for x, kernel in ((MARGIN, 3), (376, 4)):
        taps = Taps(kernel, size, size * stride, stride, before=1, transposed=True)
        landed = [
            taps.positions_met(1 << place).bit_count() for place in range(4, 12)
        ]  # off the border
        drawing.label(x, 36, f"{kernel}×{kernel} kernel, stride {stride}", "title")
        for (row, down), (column, across) in product(enumerate(landed), repeat=2):
            sums = down * across
            drawing.box(looks[sums], x + column * cell, y + row * cell, cell, cell, str(sums))
    below = drawing.bottom + 28
    drawing.label(MARGIN, below, "Each number: how many taps are summed in that output position.")


def misaligned_merge(drawing: Drawing) -> None:
    """RF403: which positions meet in a sum of the identity and a convolution."""
    cell, size, place, y = 24, 9, 4, 80
    for x, kernel in ((MARGIN, 4), (340, 3)):
        drawing.label(x, 36, f"x + conv(x), {kernel}×{kernel} kernel", "title")
        left = x + 60
        identity = Taps(1, size, size)
        convolution = Taps(kernel, size, size, before=(kernel - 1) // 2)
        rows = ((y, "x", identity), (y + 36, "conv(x)", convolution))
        centres = []
        for top, name, taps in rows:
            seen = members(taps.positions_met(1 << place))
            drawing.label(x, top + 17, name)
            for at in range(size):
                drawing.box("good" if at in seen else "map", left + at * cell, top, cell, cell)
            centres.append((seen[0] + seen[-1] + 1) / 2)
        ours, theirs = (left + centre * cell for centre in centres)
        drawing.line("missed", theirs, y - 4, theirs, y + 72)
        drawing.line("frame", ours, y - 10, ours, y + 64)
        drawing.label(ours, y - 14, "centre of x", "middle")
        drawing.label(theirs, y + 86, "centre of conv(x)", "middle")
        apart = centres[1] - centres[0]
        told = f"{apart:g} positions apart" if apart else "the same place"
        drawing.label(left + size * cell / 2, y + 112, told, "title middle")
    drawing.key(("good", "seen by one position of the sum, along one axis"))


class Picture(NamedTuple):
    """What draws it, and what is said of it."""

    draw: Callable[[Drawing], None]
    alt: str
    """For those who do not see it."""
    caption: str


PICTURES = {
    "RF101": Picture(
        receptive_fields,
        "Bars, one for each convolution of a small VGG: the receptive field of its input grows "
        "from 1 to 52 pixels, and is larger than the image of 32 pixels from the seventh "
        "convolution on.",
        "A VGG with eight convolutions on images of 32 pixels.",
    ),
    "RF201": Picture(
        collapsed_map,
        "A 3×3 kernel on a padded 1×1 map: its middle weight meets the one position, the eight "
        "weights around it meet zeros.",
        "Eight of nine weights multiply zeros.",
    ),
    "RF202": Picture(
        unread_positions,
        "Two maps of 8×8 positions: a 1×1 kernel with stride 2 reads every second one of every "
        "second row, a 3×3 kernel with stride 2 reads all of them.",
        "Three quarters of the map on the left were computed for nothing.",
    ),
    "RF203": Picture(
        unread_border,
        "Windows of 3×3 with stride 3 on 11×11 positions leave out the last two rows and columns; "
        "on 12×12 positions they leave out nothing.",
        "What is left of a map when the next window does not fit is read by nobody.",
    ),
    "RF301": Picture(
        dead_taps,
        "A 3×3 kernel with dilation 4 on a 4×4 map, in its first and its last window: only the "
        "middle tap is ever on the map, the eight others are on padding.",
        "All windows lie between these two: eight taps of nine never meet data.",
    ),
    "RF401": Picture(
        gridding,
        "What a unit sees through three 3×3 convolutions: with dilations 2, 2, 2 every second "
        "position of every second row, with dilations 1, 2, 5 all positions.",
        "What one unit sees of the map in front of three dilated convolutions.",
    ),
    "RF402": Picture(
        checkerboard,
        "The number of taps on output positions of two transposed convolutions with stride 2: "
        "with a 3×3 kernel a checkerboard of 1, 2 and 4, with a 4×4 kernel 4 everywhere.",
        "A part of the output, away from its border.",
    ),
    "RF403": Picture(
        misaligned_merge,
        "What meets in a sum x + conv(x): with a kernel of 4, what the convolution sees is centred "
        "half a position beside what x is; with a kernel of 3, at the same place.",
        "Lines mark the centre of what is seen.",
    ),
}


def picture(code: str) -> str:
    """The picture of a rule, as SVG."""
    drawn = Drawing()
    PICTURES[code].draw(drawn)
    return drawn.svg(PICTURES[code].alt)
