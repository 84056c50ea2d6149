"""Files with comments that answer findings, and reports of the layers that they are for."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from rflint.graph.source_location import SourceLocation
from rflint.linting.rule_files import load_rules
from rflint.report.model_report import ModelReport
from rflint.report.policy import Policy, apply_policies
from rflint.usercode.paths import source_at
from tests.helpers.handmade_reports import conv, found, report

RULES = load_rules()
POLICY = Policy(RULES)
_files = count()


def saved(folder: Path, text: str | bytes) -> str:
    """A file that no other test has had, by the name that a SourceLocation gives it."""
    path = folder / f"net{next(_files)}.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return source_at(str(path), 1).path


def linted(
    folder: Path, text: str | bytes, *, builds: str = r"Conv\(", bad: bool = True
) -> ModelReport:
    """A model with a layer for each line that builds one, all found useless where `bad`.

    Layers are named after their lines.
    """
    path = saved(folder, text)
    source = text if isinstance(text, str) else text.decode("latin-1")
    lines = [i for i, line in enumerate(source.split("\n"), 1) if re.search(builds, line)]
    layers = [conv(f"line {i}", SourceLocation(path, i)) for i in lines]
    model = report(layers, [found(layer) for layer in layers] if bad else [])
    (done,) = apply_policies([(model, POLICY)], RULES)
    return done


def answered(model: ModelReport) -> set[int]:
    """The lines whose layers a comment answers for."""
    return {int(x.finding.layer.split()[1]) for x in model.suppressed}


def unused(*models: ModelReport) -> list[str]:
    return [x.message for model in models for x in model.findings if x.code == "RF900"]


def without(*codes: str) -> Policy:
    return Policy(tuple(rule for rule in RULES if rule.code not in codes))
