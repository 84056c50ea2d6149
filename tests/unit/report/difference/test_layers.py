"""Layers before and after: by their names, and renamed modules by their structure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rflint.graph.layer import Kind, Layer
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
    assert layers.new_names["backbone.b"] == "encoder.b"
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
    assert [x.after["name"] for x in layers.renamed if x.fields] == ["new.x", "new.y"]


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


# -- positions in sequences, which are no names


def layer(name: str, op: str, kind: Kind, channels: tuple[int, int], params: int = 0) -> Layer:
    return replace(conv(name, channels=channels, kernel=1), op=op, kind=kind, params=params)


def act(name: str, op: str = "ReLU") -> Layer:
    return layer(name, op, Kind.ACTIVATION, (8, 8))


def stages(*widths: int) -> list[Layer]:
    """Convolutions of these widths in one sequence, and behind them a pooling and a classifier."""
    found, width = [], 3
    for place, wider in enumerate(widths):
        params = 9 * width * wider
        found.append(weighing(conv(str(place), channels=(width, wider)), params))
        width = wider
    tail = len(widths)
    return [
        *found,
        layer(f"{tail}", "AdaptiveAvgPool2d", Kind.POOL, (width, width)),
        layer(f"{tail + 1}", "Flatten", Kind.RESHAPE, (width, width)),
        layer(f"{tail + 2}", "Linear", Kind.LINEAR, (width, 10), 10 * width + 10),
    ]


def moved(before: list[Layer], after: list[Layer]) -> dict[str, str]:
    renamed = compared(before, after).layers.renamed
    return {x.before["name"]: x.after["name"] for x in renamed}


def test_what_stands_behind_a_stage_that_is_dropped_has_moved() -> None:
    """Its layers are compared with themselves, and not with what stands at their position now."""
    before, after = stages(8, 16, 32), stages(8, 16)
    layers = compared(before, after).layers
    assert moved(before, after) == {"3": "2", "4": "3", "5": "4"}
    assert [x["name"] for x in layers.really_removed] == ["2"]
    assert not layers.really_added
    linear = layers.renamed[-1]
    assert "params" in linear.fields
    assert not {"op", "kind"} & {name for x in layers.all_changes for name in x.fields}


def test_the_document_has_what_moved_beside_what_only_names_tell() -> None:
    found = compared(stages(8, 16, 32), stages(8, 16)).layers.to_dict()
    assert found["added"] == []
    assert found["removed"] == ["2", "5"], "2 is gone, and so is the name 5"
    assert [(x["before"]["name"], x["name"]) for x in found["renamed"]] == [
        ("3", "2"),
        ("4", "3"),
        ("5", "4"),
    ]


def test_a_layer_that_is_inserted_moves_those_behind_it() -> None:
    before, after = stages(8, 16, 32), stages(4, 8, 16, 32)
    assert moved(before, after) == {"0": "1", "1": "2", "2": "3", "3": "4", "4": "5", "5": "6"}
    assert [x["name"] for x in compared(before, after).layers.really_added] == ["0"]


def test_another_kernel_at_the_same_position_is_a_change() -> None:
    before = names("f.0", "f.1", "f.2")
    after = [*names("f.0"), weighing(conv("f.1", kernel=5), 1600), *names("f.2")]
    layers = compared(before, after).layers
    assert "f.1" in [x.after["name"] for x in layers.changed]
    assert not layers.renamed


def test_another_operation_at_the_same_position_is_another_layer() -> None:
    before = [*names("f.0"), layer("f.1", "Flatten", Kind.RESHAPE, (8, 8))]
    after = [*names("f.0"), layer("f.1", "Linear", Kind.LINEAR, (8, 10), 90)]
    found = compared(before, after).layers.to_dict()
    assert (found["added"], found["removed"], found["changed"]) == (["f.1"], ["f.1"], [])


def test_another_operation_under_the_same_name_is_a_change() -> None:
    before, after = [conv("a"), act("act")], [conv("a"), act("act", op="GELU")]
    (changed,) = compared(before, after).layers.changed
    assert changed.fields == ("op",)


def test_blocks_that_are_alike_stay_where_they_are() -> None:
    """Which of them is the new one, nobody can tell: so it is the last."""
    before, after = names("f.0", "f.1", "f.2"), names("f.0", "f.1", "f.2", "f.3")
    assert not moved(before, after)
    assert [x["name"] for x in compared(before, after).layers.really_added] == ["f.3"]


def test_numbers_of_functions_move_with_the_layers_around_them() -> None:
    before = [*names("a"), act("relu", "relu"), *names("b"), act("relu_1", "relu")]
    after = [*names("b"), act("relu", "relu")]
    assert moved(before, after) == {"relu_1": "relu"}
    assert not compared(before, after).layers.renamings, "that is no news to anybody"


def test_what_follows_the_renaming_of_others_is_renamed() -> None:
    """A shortcut without weights has nothing but its name."""
    before = [*names("0.a", "0.short"), act("1.short", "Identity"), *names("2.a")]
    after = [*names("0.a", "0.skip"), act("1.skip", "Identity"), *names("2.a")]
    layers = compared(before, after).layers
    assert layers.new_names["1.short"] == "1.skip"
    assert not layers.really_added
    assert not layers.really_removed


def test_what_is_renamed_and_moved_is_found() -> None:
    before = [*stages(8)[:1], *names("1.a", "1.short"), *names("2.a"), act("2.short", "Identity")]
    after = [*names("0.a", "0.skip"), *names("1.a"), act("1.skip", "Identity")]
    assert moved(before, after) == {
        "1.a": "0.a",
        "1.short": "0.skip",
        "2.a": "1.a",
        "2.short": "1.skip",
    }


def test_another_operation_does_not_follow_a_renaming() -> None:
    before = [*names("0.a", "0.short"), act("1.short", "Identity")]
    after = [*names("0.a", "0.skip"), act("1.skip", "GELU")]
    assert compared(before, after).layers.really_added


def test_where_too_much_has_changed_positions_are_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rflint.report.difference.alignment._MOST", 0)
    before, after = stages(8, 16, 32), stages(8, 16)
    assert "4" not in moved(before, after)
    assert compared(before, after).layers.unchanged == 2
