"""A baseline: what is found today is accepted, and what is new is not, whatever else changes."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rflint.errors import UsageError
from rflint.graph.layer import Layer
from rflint.report.baseline import Baseline
from rflint.report.baseline_file import read_baseline, write_baseline
from rflint.report.model_report import ModelReport
from rflint.report.report import FixedFinding
from tests.helpers.forked import Forked
from tests.helpers.handmade_reports import conv, found, report
from tests.helpers.program import write as write_files

EMPTY = Baseline({})


def model(*layers: Layer | str, **more: object) -> ModelReport:
    """Every layer has a finding."""
    made = [conv(layer) if isinstance(layer, str) else layer for layer in layers]
    return report(made, [found(layer) for layer in made], **more)  # type: ignore[arg-type]


def sequential(*channels: tuple[int, int], prefix: str = "", behind: int = 0) -> ModelReport:
    """Useless convolutions in an nn.Sequential, behind others that are not."""
    layers = [conv(f"{prefix}{i}", channels=x) for i, x in enumerate(channels)]
    return report(layers, [found(x) for x in layers[behind:]])


def held_against(old: Sequence[ModelReport], new: Sequence[ModelReport]) -> tuple[int, int]:
    """How many findings are new, and how many entries are fixed."""
    models, use = EMPTY.updated(old).accept(new, "baseline.json")
    assert use.accepted == sum(len(x.accepted) for x in models)
    for before, after in zip(new, models, strict=True):
        assert sorted(map(repr, before.findings)) == sorted(
            map(repr, (*after.findings, *after.accepted))
        )
    return sum(len(x.findings) for x in models), len(use.fixed)


def new_and_fixed(old: ModelReport, new: ModelReport) -> tuple[int, int]:
    return held_against([old], [new])


# -- unrelated edits


def test_a_new_finding_is_one() -> None:
    models, use = EMPTY.updated([model("a", "b")]).accept([model("a", "b", "c")], "it.json")
    (after,) = models
    assert [x.layer for x in after.findings] == ["c"]
    assert [x.layer for x in after.accepted] == ["a", "b"]
    assert (use.path, use.accepted, use.fixed) == ("it.json", 2, ())


def test_a_fixed_one_is_pointed_out() -> None:
    models, use = EMPTY.updated([model("a", "b")]).accept([model("a", name="")], "it.json")
    assert models[0].findings == ()
    assert use.fixed == (FixedFinding("net.py:build", "RF101", "b"),)


def test_the_same_layer_found_by_another_rule_is_new() -> None:
    layer = conv("a")
    other = report([layer], [found(layer, "RF201", "something-else")])
    assert new_and_fixed(model("a"), other) == (1, 1)


def test_a_message_or_a_line_is_no_part_of_an_entry() -> None:
    old = model("a")
    other = replace(old.findings[0], message="sees 99 pixels", source=None, places=())
    assert new_and_fixed(old, replace(old, findings=(other,))) == (0, 0)


def test_a_layer_that_gets_wider_is_the_same() -> None:
    assert new_and_fixed(sequential((8, 8), (8, 8)), sequential((8, 9), (9, 8))) == (0, 0)


@pytest.mark.parametrize("prefix", ["", "features."])
def test_a_layer_at_the_front_of_a_sequential_moves_the_others(prefix: str) -> None:
    old = sequential((3, 8), (8, 8), (8, 16), (16, 16), prefix=prefix, behind=1)
    new = sequential((3, 8), (8, 8), (8, 8), (8, 16), (16, 16), prefix=prefix, behind=2)
    assert new_and_fixed(old, new) == (0, 0)
    assert new_and_fixed(new, old) == (0, 0)


def test_a_useless_layer_at_the_front_is_one_more() -> None:
    old = sequential((8, 8), (8, 16))
    assert new_and_fixed(old, sequential((8, 8), (8, 8), (8, 16))) == (1, 0)
    assert new_and_fixed(old, sequential((8, 4), (4, 8), (8, 8), (8, 16))) == (2, 0)


def test_positions_inside_of_names() -> None:
    old = model("stages.0.1.conv1", "stages.0.1.conv2")
    assert new_and_fixed(old, model("stages.1.0.conv1", "stages.1.0.conv2")) == (0, 0)
    assert new_and_fixed(old, model("stages.1.0.conv1", "stages.1.0.conv3")) == (1, 1)
    assert new_and_fixed(old, model("layers.0.1.conv1", "stages.0.1.conv2")) == (1, 1)


def test_calls_are_numbered_from_the_second_on() -> None:
    old = model("conv2d", "conv2d_1")
    assert new_and_fixed(old, model("conv2d_1", "conv2d_2")) == (0, 0)
    assert new_and_fixed(model("conv2d_1"), model("conv2d")) == (0, 0)
    assert new_and_fixed(old, model("conv2d", "conv2d_1", "conv2d_2")) == (1, 0)
    assert new_and_fixed(model("conv2d_1"), model("conv1d_1")) == (1, 1)


def test_what_has_moved_must_do_the_same() -> None:
    assert new_and_fixed(sequential((8, 8)), model(conv("7", channels=(8, 8)))) == (0, 0)
    assert new_and_fixed(sequential((8, 8)), model(conv("7", channels=(8, 9)))) == (1, 1)
    assert new_and_fixed(sequential((8, 8)), model(conv("7", kernel=5))) == (1, 1)


def test_old_and_new_names_overlap() -> None:
    """First come, first served would go wrong: an old name is another layer's new one."""
    old = model(conv("0", channels=(8, 8)), conv("1", channels=(8, 16)))
    moved = model(conv("1", channels=(8, 8)), conv("2", channels=(8, 16)))
    widened = model(conv("0", channels=(8, 16)), conv("1", channels=(9, 9)))
    both = model(conv("1", channels=(9, 9)), conv("5", channels=(8, 8)))
    for new in (moved, widened, both):
        assert new_and_fixed(old, new) == (0, 0)


