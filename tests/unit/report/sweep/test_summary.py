"""What the lines of a sweep say together."""

from __future__ import annotations

import io
import statistics
from collections import Counter

import pytest

from rflint.report.sweep.summary import OTHER_SIZES, SweepSummary, quantile
from rflint.report.sweep.summary_table import write_files, write_summary
from tests.helpers.sweep_lines import failed, reported


def summed(*lines: dict[str, object]) -> SweepSummary:
    summary = SweepSummary()
    for line in lines:
        summary.add(line)
    return summary


def shown(summary: SweepSummary) -> str:
    stream = io.StringIO()
    write_summary(summary, stream)
    return stream.getvalue()


def test_models_and_errors_are_counted_by_size() -> None:
    summary = summed(
        reported("a:b", "32", codes=["RF101", "RF101"]),
        reported("a:c", "32"),
        reported("a:b", "64"),
        failed("a:d", "64"),
        failed("a:e", None),
    )
    assert (summary.models, summary.errors) == (3, 2)
    assert {x: (y.models, y.errors, y.with_findings) for x, y in summary.by_size.items()} == {
        "32": (2, 0, 1),
        "64": (1, 1, 0),
        "": (0, 1, 0),
    }


def test_rules_are_counted_by_models_and_by_findings() -> None:
    summary = summed(
        reported("a:b", codes=["RF101", "RF101", "RF203"]), reported("a:c", codes=["RF101"])
    )
    found = {x: (y.models, y.findings) for x, y in summary.by_rule.items()}
    assert found == {"RF101": (2, 3), "RF203": (1, 1)}


def test_errors_are_counted_by_kind_with_the_first_of_each() -> None:
    summary = summed(failed("a:b", said="one"), failed("a:c", said="two"), failed("d", kind="oom"))
    found = {x: (y.count, y.target, y.message) for x, y in summary.by_error.items()}
    assert found == {"build": (2, "a:b", "one"), "oom": (1, "d", "d raised ValueError")}


def test_the_worst_few_are_kept() -> None:
    lines = [
        reported(f"a:b{n}", unproductive=1, unproductive_params=n) for n in (3, 50, 1, 9, 7, 8, 2)
    ]
    assert [x.target for x in summed(*lines).worst] == ["a:b50", "a:b9", "a:b8", "a:b7", "a:b3"]


def test_models_without_unproductive_layers_are_none_of_the_worst() -> None:
    assert summed(reported("a:b")).worst == []


def test_only_so_many_sizes_are_told_apart() -> None:
    summary = summed(*(reported("a:b", str(n)) for n in range(1, 301)))
    assert len(summary.by_size) == 101
    assert summary.by_size[OTHER_SIZES].models == 200


@pytest.mark.parametrize("numbers", [[3], [1, 2, 3, 4], [5, 0, 0, 9, 9, 2, 7], list(range(100))])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
def test_a_quantile_is_the_least_number_that_a_share_does_not_exceed(
    numbers: list[int], share: float
) -> None:
    found = quantile(Counter(numbers), share)
    assert found in numbers
    assert sum(x <= found for x in numbers) >= share * len(numbers)
    assert sum(x < found for x in numbers) < share * len(numbers)
    if share == 0.5:
        assert found == statistics.median_low(numbers)


def test_the_summary_is_plain_text_in_a_pipe() -> None:
    text = shown(
        summed(
            *(reported(f"a:b{n}", "32", codes=["RF101"], unproductive=n) for n in range(4)),
            reported("a:wide", "224", unproductive=4, unproductive_params=60),
            failed("a:x", "224", kind="timeout", said="it took longer\nRaise --timeout"),
        )
    )
    assert "\x1b" not in text
    lines = [" ".join(x.split()) for x in text.splitlines()]
    assert lines[0] == "5 reports, 1 error"
    assert "32 4 0 4 (100 %) 0 1 2 3" in lines
    assert "224 1 1 0 (0 %) 4 4 4 4" in lines
    assert "RF101 rule-RF101 warning 4 (80 %) 4" in lines
    assert "a:wide 224×224 100 4 of 4 60 %" in lines
    assert "1 timeout" in lines
    assert "a:x: it took longer" in lines


def test_names_of_the_users_code_are_harmless() -> None:
    hostile = "\x1b[31m::error::\n##[error][bold]"
    text = shown(
        summed(
            failed(hostile, kind=hostile, said=hostile),
            reported(hostile, None, codes=[hostile], unproductive=1),
        )
    )
    assert "\x1b" not in text
    assert not any(x.lstrip().startswith("::") for x in text.splitlines())
    assert "##[" not in text
    assert "[bold]" in text  # and no markup


def test_nothing_at_all_is_said_too() -> None:
    assert shown(SweepSummary()) == "0 reports\n"


def test_files_are_listed_with_what_they_have() -> None:
    stream = io.StringIO()
    write_files([("a.jsonl", 1200, 3), ("b.jsonl", 4, 0)], 2, stream)
    assert [" ".join(x.split()) for x in stream.getvalue().splitlines()] == [
        "file reports errors",
        "a.jsonl 1,200 3",
        "b.jsonl 4 0",
        "2 lines about the same as another",
    ]
