"""Two reports: which of their models belong together, and what a failure comes to."""

from __future__ import annotations

import pytest

import rflint
from rflint.report.difference.difference import compare_reports
from rflint.report.report import Report
from tests.helpers import handmade_reports
from tests.helpers.differences import failed, joined, saved
from tests.helpers.handmade_reports import conv, found

LAYERS = [conv("a")]


def at(resolution: int, target: str = "net.py:build") -> dict:  # type: ignore[type-arg]
    return saved(LAYERS, target=target, resolution=resolution)


def titles(before: dict, after: dict) -> list[str]:  # type: ignore[type-arg]
    return [x.title for x in compare_reports(before, after).comparisons]


def test_one_comparison_for_each_size() -> None:
    both = joined(at(32), at(64))
    assert titles(both, both) == ["net.py:build at 32x32", "net.py:build at 64x64"]


def test_python_compares_reports_and_what_was_saved_of_them() -> None:
    report = Report((handmade_reports.report(LAYERS),))
    assert rflint.diff(report, report.to_dict()).is_same
    assert not rflint.diff(report, at(64)).is_same


def test_the_order_of_a_report_does_not_matter() -> None:
    difference = compare_reports(joined(at(64), at(32)), joined(at(32), at(64)))
    assert difference.is_same


def test_two_targets_are_compared_at_the_same_sizes() -> None:
    before = joined(at(32, "old:build"), at(64, "old:build"))
    after = joined(at(64, "new:build"), at(32, "new:build"))
    assert titles(before, after) == [
        "old:build and new:build at 64x64",
        "old:build and new:build at 32x32",
    ]


def test_one_model_at_two_sizes_is_compared_with_itself() -> None:
    assert titles(at(32), at(64)) == ["net.py:build at 32x32 and 64x64"]


def test_sides_at_two_sizes_are_told_as_such() -> None:
    """What differs then may be nothing but the size."""
    (note,) = compare_reports(at(32), at(64)).to_dict()["notes"]
    assert "32x32 before and 64x64 after" in note
    assert compare_reports(at(32), at(32)).to_dict()["notes"] == []


def test_at_a_prompt_a_difference_is_a_line_and_printed_it_is_the_text() -> None:
    layers = [conv(f"layer{i}") for i in range(50)]
    difference = compare_reports(saved(LAYERS), saved(layers, [found(layers[0])]))
    assert repr(difference) == "<Difference of net.py:build at 32x32: 1 new finding>"
    assert all(len(repr(x)) < 200 for x in difference.comparisons)
    assert "net.py:build at 32x32" in str(difference)
    assert "+ layer1  Conv2d" in str(difference)
    assert "\x1b" not in str(difference)


def test_several_models_are_not_paired_by_guessing() -> None:
    before = joined(at(32, "a:a"), at(32, "b:b"))
    after = joined(at(32, "c:c"), at(32, "d:d"))
    found = compare_reports(before, after).comparisons
    assert all(x.before is None or x.after is None for x in found)
    assert len(found) == 4


def test_a_model_without_partner_is_new_or_gone() -> None:
    difference = compare_reports(
        joined(at(32), at(32, "b:b")), joined(at(32), at(32, "c:c"), at(32, "d:d"))
    )
    new = [x for x in difference.comparisons if x.before is None]
    gone = [x for x in difference.comparisons if x.after is None]
    assert [x.title for x in new] == ["c:c at 32x32", "d:d at 32x32"]
    assert [x.title for x in gone] == ["b:b at 32x32"]
    assert all(x.layers.to_dict()["added"] == ["a"] for x in new)
    assert difference.exit_status == 0


def test_a_model_that_failed_on_one_side_is_neither_new_nor_gone() -> None:
    for before, after in ((failed(), at(32)), (at(32), failed())):
        difference = compare_reports(before, after)
        (comparison,) = difference.comparisons
        assert not comparison.is_compared
        assert not comparison.layers.added
        assert not comparison.layers.removed
        assert difference.exit_status == 2
        assert not difference.is_same


def test_other_models_are_compared_all_the_same() -> None:
    before, after = joined(failed("b:b"), at(32)), joined(at(32), at(32, "b:b"))
    first, second = compare_reports(before, after).comparisons
    assert first.is_same
    assert not second.is_compared


def test_two_targets_of_which_one_fails_are_not_compared() -> None:
    difference = compare_reports(failed("old:build"), at(32, "new:build"))
    assert [x.is_compared for x in difference.comparisons] == [False]


def test_a_side_that_failed_is_told_in_the_document() -> None:
    document = compare_reports(failed(), at(32)).to_dict()
    assert document["before"] is None
    assert document["after"]["target"] == "net.py:build"
    assert document["layers"] == {x: [] for x in ("added", "removed", "changed", "renamed")}
    (error,) = document["errors"]
    assert (error["side"], error["target"], error["kind"]) == ("before", "net.py:build", "import")


def test_the_first_comparison_is_the_document_and_others_come_further() -> None:
    both = joined(at(32), at(64))
    document = compare_reports(both, both).to_dict()
    assert document["before"]["resolution"] == [32, 32]
    assert [x["before"]["resolution"] for x in document["further"]] == [[64, 64]]
    assert "layers" not in document["before"]


@pytest.mark.parametrize("one", [failed(), at(32)])
def test_both_sides_may_fail(one: dict) -> None:  # type: ignore[type-arg]
    assert compare_reports(failed(), joined(failed(), one)).exit_status == 2