def test_a_layer_that_is_called_twice_counts_twice() -> None:
    once, twice, thrice = (model(*["shared"] * times) for times in (1, 2, 3))
    assert new_and_fixed(twice, twice) == (0, 0)
    assert new_and_fixed(twice, once) == (0, 1)
    assert new_and_fixed(twice, thrice) == (1, 0)


def test_thousands_of_findings_are_no_problem() -> None:
    old = sequential(*[(8, 8)] * 1500)
    assert new_and_fixed(old, sequential(*[(8, 8)] * 3000)) == (1500, 0)


# -- several models


def test_models_and_resolutions_have_entries_of_their_own() -> None:
    old = [model("a"), model("b", target="other.py:build"), model("c", resolution=64)]
    assert held_against(old, old) == (0, 0)
    assert held_against(old, [model("a", resolution=64)]) == (1, 1)
    assert held_against(old, [model("b")]) == (1, 1)
    assert held_against(old, [model("a", target="new.py:build")]) == (1, 0)


def test_a_name_goes_before_the_target() -> None:
    old = model("a", name="small", target="here.py:build")
    assert new_and_fixed(old, model("a", name="small", target="there.py:build")) == (0, 0)


def test_models_of_one_name_share_their_entries() -> None:
    """One builder, linted with several arguments."""
    narrow, wide = model("a", "b"), model("a", "c")
    assert held_against([narrow, wide], [narrow, wide]) == (0, 0)
    assert held_against([narrow, wide], [wide, narrow]) == (0, 0)
    assert held_against([narrow, wide], [narrow, model("a", "c", "d")]) == (1, 0)
    assert held_against([narrow, wide], [model("b"), wide]) == (0, 1)


def test_of_what_was_not_linted_nothing_is_known() -> None:
    held = EMPTY.updated([model("a"), model("b", target="other.py:build")])
    _, use = held.accept([model("a")], "it.json")
    assert use.fixed == ()
    updated = held.updated([model("c")])
    assert held_by(updated) == {("net.py:build", "c"), ("other.py:build", "b")}


def held_by(baseline: Baseline) -> set[tuple[str, str]]:
    return {(key[0], x.layer) for key, entries in baseline.entries.items() for x in entries}


def test_neither_of_rules_that_did_not_run() -> None:
    """`--select RF201`, or a run of which RF900 cannot judge."""
    held = EMPTY.updated([model("a")])
    other = replace(report([conv("a")]), rules_run=("RF201",))
    _, use = held.accept([other], "it.json")
    assert use.fixed == ()
    assert held_by(held.updated([other])) == {("net.py:build", "a")}
    ran = replace(other, rules_run=("RF101", "RF201"))
    assert len(held.accept([ran], "it.json")[1].fixed) == 1
    assert len(held.updated([ran])) == 0


