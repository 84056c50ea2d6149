"""What is said of a model at many sizes: cells of a table, and sentences of advice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rflint.analysis.sizes.at_size import AtSize, Fails, NotKnown, Outcome
from rflint.analysis.sizes.look_back import LookBack
from rflint.analysis.sizes.ranges import SizeRange, Standing
from rflint.report.sizes.report import ModelSizes
from rflint.report.units import in_unit, main_unit
from rflint.text.numbers import abbreviated, abbreviated_count, percent, plural, relative_change
from rflint.text.numbers import size as size_text

_BYTES = 4
"""Of a number in float32."""


def step_of(outcomes: Sequence[Outcome]) -> int:
    """How far the first two sizes are apart, along the axis that moves most."""
    if len(outcomes) < 2:
        return 1
    first, second = outcomes[0].size, outcomes[1].size
    return max(b - a for a, b in zip(first, second, strict=True))


def ordinal(number: int) -> str:
    """'2nd', '3rd', '11th', '64th'."""
    tens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if tens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def sizes_cell(found: SizeRange, cross: str = "x") -> str:
    """'16 to 31', '32, 64 to 512', '224', '20x28 to 360x504 (26 sizes)'."""
    squares = all(len(set(x.size)) == 1 for x in found.outcomes)
    names = [(_short if squares else _long)(x, cross) for x in found.outcomes]
    if len(names) == 1:
        return names[0]
    if found.every == 1:
        return f"{names[0]} to {names[-1]}"
    if found.every is None:
        return f"{names[0]} to {names[-1]} ({len(names)} sizes)"
    if len(names) == 2:
        return f"{names[0]} and {names[1]}"
    return f"{names[0]}, {names[1]} to {names[-1]}"


def standing_cell(model: ModelSizes, found: SizeRange) -> str:
    """What holds there: 'does not run', '3 to 13 unproductive', 'sound', 'beyond all fields'."""
    if found.standing is Standing.FAILS:
        return "does not run"
    if found.standing is Standing.NOT_KNOWN:
        return "cannot be followed"
    if found.standing is Standing.UNPRODUCTIVE:
        return f"{amount_cell([x.unproductive for x in found.running])} unproductive"
    if not any(x.is_judged for x in model.analysis.layers):
        return "runs"
    return "sound" if found.standing is Standing.SOUND else "beyond all fields"


def amount_cell(values: Sequence[int], unit: str = "") -> str:
    """'0', '3 to 13', '1.60 to 2.50 M', '552 M to 15.3 G'; with a unit: '33 kB to 1.33 MB'."""
    least, most = f"{abbreviated(min(values))}{unit}", f"{abbreviated(max(values))}{unit}"
    if least == most:
        return least
    number, _, same = least.partition(" ")
    return f"{number} to {most}" if same and most.endswith(f" {same}") else f"{least} to {most}"


def memory_cell(found: Sequence[AtSize]) -> str:
    """What all activations take for one sample, in float32."""
    return amount_cell([_BYTES * x.activations for x in found], "B")


def share_cell(flags: Sequence[bool]) -> str:
    """At which share of sizes something holds: 'no', 'yes', 'at 48 %'."""
    if all(flags):
        return "yes"
    return f"at {percent(sum(flags), len(flags))}" if any(flags) else "no"


def reasons(model: ModelSizes, cross: str = "x") -> Iterator[str]:
    """Why the model does not run at sizes at which it does not: the largest of each range."""
    between = next((x.between for x in model.survey.ranges if x.between is not None), None)
    said: set[str] = set()
    for found in model.survey.ranges:
        last = found.last
        if isinstance(last, Fails | NotKnown) and last.why not in said:
            said.add(last.why)
            verb = "does not run" if isinstance(last, Fails) else "cannot be followed"
            yield f"At {_short(last, cross)} it {verb}: {last.why}"
    if isinstance(between, Fails) and between.why not in said:
        where = _short(between, cross)
        yield f"It does not run at the sizes between: at {where}, {between.why}"


def advice(model: ModelSizes, cross: str = "x") -> Iterator[str]:
    """Which sizes to take."""
    survey, found = model.survey, model.survey.advice
    unit = main_unit(model.analysis.architecture)
    smallest = survey.smallest_sound
    judged = any(x.is_judged for x in model.analysis.layers)
    if smallest and judged:
        yield (
            f"The smallest sound input of these is {in_unit(_long(smallest, cross), unit)}: "
            f"{abbreviated_count(smallest.macs, 'MAC')}."
        )
    elif judged and (runs := [x for x in survey.outcomes if isinstance(x, AtSize)]):
        if all(x.unproductive for x in runs):
            yield "At all of these sizes, some convolutions are unproductive."
        elif all(not x.unproductive for x in runs):
            yield "No convolution is unproductive at any of these sizes."
    if model.is_inferred and not _lies_within(survey.asked, survey.outcomes):
        return  # nobody asked for it
    asked = f"{size_text(survey.asked, cross)}{' (assumed)' if model.is_inferred else ''}"
    if found.asked is None:
        around = [x for x in found.running if x is not None]
        if around:
            nearest = " and ".join(_long(x, cross) for x in around)
            which = "sizes at which it does are" if len(around) > 1 else "size at which it does is"
            yield f"It does not run at {asked}; the nearest {which} {nearest}."
    elif wrong := _wasted(found.asked):
        better = [_priced(x, found.asked, cross) for x in found.tidy if x is not None]
        anywhere = any(isinstance(x, AtSize) and x.is_tidy for x in survey.outcomes)
        nowhere = (
            "none was found nearby that does better" if anywhere else "so at all of these sizes"
        )
        where = f"none of that at {' or '.join(better)}" if better else nowhere
        yield f"At {asked}, {wrong}; {where}."
    else:
        yield f"At {asked}, nothing is lost at the border, and padding is read evenly."


def look_back_sentence(found: LookBack) -> str:
    """What a step sees: 'A step of the output sees 4093 steps of the input (256 ms): ...'."""
    whole = f" ({_time(found, found.steps)})" if found.sample_rate else ""
    where = "the output" if found.is_output else found.layer
    ahead = "none" if found.is_causal and found.every == 1 else str(found.ahead)
    causal = "; it is causal" if found.is_causal else ""
    every = f", one for every {found.every} of the input," if found.every > 1 else ""
    return (
        f"A step of {where}{every} sees {plural(found.steps, 'step')} of the input{whole}: "
        f"{found.back} before its own and {ahead} after{causal}."
    )


def how_known(model: ModelSizes) -> str:
    """How all of this is known."""
    survey = model.survey
    if survey.each_traced_because:
        return f"Every size was tried by itself, since {survey.each_traced_because}."
    if len(survey.traced) >= len(survey.outcomes):
        return "Every size was traced."
    tried = plural(len(survey.traced), "size")
    return f"Followed at {tried}, those named here among them; the others follow from these."


def _wasted(found: AtSize) -> str:
    """What is wrong at a size, as far as sizes nearby may mend it."""
    unread = "rows or columns at the end of a map are read by nobody"
    uneven = "padding is read at one end more than at the other"
    wrong = [
        *([unread] if found.unread_border else []),
        *([uneven] if found.uneven_padding else []),
    ]
    return " and ".join(wrong)


def _priced(found: AtSize, asked: AtSize, cross: str) -> str:
    change = relative_change(asked.macs, found.macs, cross)
    macs = abbreviated_count(found.macs, "MAC")
    return f"{_long(found, cross)} ({macs}{f', {change}' if change else ''})"


def _lies_within(size: Sequence[int], outcomes: Sequence[Outcome]) -> bool:
    first, last = outcomes[0].size, outcomes[-1].size
    return all(a <= n <= b for a, n, b in zip(first, size, last, strict=True))


def _short(outcome: Outcome, cross: str) -> str:
    """'32' for a square, else '32x64'."""
    alike = len(set(outcome.size)) == 1
    return str(outcome.size[0]) if alike else size_text(outcome.size, cross)


def _long(outcome: Outcome, cross: str) -> str:
    return size_text(outcome.size, cross)


def _time(found: LookBack, steps: int) -> str:
    milliseconds = found.milliseconds(steps)
    assert milliseconds is not None
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.3g} s"
    return f"{milliseconds:.3g} ms"
