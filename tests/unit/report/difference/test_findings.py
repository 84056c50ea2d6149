"""Findings before and after: new, gone and kept, whatever their lines and messages."""

from __future__ import annotations

from dataclasses import replace

from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Severity
from rflint.report.difference.difference import compare_reports
from tests.helpers.differences import joined, only, saved
from tests.helpers.handmade_reports import conv, found


def test_a_finding_is_new_gone_or_kept() -> None:
    a, b, c = conv("a"), conv("b"), conv("c", kernel=5)
    before = saved([a, b, c], [found(a), found(c)])
    after = saved([a, b, c], [found(a), found(b, "RF301")])
    changes = only(compare_reports(before, after)).findings.to_dict()
    assert [x["layer"] for x in changes["new"]] == ["b"]
    assert [x["layer"] for x in changes["gone"]] == ["c"]
    assert [x["layer"] for x in changes["kept"]] == ["a"]


def test_another_line_and_other_words_are_no_change() -> None:
    old, new = conv("a", SourceLocation("n.py", 3)), conv("a", SourceLocation("m.py", 99))
    before, after = saved([old], [found(old)]), saved([new], [replace(found(new), message="more")])
    comparison = only(compare_reports(before, after))
    assert comparison.is_same
    assert [x["message"] for x in comparison.findings.kept] == ["more"], "as it is after"


def test_a_finding_moves_with_its_layer_in_a_sequence() -> None:
    before = [conv("f.0"), conv("f.1", channels=(8, 4))]
    after = [conv("f.0"), conv("f.1"), conv("f.2", channels=(8, 4))]
    changes = only(
        compare_reports(saved(before, [found(before[1])]), saved(after, [found(after[2])]))
    ).findings
    assert not changes.new
    assert not changes.gone


def test_a_finding_of_a_layer_that_is_gone_is_gone_although_another_stands_there_now() -> None:
    """The two do the same: by name and operation, they are one."""
    before = [conv("f.0"), conv("f.1", channels=(8, 4)), conv("f.2", channels=(4, 4))]
    after = [conv("f.0"), conv("f.1", channels=(8, 4)), conv("f.2", channels=(4, 4))]
    before.insert(2, conv("f.x", channels=(4, 4)))
    names = ("f.0", "f.1", "f.2", "f.3")
    before = [replace(x, name=name) for x, name in zip(before, names, strict=True)]
    before[2] = replace(before[2], geometry=conv("x", kernel=5).geometry)
    changes = only(
        compare_reports(
            saved(before, [found(before[2]), found(before[3], "RF301")]),
            saved(after, [found(after[2], "RF301")]),
        )
    ).findings
    assert [(x["code"], x["layer"]) for x in changes.gone] == [("RF101", "f.2")]
    assert [(x["code"], x["layer"]) for x in changes.kept] == [("RF301", "f.2")]
    assert not changes.new


def test_a_finding_goes_with_a_renamed_module() -> None:
    before = [replace(conv(name), params=9) for name in ("stem", "old.a")]
    after = [replace(conv(name), params=9) for name in ("stem", "new.a")]
    changes = only(
        compare_reports(saved(before, [found(before[1])]), saved(after, [found(after[1])]))
    ).findings
    assert [x["layer"] for x in changes.kept] == ["new.a"]
    assert not changes.new


def accepted(report: dict, count: int = 1) -> dict:  # type: ignore[type-arg]
    (model,) = report["models"]
    held = {"accepted": model["findings"][:count], "findings": model["findings"][count:]}
    return {**report, "models": [{**model, **held}]}


def test_what_a_baseline_accepts_is_not_new() -> None:
    a = conv("a")
    difference = compare_reports(saved([a]), accepted(saved([a], [found(a)])))
    assert not difference.new_findings
    assert difference.exit_status == 0


def test_what_a_baseline_accepts_is_kept_where_it_was_found_before() -> None:
    a = conv("a")
    changes = only(
        compare_reports(saved([a], [found(a)]), accepted(saved([a], [found(a)])))
    ).findings
    assert len(changes.kept) == 1
    assert not changes.gone


def test_new_findings_fail_from_their_severity_on() -> None:
    a = conv("a")
    mild = replace(found(a), severity=Severity.INFO)
    difference = compare_reports(saved([a]), saved([a], [mild]))
    assert difference.exit_status == 0
    assert replace(difference, fail_on=Severity.INFO).exit_status == 1
    assert replace(difference, fail_on=None).exit_status == 0
    worse = compare_reports(saved([a]), saved([a], [found(a)]))
    assert worse.exit_status == 1
    assert replace(worse, fail_on=Severity.ERROR).exit_status == 0


def test_kept_findings_fail_nothing() -> None:
    a = conv("a")
    report = saved([a], [found(a)])
    assert compare_reports(report, report).exit_status == 0


def test_findings_of_models_that_are_new_are_new() -> None:
    a = conv("a")
    old, other = saved([a]), saved([a], [found(a)], target="other.py:build")
    assert len(compare_reports(old, joined(old, other)).new_findings) == 1
