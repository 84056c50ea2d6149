"""Reports that every format has to write: of a real model, of hostile names, of many findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import rflint
from rflint.errors import BuildFailed
from rflint.graph.source_location import SourceLocation
from rflint.report.model_report import ModelReport, SuppressedFinding
from rflint.report.report import Failure, Report
from tests.helpers.written_reports import NAMES, OVER, SEVERITIES, found, with_repairs
from zoo.paper.resnet import resnet18


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
        repair = replace(model.repairs[0], title=f"truncate after {title}", words=title)
        models.append(
            replace(
                with_repairs(model, repair),
                target=f"{title}.py:f",
                name=title,
                findings=tuple(findings),
                exceeded_limits=(OVER,),
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