# -- whatever the models


NAMES = st.builds(
    "".join, st.lists(st.sampled_from(["a", "conv", ".", "0", "1", "_1", "_2", "12"]), min_size=1)
) | st.text(min_size=1)
LAYERS = st.builds(conv, NAMES, channels=st.sampled_from([(8, 8), (8, 16)]))
MODELS = st.lists(
    st.builds(
        lambda layers, target, resolution: model(*layers, target=target, resolution=resolution),
        st.lists(LAYERS, min_size=1, max_size=6),
        st.sampled_from(["a:a", "b:b", "größe:层"]),
        st.sampled_from([32, 64]),
    ),
    min_size=1,
    max_size=4,
)


@given(MODELS)
def test_right_after_writing_nothing_is_left(models: list[ModelReport]) -> None:
    assert held_against(models, models) == (0, 0)


@given(MODELS, LAYERS, st.data())
def test_one_finding_more_leaves_one(
    models: list[ModelReport], layer: Layer, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(models) - 1))
    more = replace(models[index], findings=(*models[index].findings, found(layer)))
    assert held_against(models, [*models[:index], more, *models[index + 1 :]]) == (1, 0)


@given(MODELS, st.data())
def test_one_finding_less_is_one_fixed(models: list[ModelReport], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(models) - 1))
    less = replace(models[index], findings=models[index].findings[1:])
    assert held_against(models, [*models[:index], less, *models[index + 1 :]]) == (0, 1)


@given(MODELS, MODELS, st.randoms(use_true_random=False))
def test_order_does_not_matter(
    old: list[ModelReport], new: list[ModelReport], chance: random.Random
) -> None:
    def shuffled(models: list[ModelReport]) -> list[ModelReport]:
        return [
            replace(x, findings=tuple(chance.sample(x.findings, len(x.findings)))) for x in models
        ]

    assert held_against(old, new) == held_against(shuffled(old), shuffled(new))


@given(MODELS, MODELS)
def test_as_much_is_accepted_as_there_is(old: list[ModelReport], new: list[ModelReport]) -> None:
    """Both ways: what is new here is fixed there."""
    assert (
        held_against(old, new + [replace(x, findings=()) for x in old])
        == (held_against(new, old + [replace(x, findings=()) for x in new])[::-1])
    )


# -- the file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("baselines")


@given(models=MODELS)
def test_what_is_written_is_read(folder: Path, models: list[ModelReport]) -> None:
    path = folder / "baseline.json"
    baseline = EMPTY.updated(models)
    write_baseline(baseline, path)
    assert read_baseline(path) == baseline
    before = path.read_bytes()
    write_baseline(read_baseline(path).updated(models[::-1]), path)
    assert path.read_bytes() == before


