"""Layouts: what lies along the dimensions of an input, one letter each, as in `BTCHW`.

B is the batch, C are channels, T is time or frames, D, H and W are the axes of volumes and images.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rflint.errors import UsageError

LETTERS = "BCTDHW"
"""Each stands for a dimension, at most once."""

_AXES = {0: "", 1: "T", 2: "HW", 3: "DHW"}
"""What the axes of an input are called, by their number."""


def read_layout(text: str) -> str:
    """Read a layout that a user wrote. Raises ValueError for anything else."""
    letters = text.strip().upper()
    foreign = [letter for letter in letters if letter not in LETTERS]
    twice = [letter for letter in LETTERS if letters.count(letter) > 1]
    if not letters or foreign:
        what = f"{foreign[0]!r} is none of {', '.join(LETTERS)}" if foreign else "it is empty"
        raise ValueError(
            f"{text!r} is no layout: {what}. One letter a dimension: B (batch), C (channels), "
            "T (time or frames), D, H, W, like BTCHW"
        )
    if twice:
        raise ValueError(f"{text!r} is no layout: {twice[0]} stands there twice")
    return letters


def check_layouts(layouts: Sequence[str], shapes: Sequence[Sequence[int]]) -> None:
    """Raises UsageError unless every layout has one letter for each dimension of its input."""
    if len(layouts) > len(shapes):
        raise UsageError(
            f"there are {len(layouts)} layouts, but the model gets {len(shapes)} "
            f"{'input' if len(shapes) == 1 else 'inputs'}",
            hint="Give one layout for each input, in their order.",
        )
    for letters, shape in zip(layouts, shapes, strict=False):
        if letters and len(letters) != len(shape):
            raise UsageError(
                f"the layout {letters} has {len(letters)} letters, but the input "
                f"{'x'.join(map(str, shape))} has {len(shape)} dimensions",
                hint="One letter a dimension: B (batch), C (channels), T (time or frames), D, H, "
                "W.",
            )


def layout_of_shape(shape: Sequence[int]) -> str:
    """The layout that is written behind a shape, as in 1x8x3x64x64:BTCHW; else empty."""
    layout = getattr(shape, "layout", "")
    return layout if isinstance(layout, str) else ""  # that of a tensor is something else


def layouts_of_inputs(said: Sequence[str], shapes: Sequence[Sequence[int]]) -> tuple[str, ...]:
    """The layout of every input, given in a list of layouts, or behind the shapes of the inputs.

    A single layout is that of the first input. Raises UsageError where an input has two different
    ones.
    """
    if not said and not any(map(layout_of_shape, shapes)):
        return ()
    found = []
    for i in range(max(len(said), len(shapes))):
        stated = said[i] if i < len(said) else ""
        behind = layout_of_shape(shapes[i]) if i < len(shapes) else ""
        if stated and behind and stated != behind:
            raise UsageError(f"the layout of an input is {stated} here, and {behind} there")
        found.append(stated or behind)
    return tuple(found)


def axis_dimensions(letters: str, *, slid: Collection[int] = ()) -> tuple[int, ...]:
    """The dimensions that are spatial axes: D, H, W, and T where it is alone or in `slid`.

    `slid` are the dimensions that windows slide over.
    """
    spatial = [dim for dim, letter in enumerate(letters) if letter in "DHW"]
    time = letters.find("T")
    if time >= 0 and (not spatial or time in slid):
        spatial.append(time)
    return tuple(sorted(spatial))


def resizable_dimensions(letters: str) -> tuple[int, ...]:
    """The dimensions whose sizes a resolution may name: T, D, H, W."""
    return tuple(dim for dim, letter in enumerate(letters) if letter in "TDHW")


def is_usual_layout(letters: str) -> bool:
    """Whether a layout is batch, channels, and axes in their order, as most are."""
    return letters in ("", "B", "BC", *(f"BC{axes}" for axes in _AXES.values()))


def layout_letters(axes: Sequence[int | None], summed: Collection[int] = ()) -> str:
    """The layout of an input in letters, from the axis along each dimension (None: no axis).

    `summed` are the dimensions that a layer sums over: channels. Of the other dimensions, the
    first is the batch.
    """
    own = sorted(axis for axis in axes if axis is not None)
    spatial = [dim for dim, axis in enumerate(axes) if axis is not None]
    usual = list(axes[:2]) == [None, None] and spatial == list(range(2, len(axes)))
    names = _AXES.get(len(own), "TDHW"[: len(own)])
    if len(own) == 3 and not usual:
        names = "THW"
    letters = {dim: names[own.index(axis)] for dim, axis in enumerate(axes) if axis is not None}
    rest = [dim for dim in range(len(axes)) if dim not in letters]
    batch = next((dim for dim in rest if dim not in summed), None)
    channels = [dim for dim in rest if dim in summed] or [d for d in rest[:2] if d != batch]
    if batch is not None:
        letters[batch] = "B"
    if channels:
        letters[channels[-1]] = "C"
    unused = iter(letter for letter in "TDHW" if letter not in letters.values())
    return "".join(letters.get(dim) or next(unused, "B") for dim in range(len(axes)))
