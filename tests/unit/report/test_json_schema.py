"""The published schema: it says what reports are, and they are what it says."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
import re
import runpy
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from jsonschema import Draft202012Validator

import rflint
from rflint._version import __version__
from rflint.errors import RflintError
from rflint.report import json_schema
from rflint.report.limits import Limits
from rflint.report.report import Report
from tests.helpers.forked import Forked
from tests.helpers.images import write_images
from tests.helpers.program import Ran, write
from tests.helpers.program import rflint as program
from tests.helpers.project import PROJECT
from zoo.torchvision_import import import_torchvision

DOCS = PROJECT / "docs"
PUBLISHED = json_schema.published()
STRICT = json_schema.strict()
OBJECTS = {"report": PUBLISHED, **PUBLISHED["$defs"]}
FIELDS = [
    (f"{name}.{field}", value)
    for name, described in OBJECTS.items()
    for field, value in described["properties"].items()
]

NETS = """
from torch import nn

def body():
    layers = [nn.Conv2d(3, 8, 3, 2, 1)]
    for _ in range(4):
        layers.append(nn.Conv2d(8, 8, 3, 2, 1))  # rflint: ignore[RF201] trained so
    return nn.Sequential(*layers)

def too_deep():
    return nn.Sequential(body(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))

def clips():
    return nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), nn.AdaptiveAvgPool3d(1), nn.Flatten())

def audio():
    return nn.Sequential(nn.Conv1d(1, 4, 9, 4), nn.Upsample(scale_factor=8), nn.Conv1d(4, 4, 3))

class Steps(nn.Module):
    def forward(self, x):
        assert (x >= 0).all()
        kept = []
        while x.max() > len(kept):
            kept.append(x)
        return kept

def data_dependent():
    return nn.Sequential(nn.Conv2d(3, 4, 3), Steps())

class Several(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(100, 8)
        self.image = nn.Conv2d(3, 8, 3)

    def forward(self, tokens, image, *, scale):
        return self.table(tokens).mean(1) + self.image(image).mean((2, 3)) * scale

class OfTwoSizes(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.MaxPool2d(4, 4)
        self.small, self.large = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.mix = nn.Conv2d(4, 4, 3, stride=2, padding=1)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 2))

    def forward(self, x):
        x = self.down(x)
        return self.head(self.mix(self.small(x) if x.shape[2] < 6 else self.large(x)))

def words():
    return nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 8))

def classifier():
    convs = [nn.Conv2d(channels, 4, 3, bias=False) for channels in (1, 4, 4, 4)]
    return nn.Sequential(*convs, nn.Flatten(), nn.Linear(256, 2))

def broken():
    raise ValueError("no such width")
"""


@pytest.fixture(scope="module")
def reports(forked: Forked, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the program writes of failures, baselines, limits, sizes, clips and what is left out."""
    here = tmp_path_factory.mktemp("schema") / "project"
    write(here, {"nets.py": NETS})

    def run(*arguments: str) -> Ran:
        return forked.rflint(*arguments, "--format", "json", "--no-cache", cwd=here)

    deep = ("nets.py:too_deep", "--res", "16,24x16,64")
    failing = ("nets.py:broken", "nets.py:missing", "--max-macs", "1k", "--no-baseline")
    found = [run(*deep, *failing)]
    found.append(run("nets.py:body", "nets.py:data_dependent", "--res", "16"))
    found.append(run("nets.py:clips", "--input", "1x3x8x16x16:BCTHW"))
    found.append(run("nets.py:audio", "--res", "64"))
    several = ("tokens=1x16:int64", "image=1x3x32x32", "scale=2:int64")
    found.append(run("nets.py:Several", *(f"--input={text}" for text in several)))
    found.append(run("nets.py:words", "--input", "1x16:int64"))
    found.append(run("nets.py:OfTwoSizes", "--res", "32", "--train-res", "14"))
    run(*deep, "--write-baseline")
    found.append(run(*deep))
    write(here, {"nets.py": NETS.replace("range(4)", "range(2)")})
    found.append(run(*deep))
    write_images(here / "images", {"train": 8, "val": 8})
    namespace: dict[str, Any] = {}
    exec(NETS, namespace)
    torch.manual_seed(0)
    state = namespace["classifier"]().state_dict()
    for last in ("2.weight", "3.weight"):
        state[last][1:] = state[last][:1]  # one direction: a tail
    torch.save(state, here / "last.pt")
    what = ("measure", "nets.py:classifier", "--res", "16", "--weights", "last.pt")
    how = ("--data", "images", "--erf", "0", "--delta", "0.9999", "--format", "json")
    found.append(forked.rflint(*what, *how, cwd=here))
    scoreless = ("measure", "nets.py:body", "--res", "16", "--data", "images", "--no-probes")
    found.append(forked.rflint(*scoreless, "--format", "json", cwd=here))
    return [ran.report for ran in found]


