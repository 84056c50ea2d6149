"""`rflint diff`: two targets, two revisions, saved reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rflint.report.difference import json_schema
from tests.helpers.program import Ran, rflint, write
from tests.helpers.small_project import SOUND, WIDE, model

_SCHEMA = Draft202012Validator(json_schema.strict())
RES = ("--res", "16")


def document(ran: Ran) -> Any:
    """What `--format json` has printed, which is as the schema says."""
    found = json.loads(ran.out)
    wrong = [f"{error.json_path}: {error.message}" for error in _SCHEMA.iter_errors(found)]
    assert not wrong, wrong[:10]
    return found


def test_the_schemas_are_schemas() -> None:
    for schema in (json_schema.published(), json_schema.strict()):
        Draft202012Validator.check_schema(schema)


def test_two_targets_are_compared(tmp_path: Path) -> None:
    old, new = model(SOUND, SOUND, SOUND), model(WIDE, WIDE, SOUND)
    write(tmp_path, {"old.py": old, "new.py": new})
    ran = rflint("diff", "old.py:build", "new.py:build", *RES, "--format", "json", cwd=tmp_path)
    assert ran.status == 1, ran.err
    found = document(ran)
    assert (found["before"]["target"], found["after"]["target"]) == ("old.py:build", "new.py:build")
    assert "layers" not in found["after"]
    (changed, *_) = found["layers"]["changed"]
    assert (changed["before"]["kernel"], changed["after"]["kernel"]) == ([3, 3], [7, 7])
    assert found["findings"]["new"]
    assert {x["code"] for x in found["findings"]["new"]} >= {"RF101"}


def test_the_same_model_is_no_difference(tmp_path: Path) -> None:
    write(tmp_path, {"old.py": model(WIDE, WIDE), "new.py": "# moved down\n\n" + model(WIDE, WIDE)})
    ran = rflint("diff", "old.py:build", "new.py:build", *RES, cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert "No difference." in ran.out


def test_one_comparison_for_each_size(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": model(SOUND), "b.py": model(WIDE)})
    ran = rflint(
        "diff", "a.py:build", "b.py:build", "--res", "16,64", "--format", "json", cwd=tmp_path
    )
    found = document(ran)
    assert found["after"]["resolution"] == [16, 16]
    assert [x["after"]["resolution"] for x in found["further"]] == [[64, 64]]


def test_modules_of_the_same_name_are_those_of_each_side(tmp_path: Path) -> None:
    for folder, layers in (("a", [SOUND]), ("b", [WIDE])):
        write(tmp_path / folder, {"net.py": "from parts import build", "parts.py": model(*layers)})
    ran = rflint("diff", "a/net.py:build", "b/net.py:build", *RES, "--format", "json", cwd=tmp_path)
    assert document(ran)["layers"]["changed"]


def test_a_side_that_fails_is_named_and_ends_with_status_2(tmp_path: Path) -> None:
    write(tmp_path, {"old.py": "def build():\n    raise ValueError('never')\n", "new.py": model()})
    ran = rflint("diff", "old.py:build", "new.py:build", *RES, "--format", "json", cwd=tmp_path)
    assert ran.status == 2
    assert "old.py:build" in ran.err
    assert "never" in ran.err
    found = document(ran)
    assert found["before"] is None
    assert [x["side"] for x in found["errors"]] == ["before"]
    text = rflint("diff", "old.py:build", "new.py:build", *RES, cwd=tmp_path)
    assert "Not compared" in text.out
    assert "No difference" not in text.out


def test_saved_reports_are_compared_without_their_models(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": model(SOUND)})
    rflint("net.py:build", *RES, "--format", "json:before.json", cwd=tmp_path)
    write(tmp_path, {"net.py": model(WIDE, WIDE, SOUND)})
    rflint("net.py:build", *RES, "--format", "json:after.json", cwd=tmp_path)
    (tmp_path / "net.py").unlink()
    ran = rflint("diff", "before.json", "after.json", "--format", "json", cwd=tmp_path)
    assert ran.status == 1
    found = document(ran)
    assert found["sides"] == {"before": "before.json", "after": "after.json"}
    assert found["findings"]["new"]
    back = rflint("diff", "after.json", "before.json", "--format", "json", cwd=tmp_path)
    assert back.status == 0
    assert len(document(back)["findings"]["gone"]) == len(found["findings"]["new"])


def test_a_saved_report_is_compared_with_a_model(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": model(SOUND)})
    rflint("net.py:build", *RES, "--format", "json:before.json", cwd=tmp_path)
    ran = rflint("diff", "before.json", "net.py:build", *RES, cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert "No difference." in ran.out


@pytest.mark.parametrize("given", ["--res=32x48", "--input=1x4x24x24"])
def test_a_saved_report_lends_its_size_to_the_other_side(tmp_path: Path, given: str) -> None:
    """And says so: without, nobody knows at which size to analyse."""
    channels = "4" if "input" in given else "3"
    write(tmp_path, {"net.py": model(SOUND).replace("Conv2d(3,", f"Conv2d({channels},")})
    rflint("net.py:build", given, "--format", "json:before.json", cwd=tmp_path)
    ran = rflint("diff", "before.json", "net.py:build", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert "No difference." in ran.out
    assert "net.py:build is analysed at the input" in ran.err
    assert "of before.json" in ran.err
    back = rflint("diff", "net.py:build", "before.json", cwd=tmp_path)
    assert "No difference." in back.out


def test_a_size_that_is_given_goes_before_that_of_a_report(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": model(SOUND)})
    rflint("net.py:build", *RES, "--format", "json:before.json", cwd=tmp_path)
    compared = ("diff", "before.json", "net.py:build", "--format", "json")
    ran = rflint(*compared, "--res", "64", cwd=tmp_path)
    found = document(ran)
    assert "16x16 before and 64x64 after" in found["notes"][0]
    sides = [found[side]["resolution"] for side in ("before", "after")]
    assert (ran.err, sides) == ("", [[16, 16], [64, 64]])
    write(tmp_path, {"rflint.toml": "res = 24\n"})
    configured = document(rflint(*compared, cwd=tmp_path))
    assert configured["after"]["resolution"] == [24, 24]


def test_sides_are_called_by_their_targets(tmp_path: Path) -> None:
    write(tmp_path, {"old.py": model(SOUND), "new.py": "def build():\n    return 1 / 0\n"})
    ran = rflint("diff", "old.py:build", "new.py:build", *RES, cwd=tmp_path)
    assert "old.py:build → new.py:build" in ran.out
    assert "new.py:build: new.py:build" not in ran.err
    assert ran.err.count("ZeroDivisionError") == 1
    assert "ZeroDivisionError" not in ran.out


def test_the_page_can_be_printed(tmp_path: Path) -> None:
    """As that of `rflint` can."""
    write(tmp_path, {"net.py": model(SOUND)})
    ran = rflint("diff", "net.py:build", "net.py:build", *RES, "--format", "html", cwd=tmp_path)
    assert ran.status == 0
    assert ran.out.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "No such file"),
        ("{", "no JSON"),
        ("[1]", "no report of rflint"),
        ('{"schema_version": 2}', "schema version 2"),
        ('{"schema_version": 1, "models": [{}], "errors": []}', "not a whole one"),
    ],
)
def test_what_is_no_report_is_one_message(tmp_path: Path, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    ran = rflint("diff", "a.json", "a.json", cwd=tmp_path)
    assert ran.status == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nothing to compare"),
        (("net.py:build",), "to be compared with"),
        (("a:a", "b:b", "c:c"), "two sides"),
        (("net.py:build", "main.."), "come first"),
        (("main..", "a.json"), "has no revisions"),
    ],
)
def test_what_cannot_be_compared_is_told_with_a_way_to_do_it(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    ran = rflint("diff", *words, cwd=tmp_path)
    assert ran.status == 2
    assert says in ran.err
    assert "rflint diff" in ran.err


def test_the_gate_is_that_of_lint(tmp_path: Path) -> None:
    write(tmp_path, {"old.py": model(SOUND), "new.py": model(WIDE, WIDE, SOUND)})
    both = ("diff", "old.py:build", "new.py:build", *RES)
    assert rflint(*both, "--fail-on", "never", cwd=tmp_path).status == 0
    assert rflint(*both, "--ignore", "RF1,RF3", cwd=tmp_path).status == 0
    write(tmp_path, {"rflint.toml": 'fail-on = "error"\n'})
    assert rflint(*both, cwd=tmp_path).status == 0


def test_the_schema_of_the_document_is_printed(tmp_path: Path) -> None:
    ran = rflint("schema", "diff", "--strict", cwd=tmp_path)
    assert json.loads(ran.out) == json_schema.strict()