def test_it_has_a_line_for_each_finding(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(EMPTY.updated([model("größe"), model("b", "a", resolution=64)]), path)
    assert path.read_text() == (
        '{"version": 1, "models": [\n'
        ' {"model": "net.py:build", "resolution": "32x32", "findings": [\n'
        '  {"code": "RF101", "layer": "gr\\u00f6\\u00dfe", "what": "Conv2d 3x3 8->8"}]},\n'
        ' {"model": "net.py:build", "resolution": "64x64", "findings": [\n'
        '  {"code": "RF101", "layer": "a", "what": "Conv2d 3x3 8->8"},\n'
        '  {"code": "RF101", "layer": "b", "what": "Conv2d 3x3 8->8"}]}\n'
        "]}\n"
    )


def test_one_without_findings_is_one_too(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(EMPTY.updated([report([conv("a")])]), path)
    assert json.loads(path.read_text()) == {"version": 1, "models": []}
    assert len(read_baseline(path)) == 0


def test_a_model_that_a_merge_left_twice_has_the_entries_of_both(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    documents = []
    for layers in (("a", "b"), ("b", "c", "c")):
        write_baseline(EMPTY.updated([model(*layers)]), path)
        documents.append(json.loads(path.read_text()))
    documents[0]["models"] += documents[1]["models"]
    path.write_text(json.dumps(documents[0]))
    (entries,) = read_baseline(path).entries.values()
    assert [x.layer for x in entries] == ["a", "b", "c", "c"]


CONFLICT = """{"version": 1, "models": [
 {"model": "net.py:build", "resolution": "32x32", "findings": [
<<<<<<< HEAD
  {"code": "RF101", "layer": "a", "what": ""}]}
=======
  {"code": "RF101", "layer": "b", "what": ""}]}
>>>>>>> branch
]}
"""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", r"baseline.json:1: this is no baseline: Expecting value"),
        (b'{"version": 1,\n"models": [', r"baseline.json:2: this is no baseline"),
        (
            CONFLICT.encode(),
            r"baseline.json:3: this is no baseline: a merge left its marks\nKeep what you want",
        ),
        (b"[]", "is no baseline"),
        (b"null", "is no baseline"),
        (b"{}", "is no baseline"),
        (b'{"version": 1}', "is no baseline"),
        (b'{"version": 1, "models": {"a": 1}}', "is no baseline"),
        (b'{"version": 1, "models": [{"model": "a"}]}', "is no baseline"),
        (b'{"version": 1, "models": [{"model": "a", "resolution": "", "findings": 3}]}', "is no"),
        (b'{"version": 2, "models": []}', "is a baseline of version 2"),
        (b'{"schema_version": 1, "models": []}', "is no baseline"),  # a report
        (b"\xff\xfe", "is no baseline: it is not UTF-8"),
        (b"[" * 100_000, "is no baseline"),
    ],
)
def test_what_is_no_baseline_says_what_to_do(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=says) as raised:
        read_baseline(path)
    assert "Remove the file, and write today's findings anew" in str(raised.value)


def test_one_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no baseline .*\n.*--write-baseline"):
        read_baseline(tmp_path / "gone.json")
    with pytest.raises(UsageError, match=r"cannot read .*: Is a directory"):
        read_baseline(tmp_path)


# -- as it is used


NET = """
from torch import nn

def build():
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 9, padding=4), nn.ReLU()),
        nn.Conv2d(8, 8, 9, padding=4),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Conv2d(8, 16, 3, padding=1),
    )
"""


def test_the_life_of_a_baseline(forked: Forked, tmp_path: Path) -> None:
    here = tmp_path / "project"
    write_files(here, {"net.py": NET})
    lint = ("net.py:build", "--res", "16", "--format", "json")
    assert forked.rflint(*lint, cwd=here).status == 1

    missing = forked.rflint(*lint, "--baseline", "held.json", cwd=here)
    assert missing.status == 2
    assert "there is no baseline held.json" in missing.err

    written = forked.rflint(*lint, "--write-baseline", cwd=here)
    assert (written.status, written.report["models"][0]["findings"]) == (0, [])
    assert "wrote 2 findings to rflint-baseline.json" in written.err
    use = ("--baseline", "rflint-baseline.json")
    assert forked.rflint(*lint, *use, cwd=here).status == 0

    # an edit in front of what is held, and one more finding
    front = NET.replace(
        "nn.Conv2d(8, 8, 9, padding=4),", "nn.ReLU(), nn.Conv2d(8, 8, 9, padding=4),"
    )
    write_files(here, {"net.py": front})
    assert forked.rflint(*lint, *use, cwd=here).status == 0
    last = "        nn.Sequential(nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1)),\n"
    more = front.replace("    )\n", f"{last}    )\n")
    write_files(here, {"net.py": more})
    ran = forked.rflint(*lint, *use, cwd=here)
    assert ran.status == 1
    assert [x["layer"] for x in ran.report["models"][0]["findings"]] == ["5.1"]

    # a limit is not held, and another rule's run does not touch what is
    assert forked.rflint(*lint, *use, "--max-unproductive", "0", cwd=here).status == 1
    other = forked.rflint(*lint, *use, "--select", "RF901", cwd=here)
    assert (other.status, other.report["baseline"]["fixed"]) == (0, [])

    # at another size everything is fixed there, but nothing of what is held at this one
    large = forked.rflint("net.py:build", "--res", "64", *use, cwd=here)
    assert (large.status, "no longer found" in large.err) == (0, False)

    write_files(here, {"net.py": NET.replace("        nn.Conv2d(8, 16, 3, padding=1),\n", "")})
    fixed = forked.rflint(*lint, *use, cwd=here)
    assert fixed.status == 0
    assert "rflint-baseline.json holds it: RF101 3 of net.py:build" in fixed.err

    # what failed is not accepted
    write_files(here, {"net.py": "raise ValueError"})
    failed = forked.rflint(*lint, *use, "--write-baseline", cwd=here)
    assert failed.status == 2
    assert "was not written" in failed.err