def test_both_schemas_are_schemas() -> None:
    for schema in (PUBLISHED, STRICT):
        assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
        Draft202012Validator.check_schema(schema)
    assert PUBLISHED["title"]
    assert "//" not in PUBLISHED["$id"], "there is no host that would answer"


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=lambda x: x if isinstance(x, str) else "")
def test_every_field_has_a_sentence(name: str, field: dict[str, Any]) -> None:
    sentence = field["description"]
    assert re.fullmatch(r"[A-Z].*[^.]\.", sentence)
    assert not re.search(r"\. [A-Z]", sentence), "one is enough"


@pytest.mark.parametrize("name", OBJECTS)
def test_every_object_is_described_and_whole(name: str) -> None:
    described = OBJECTS[name]
    assert described["description"].endswith(".")
    assert described["required"] == list(described["properties"])
    assert "additionalProperties" not in described


@pytest.mark.parametrize("file", ["report-schema.json", "report.md"])
def test_documents_are_what_the_script_writes(file: str) -> None:
    script = runpy.run_path(str(DOCS / "schema.py"))
    written = (DOCS / file).read_text(encoding="utf-8")
    assert written == script["files"]()[file], "run `python docs/schema.py`"


def test_the_page_has_a_row_for_every_field() -> None:
    page = (DOCS / "report.md").read_text(encoding="utf-8")
    rows = {
        f"{heading}.{field}": sentence
        for heading, section in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.M | re.S)
        for field, sentence in re.findall(r"^\| `(\w+)` \| .*? \| (.*) \|$", section, re.M)
    }
    assert list(rows) == [name for name, _ in FIELDS]
    assert all(rows[name].startswith(field["description"]) for name, field in FIELDS)
    linked = set(re.findall(r"\]\(#(\w+)\)", page))
    assert linked == OBJECTS.keys() - {"report"}


def test_the_program_prints_it(tmp_path: Path) -> None:
    plain, strict = program("schema", cwd=tmp_path), program("schema", "--strict", cwd=tmp_path)
    assert (plain.status, plain.err) == (0, "")
    assert plain.out == (DOCS / "report-schema.json").read_text(encoding="utf-8")
    assert json.loads(strict.out) == STRICT


def test_reports_of_all_kinds_fill_every_field(reports: list[Any]) -> None:
    """What is null or empty in all reports is held against nothing."""
    schema = Draft202012Validator(PUBLISHED)
    filled: set[str] = set()
    for report in reports:
        schema.validate(report)
        filled |= set(_filled(report, "report"))
    assert filled == {name for name, _ in FIELDS}


def test_reports_have_lengths_of_every_sort(reports: list[Any]) -> None:
    """Integers, fractions and null; up to three axes."""
    layers = [
        layer for report in reports for model in report["models"] for layer in model["layers"]
    ]
    jumps = [length for layer in layers for length in layer["jump"]]
    assert {int, float, type(None)} == {type(length) for length in jumps}
    assert {0, 1, 2, 3} == {len(layer["jump"]) for layer in layers}


def test_reports_have_inputs_of_every_sort(reports: list[Any]) -> None:
    """Images, clips, audio, tokens, and numbers, whose shape is empty."""
    shapes = [
        shape for report in reports for model in report["models"] for shape in model["inputs"]
    ]
    assert {0, 2, 3, 4, 5} == {len(shape) for shape in shapes}


def _filled(value: Any, name: str) -> Iterator[str]:
    """The fields that have a value, as `object.field`."""
    for field, content in value.items():
        if content in (None, [], ""):
            continue
        yield f"{name}.{field}"
        referred = re.search(r'"#/\$defs/(\w+)"', json.dumps(OBJECTS[name]["properties"][field]))
        if referred:
            for entry in content if isinstance(content, list) else [content]:
                yield from _filled(entry, referred[1])


