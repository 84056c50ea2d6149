"""JUnit's XML, which every CI shows: a suite for each model at an input size, a case for a problem.

A case fails where the run does: findings that are milder than --fail-on are cases that pass, and
say in their output what was found. There are no times and host names, so that two runs write the
same bytes. The text is ASCII with character references, so that the file is valid in whatever
encoding the stream writes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TextIO
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rflint.report.problems import Problem, at_resolution, problems_by_model
from rflint.report.report import Failure, Report
from rflint.text.escape import HASH_COMMAND, LINE_COMMAND

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even as a reference."""


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write suites of models, each with its problems or one case that passed, then failures."""
    root = Element("testsuites", name="rflint")
    for model, found in problems_by_model(report):
        _suite(root, at_resolution(model), found)
    for failure in report.failures:
        _failed(root, failure)
    suites = [_with_counts(suite, list(suite)) for suite in root]
    _with_counts(root, [case for suite in suites for case in suite])
    indent(root)
    stream.write(
        _without_commands(tostring(root, "us-ascii", xml_declaration=True).decode("ascii"))
    )
    stream.write("\n")


def _without_commands(xml: str) -> str:
    """The same XML, with no command in it for the terminal or the CI job that shows it."""
    for char in "\r\x7f":
        xml = xml.replace(char, f"&#{ord(char)};")
    return HASH_COMMAND.sub("&#35;", LINE_COMMAND.sub(r"\1&#58;", xml))


def _suite(root: Element, title: str, found: Sequence[Problem]) -> None:
    suite = SubElement(root, "testsuite", name=_xml(title))
    if not found:
        _case(suite, "no findings")
    names: Counter[str] = Counter()
    for problem in found:
        place = problem.place
        name = f"{problem.code} {problem.title}".strip()
        names[name] += 1
        case = _case(suite, f"{name} ({names[name]})" if names[name] > 1 else name)
        if place:
            case.set("file", _xml(place.path))
            case.set("line", str(place.line))
        text = _xml(f"{f'{place}: ' if place else ''}{problem.code} {problem.text}")
        if problem.fails_run:
            kind, message = _xml(problem.code), _xml(problem.message)
            SubElement(case, "failure", type=kind, message=message).text = text
        else:
            SubElement(case, "system-out").text = f"{problem.severity.value}: {text}"


def _failed(root: Element, failure: Failure) -> None:
    error = failure.error
    suite = SubElement(root, "testsuite", name=_xml(failure.target))
    entry = SubElement(
        _case(suite, "analysis"), "error", type=_xml(error.kind), message=_xml(error.message)
    )
    entry.text = _xml(str(error))


def _case(suite: Element, name: str) -> Element:
    return SubElement(suite, "testcase", classname=suite.get("name", ""), name=_xml(name))


def _with_counts(element: Element, cases: Sequence[Element]) -> Element:
    """A suite, or all of them, with the numbers of its cases, failures and errors."""
    element.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error")):
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    return element


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
