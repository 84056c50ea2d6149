"""What of the findings is left to act on: suppressions, severities, limits; then a baseline.

Nothing here looks at a model again: what a cache holds is settled anew in every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rflint.architecture import Source
from rflint.gates import Limits, over_limits
from rflint.report import ModelReport, Suppressed
from rflint.rule import Finding, Rule, Severity, precision
from rflint.suppression import Comment, comments_in

UNUSED = "RF900"
"""The rule that reports suppressions without use."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model's findings are held against."""

    rules: tuple[Rule, ...]
    severity: Mapping[str, Severity] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Unused:
    """A comment that suppressed nothing, as RF900 is told of it."""

    layer: str
    """The first layer that it could have answered for."""
    message: str
    source: Source


def settled(
    linted: Sequence[tuple[ModelReport, Terms]], known: Sequence[Rule], *, whole: bool = True
) -> list[ModelReport]:
    """Every model with its severities, what comments suppress, and the limits that it exceeds.

    `known`: all rules that there are, whether they ran or not. `whole`: whether these are all the
    models there are; if not, a comment without use here may have one there.
    """
    comments = _comments(model for model, _ in linted)
    used: set[tuple[Comment, str]] = set()
    models = [_suppressed(model, comments, used) for model, _ in linted]
    unused = _unused(linted, comments, used, known) if whole else {}
    done = []
    for index, (model, (_, terms)) in enumerate(zip(models, linted, strict=True)):
        rule = next((rule for rule in terms.rules if rule.code == UNUSED), None)
        told = {"unused": unused.get(index, ())}
        more = tuple(rule.check(model.analysis, told)) if rule else ()
        done.append(
            replace(
                model,
                findings=tuple(_graded(x, terms) for x in (*model.findings, *more)),
                over_limits=over_limits(terms.limits, model.analysis.totals, model.place),
            )
        )
    return done


def _graded(finding: Finding, terms: Terms) -> Finding:
    """With the severity that the user wants: the longest code that names the rule counts."""
    rule = next((rule for rule in terms.rules if rule.code == finding.code), None)
    codes = [code for code in terms.severity if rule and precision(rule, code)]
    if rule is None or not codes:
        return finding
    longest = max(codes, key=lambda code: precision(rule, code))
    return replace(finding, severity=terms.severity[longest])


def _comments(models: Iterable[ModelReport]) -> tuple[Comment, ...]:
    """Those of all files that have to do with these models."""
    paths = {
        place.path
        for model in models
        for place in (*(x for layer in model.layers for x in layer.layer.places), model.place)
        if place
    }
    return tuple(comment for path in sorted(paths) for comment in comments_in(path))


def _suppressed(
    model: ModelReport, comments: Sequence[Comment], used: set[tuple[Comment, str]]
) -> ModelReport:
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in model.findings:
        answers = [comment for comment in comments if comment.answers(finding)]
        for comment in answers:
            used.add((comment, finding.code))
            used.add((comment, finding.name))
        if answers:
            suppressed.append(Suppressed(finding, answers[0].reason, answers[0].source))
        else:
            kept.append(finding)
    return replace(model, findings=tuple(kept), suppressed=tuple(suppressed)) if comments else model


def _unused(
    linted: Sequence[tuple[ModelReport, Terms]],
    comments: Sequence[Comment],
    used: set[tuple[Comment, str]],
    known: Sequence[Rule],
) -> dict[int, list[Unused]]:
    """Comments without use, under the first model that has to do with them.

    A comment is only held against rules that ran on some model with layers that it answers for.
    """
    names = {name for rule in known for name in (rule.code, rule.name)}
    found: dict[int, list[Unused]] = {}
    for comment in comments:
        covered = {
            index: layers
            for index, (model, _) in enumerate(linted)
            if (layers := [x.layer.name for x in model.layers if comment.covers(x.layer.places)])
        }
        ran = {
            name
            for index in covered
            for rule in linted[index][1].rules
            for name in (rule.code, rule.name)
        }
        idle = [x for x in comment.codes if x in ran and (comment, x) not in used]
        strange = [x for x in comment.codes if x not in names]
        if comment.complaint:
            message = f"this comment suppresses nothing: {comment.complaint}"
        elif strange:
            message = f"there is no rule {', '.join(strange)} to ignore"
        elif idle:
            message = f"there is nothing of {', '.join(idle)} to ignore here"
        elif covered and not comment.codes and not any(x is comment for x, _ in used):
            message = "there is nothing to ignore here"
        else:
            continue
        index = next(iter(covered), 0)
        layer = next(iter(covered.get(index, ())), "")
        found.setdefault(index, []).append(Unused(layer, message, comment.source))
    return found