def test_a_field_that_is_new_gone_or_renamed_is_noticed_wherever_it_is(reports: list[Any]) -> None:
    strict, published = Draft202012Validator(STRICT), Draft202012Validator(PUBLISHED)
    seen = set()
    for report in reports:
        for path, name in _objects(report, "report", ()):
            if name in seen:
                continue
            seen.add(name)
            added = deepcopy(report)
            _at(added, path)["new"] = 1
            assert published.is_valid(added)
            assert not strict.is_valid(added)
            for field in OBJECTS[name]["properties"]:
                less = deepcopy(report)
                _at(less, path)["renamed"] = _at(less, path).pop(field)
                assert not published.is_valid(less)
    assert seen == OBJECTS.keys()


def _objects(value: Any, name: str, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Where the objects are in a report, and what each is called in the schema."""
    yield path, name
    for field, content in value.items():
        referred = re.search(r'"#/\$defs/(\w+)"', json.dumps(OBJECTS[name]["properties"][field]))
        if referred and isinstance(content, dict):
            yield from _objects(content, referred[1], (*path, field))
        elif referred and content:
            for place, entry in enumerate(content):
                yield from _objects(entry, referred[1], (*path, field, place))


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


@pytest.mark.parametrize(
    ("path", "open_ended"),
    [
        (("models", 0, "layers", 0, "kind"), True),
        (("models", 0, "tracer"), True),
        (("errors", 0, "kind"), True),
        (("models", 0, "repairs", 0, "kind"), True),
        (("models", 0, "over_limits", 0, "limit"), True),
        (("models", 0, "layers", 0, "role"), False),
        (("models", 0, "layers", 0, "verdict"), False),
        (("models", 0, "findings", 0, "severity"), False),
        (("models", 0, "findings", 0, "evidence"), False),
    ],
)
def test_which_values_may_become_more(
    reports: list[Any], path: tuple[Any, ...], open_ended: bool
) -> None:
    changed = deepcopy(reports[0])
    _at(changed, path[:-1])[path[-1]] = "something new"
    assert not Draft202012Validator(STRICT).is_valid(changed)
    assert Draft202012Validator(PUBLISHED).is_valid(changed) is open_ended


EARLIER = sorted((Path(__file__).parent / "schemas").glob("*.json"))


@pytest.mark.parametrize("file", EARLIER, ids=lambda file: file.stem)
def test_who_reads_earlier_reports_can_read_todays(reports: list[Any], file: Path) -> None:
    """The schemas of earlier versions of rflint, as they were published."""
    earlier = json.loads(file.read_text(encoding="utf-8"))
    assert earlier["$id"] == PUBLISHED["$id"], "of another schema version: remove it"
    for report in reports:
        Draft202012Validator(earlier).validate(report)


def test_every_kind_of_error_is_in_the_schema() -> None:
    with suppress(ImportError):
        import_torchvision()  # as Lightning does, which needs help where torch is a CPU build
    for module in pkgutil.walk_packages(rflint.__path__, "rflint."):
        try:
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        except ModuleNotFoundError as missing:
            if (missing.name or "rflint").startswith("rflint"):
                raise  # else it serves a package that need not be there
    kinds = set()
    classes = [RflintError]
    while classes:
        one = classes.pop()
        kinds.add(one.kind)
        classes += one.__subclasses__()
    assert list(json_schema.ERRORS) == sorted(kinds)


def test_every_limit_is_in_the_schema() -> None:
    limits = [field.name.replace("_", "-") for field in dataclasses.fields(Limits)]
    assert list(json_schema.LIMITS) == limits


def test_no_test_gets_a_report_that_is_not_as_the_schema_says(
    reports: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither from the program nor from Python."""
    changed = deepcopy(reports[0])
    changed["models"][0]["unheard_of"] = 1
    ran = Ran(0, json.dumps(changed), "")
    with pytest.raises(AssertionError, match=r"models\[0\].*'unheard_of' was unexpected"):
        _ = ran.report
    assert Report().to_dict()["rflint"] == __version__
    monkeypatch.setattr("rflint.report.report.SCHEMA_VERSION", 2)
    with pytest.raises(AssertionError, match="schema_version: 1 was expected"):
        Report().to_dict()
