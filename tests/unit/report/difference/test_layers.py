"""Layers before and after: by their names, and renamed modules by their structure."""

from __future__ import annotations

from dataclasses import replace

from rflint.graph.layer import Layer
from rflint.report.difference.layers import title_of
from tests.helpers.differences import compared
from tests.helpers.handmade_reports import conv


def weighing(layer: Layer, params: int = 584) -> Layer:
    return replace(layer, params=params)


def names(*layers: str) -> list[Layer]:
    return [weighing(conv(name)) for name in layers]


def test_the_same_layers_are_no_difference() -> None:
    comparison = compared(names("a", "b"), names("a", "b"))
    assert comparison.is_same
    assert comparison.layers.unchanged == 2


def test_layers_are_added_and_removed_by_their_names() -> None:
    found = compared(names("a", "b", "c"), names("a", "c", "d", "e")).layers.to_dict()
    assert (found["added"], found["removed"]) == (["d", "e"], ["b"])


def test_a_changed_layer_is_there_before_and_after() -> None:
    before, after = [conv("a"), conv("b")], [conv("a", kernel=5), conv("b")]
    first, second = compared(before, after).layers.changed
    assert (first.before["kernel"], first.after["kernel"]) == ([3, 3], [5, 5])
    assert "kernel" in first.fields
    assert "r_in_min" in second.fields, "what comes behind it sees more"
    assert "kernel" not in second.fields


def test_another_line_is_no_change() -> None:
    from rflint.graph.source_location import SourceLocation

    here = compared([conv("a", SourceLocation("n.py", 3))], [conv("a", SourceLocation("n.py", 9))])
    assert here.is_same


def test_the_second_call_of_a_module_is_a_layer_of_its_own() -> None:
    again = replace(conv("a"), call=1)
    added = compared([conv("a")], [conv("a"), again]).layers.added
    assert [title_of(x) for x in added] == ["a (call 2)"]


def test_a_module_under_another_name_is_renamed() -> None:
    before = names("stem", "backbone.a", "backbone.b", "head")
    after = names("stem", "encoder.a", "encoder.b", "head")
    layers = compared(before, after).layers
    (renaming,) = layers.renamings
    assert (renaming.before, renaming.after) == ("backbone", "encoder")
    assert layers.new_names == {"backbone.a": "encoder.a", "backbone.b": "encoder.b"}
    assert not layers.really_added
    assert not layers.really_removed
    assert layers.to_dict()["added"] == ["encoder.a", "encoder.b"], "by name they are new"
    assert layers.to_dict()["removed"] == ["backbone.a", "backbone.b"]


def test_a_model_that_is_put_into_another_is_renamed_as_a_whole() -> None:
    (renaming,) = compared(names("a", "b"), names("model.a", "model.b")).layers.renamings
    assert (renaming.before, renaming.after) == ("", "model")


def test_what_a_renamed_layer_sees_is_compared() -> None:
    before = [weighing(conv("a")), *names("old.x", "old.y")]
    after = [weighing(conv("a", kernel=5)), *names("new.x", "new.y")]
    layers = compared(before, after).layers
    assert [x.after["name"] for x in layers.renamed_changes] == ["new.x", "new.y"]


def test_another_operation_is_no_renaming() -> None:
    before = [*names("stem"), weighing(conv("old"))]
    after = [*names("stem"), weighing(conv("new", kernel=5))]
    assert not compared(before, after).layers.renamings


def test_a_module_of_which_a_layer_stays_is_not_renamed() -> None:
    before = names("stem", "old.a", "old.b")
    after = names("stem", "old.a", "new.a", "new.b")
    assert not compared(before, after).layers.renamings


def test_two_candidates_are_no_renaming() -> None:
    """Which of them it is now, nobody can tell: both stand behind the same layer."""
    before, after = names("stem", "old"), names("stem", "one", "two")
    assert not compared(before, after).layers.renamings


def test_a_module_elsewhere_is_no_renaming() -> None:
    before, after = names("stem", "old", "head"), names("stem", "head", "new")
    assert not compared(before, after).layers.renamings


def test_what_has_no_weights_has_no_name_that_matters() -> None:
    assert not compared(
        [conv("stem"), conv("relu")], [conv("stem"), conv("other")]
    ).layers.renamings
