"""Reports with names of any kind, written in a format."""

from __future__ import annotations

import io
from dataclasses import replace

from rflint.errors import InputMismatch
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule_files import load_rules
from rflint.repair.repair import Repair
from rflint.report.deferred import Deferred
from rflint.report.limits import ExceededLimit
from rflint.report.model_report import ModelReport
from rflint.report.report import Failure, Report
from rflint.report.reporters import reporter

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
    reporter(format_)(replace(report, rules=load_rules()), stream, False)
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


def failed(target: str = "net.py:build") -> Failure:
    return Failure(
        target, InputMismatch("too small", hint="Feed it more.", source=SourceLocation("n.py", 7))
    )


def with_repairs(model: ModelReport, *repairs: Repair) -> ModelReport:
    """The report with other repairs; what else can be done stays as it is."""
    now = model.remedies.value
    remedies = replace(now, found=replace(now.found, repairs=repairs))
    return replace(model, remedies=Deferred.known(remedies))
