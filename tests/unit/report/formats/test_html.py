"""The page: two elements that hold JSON, in a page that asks for nothing, whatever names are."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from rflint.linting.rule_files import load_rules
from rflint.report.page.page import page
from rflint.report.report import Report
from tests.helpers.written_reports import NAMES, found, written

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "<!-- <script>",
    "-->",
    "]]>",
    "\u2028\u2029",
    "&lt;/script&gt;",
    "\ud800",
)


class _Islands(HTMLParser):
    """What a browser finds in the page: the elements, and the content of the two islands."""

    def __init__(self) -> None:
        super().__init__()
        self.contents: dict[str, str] = {}
        self.tags: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = dict(attrs).get("id") or "" if tag == "script" else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.contents[self._inside] = self.contents.get(self._inside, "") + data


def parsed(text: str) -> _Islands:
    islands = _Islands()
    islands.feed(text)
    islands.close()
    return islands


def islands(report: Report) -> dict[str, Any]:
    contents = parsed(written(report, "html")).contents
    return {name: json.loads(contents[name]) for name in ("rflint-report", "rflint-page")}


def template() -> str:
    return files("rflint.report.formats").joinpath("html_page/page.html").read_text("utf-8")


def test_the_page_holds_the_json_report(real: Report) -> None:
    there = islands(real)
    assert there["rflint-report"] == json.loads(json.dumps(real.to_dict()))


def test_the_page_holds_what_it_needs_beside_the_report(real: Report) -> None:
    there = islands(real)
    ruled = replace(real, rules=load_rules())
    assert there["rflint-page"] == json.loads(json.dumps(page(ruled)))


def test_names_are_no_markup_wherever_they_stand(hostile: Report) -> None:
    model = hostile.models[0]
    findings = tuple(found(name, f"of {name}") for name in (*HOSTILE, *NAMES))
    report = replace(hostile, models=(replace(model, name=HOSTILE[0], findings=findings),))
    there = parsed(written(report, "html"))
    assert there.tags == parsed(template()).tags
    content = json.loads(there.contents["rflint-report"])
    assert [x["layer"] for x in content["models"][0]["findings"]] == [*HOSTILE, *NAMES]
    for name in ("rflint-report", "rflint-page"):
        assert not set(there.contents[name]) & set("<>&\u2028\u2029")


def test_the_page_asks_for_nothing_from_anywhere() -> None:
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    assert policy in template()
    assert '<link rel="stylesheet"' not in template()


def test_the_built_page_has_each_empty_element_once() -> None:
    for name in ("rflint-report", "rflint-page"):
        assert template().count(f'<script type="application/json" id="{name}"></script>') == 1


# -- the contract with the page

_INT, _TEXT = {"type": "integer"}, {"type": "string"}
_INDEX = {"type": ["integer", "null"]}
_NUMBERS = {"type": "array", "items": {"type": ["number", "null"]}}


def _list(items: object) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _exactly(**properties: object) -> dict[str, Any]:
    names = {name.rstrip("_"): value for name, value in properties.items()}
    return {
        "type": "object",
        "properties": names,
        "required": list(names),
        "additionalProperties": False,
    }


def _by_name(value: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


_VERDICT = {"enum": ["productive", "critical", "partial", "unproductive", "not judged"]}
_SIZES = _exactly(
    stops=_list(_list(_INT)),
    linted=_INT,
    states=_list(
        _exactly(
            from_=_INT,
            state={"enum": ["runs", "fails", "unknown"]},
            why=_TEXT,
            as_at={"anyOf": [_list(_INT), {"type": "null"}]},
        )
    ),
    verdicts=_list({"prefixItems": [_INT, _list({"prefixItems": [_INT, _VERDICT]})]}),
    macs=_list(_INDEX),
    fields=_list(
        {
            "prefixItems": [
                _INT,
                _list(
                    _exactly(
                        from_=_INT,
                        r_in_min=_NUMBERS,
                        r_in_max=_NUMBERS,
                        r_out_min=_NUMBERS,
                        r_out_max=_NUMBERS,
                        kernel=_NUMBERS,
                    )
                ),
            ]
        }
    ),
    tried=_INT,
    unknown_because=_TEXT,
)
_MODEL = _exactly(
    label=_TEXT,
    headline=_exactly(wrong=_TEXT, cost=_TEXT, do=_TEXT),
    paragraphs=_by_name(_TEXT),
    layers=_list(
        _exactly(
            title=_TEXT,
            path=_list(_TEXT),
            axes=_list(_INT),
            map=_list(_INT),
            channels=_INDEX,
            inputs=_list(
                _exactly(
                    from_=_INT,
                    gate={"type": "boolean"},
                    shape={"anyOf": [_list(_INT), {"type": "null"}]},
                )
            ),
            snippet=_INDEX,
            called=_INDEX,
        )
    ),
    inputs=_list(_exactly(label=_TEXT)),
    outputs=_list(_INT),
    snippets=_list(_exactly(path=_TEXT, line=_INT, first=_INT, lines=_list(_TEXT))),
    repairs=_list(
        _exactly(words=_TEXT, title=_TEXT, code=_TEXT, command=_TEXT, edits=_list(_TEXT))
    ),
    advice=_list(_TEXT),
    measured=_TEXT,
    measured_layers=_list(
        _exactly(
            gain={"type": ["number", "null"]},
            tail={"type": "boolean"},
        )
    ),
    sizes={"anyOf": [_SIZES, {"type": "null"}]},
)
_PAGE = _exactly(
    title=_TEXT,
    rules=_by_name(
        _exactly(
            name=_TEXT,
            summary=_TEXT,
            evidence={"enum": ["proved", "predicted", None]},
            help=_TEXT,
        )
    ),
    models=_list(_MODEL),
    failures=_list(_exactly(target=_TEXT, message=_TEXT, hint=_TEXT)),
)


@pytest.mark.parametrize("name", ["real", "hostile"])
def test_what_the_page_is_given_has_the_form_that_its_script_expects(
    name: str, request: pytest.FixtureRequest
) -> None:
    report = request.getfixturevalue(name)
    content = islands(report)["rflint-page"]
    jsonschema.Draft202012Validator(_PAGE).validate(content)
    for model, entry in zip(report.models, content["models"], strict=True):
        assert len(entry["layers"]) == len(model.to_dict()["layers"])
        assert len(entry["repairs"]) == len(model.repairs)
    assert len({entry["label"] for entry in content["models"]}) == len(report.models)
