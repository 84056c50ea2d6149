"""What of the findings is left to act on: suppressions, severities, limits; then a baseline.

Nothing here looks at a model again: what a cache holds is settled anew in every run.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rflint.analysis.analysis import AnalysedLayer
from rflint.graph.architecture import Source
from rflint.linting.rule import Finding, Rule, Severity, precision
from rflint.report.limits import Limits, over_limits
from rflint.report.report import ModelReport, Suppressed
from rflint.report.suppression import Comment, comments_in

UNUSED = "RF900"
"""The rule that reports suppressions without use."""
_UNUSED_NAMES = (UNUSED, "unused-suppression")


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
    """The first layer that it could have answered for; empty where there is none."""
    message: str
    source: Source


def settled(
    linted: Sequence[tuple[ModelReport, Terms]],
    known: Sequence[Rule],
    *,
    whole: bool = True,
    knows_all: bool = True,
) -> list[ModelReport]:
    """Every model with its severities, what comments suppress, and the limits that it exceeds.

    `known`: the rules that there are, whether they ran or not. `knows_all`: whether there are no
    others; if so, a comment that names another one is wrong. `whole`: whether these are all the
    models there are; if not, a comment without use here may have one there.
    """
    comments = _comments([model for model, _ in linted])
    used: set[tuple[Comment, str]] = set()
    models = [_suppressed(model, comments, used) for model, _ in linted]
    unused = _unused(linted, comments, used, known, knows_all=knows_all) if whole else {}
    blunt = [x for x in comments if set(_UNUSED_NAMES) & set(x.codes)]
    done = []
    for index, (model, (_, terms)) in enumerate(zip(models, linted, strict=True)):
        rule = _that_reports_unused(terms)
        if rule and whole:
            more = tuple(rule.check(model.analysis, {"unused": unused.get(index, ())}))
            # a comment may say that it is to stay, but not by saying nothing
            found = _suppressed(replace(model, findings=more, suppressed=()), blunt, set())
            model = replace(
                model,
                findings=(*model.findings, *found.findings),
                suppressed=(*model.suppressed, *found.suppressed),
            )
        done.append(
            replace(
                model,
                findings=tuple(_graded(x, terms) for x in model.findings),
                suppressed=tuple(
                    replace(x, finding=_graded(x.finding, terms)) for x in model.suppressed
                ),
                over_limits=over_limits(terms.limits, model.analysis.totals, model.place),
                ran=tuple(x.code for x in terms.rules if whole or x is not rule),
            )
        )
    return done


def _that_reports_unused(terms: Terms) -> Rule | None:
    return next((rule for rule in terms.rules if rule.code == UNUSED), None)


def _graded(finding: Finding, terms: Terms) -> Finding:
    """With the severity that the user wants: the longest code that names the rule counts."""
    rule = next((rule for rule in terms.rules if rule.code == finding.code), None)
    codes = [code for code in terms.severity if rule and precision(rule, code)]
    if rule is None or not codes:
        return finding
    longest = max(codes, key=lambda code: precision(rule, code))
    return replace(finding, severity=terms.severity[longest])


def _places(model: ModelReport) -> Iterator[Source]:
    """All lines that have to do with a model."""
    for layer in model.layers:
        yield from layer.layer.places
    for finding in model.findings:
        yield from finding.places
    if model.place:
        yield model.place


def _comments(models: Sequence[ModelReport]) -> tuple[Comment, ...]:
    """Those of all files that have to do with these models."""
    lines: dict[str, set[int]] = {}
    for model in models:
        for place in _places(model):
            lines.setdefault(place.path, set()).add(place.line)
    return tuple(
        comment.among(lines[path]) for path in sorted(lines) for comment in comments_in(path)
    )


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
    return replace(model, findings=tuple(kept), suppressed=tuple(suppressed))


def _unused(
    linted: Sequence[tuple[ModelReport, Terms]],
    comments: Sequence[Comment],
    used: set[tuple[Comment, str]],
    known: Sequence[Rule],
    *,
    knows_all: bool,
) -> dict[int, list[Unused]]:
    """Comments without use, under the first model that has to do with them and wants to know."""
    files = [{place.path for place in _places(model)} for model, _ in linted]
    found: dict[int, list[Unused]] = {}
    for comment in comments:
        covered = {
            index: layers
            for index, (model, _) in enumerate(linted)
            if (layers := [x for x in model.layers if comment.covers(x.layer.places)])
        }
        message = (
            f"this comment suppresses nothing: {comment.complaint}"
            if comment.complaint
            else _strange(comment, known, knows_all=knows_all)
            or _idle(comment, [(*linted[index], layers) for index, layers in covered.items()], used)
        )
        concerned = covered or [index for index, paths in enumerate(files) if _in(comment, paths)]
        index = next((x for x in concerned if _that_reports_unused(linted[x][1])), None)
        if message and index is not None:
            layer = covered[index][0].layer.name if covered else ""
            found.setdefault(index, []).append(Unused(layer, message, comment.source))
    return found


def _in(comment: Comment, paths: Collection[str]) -> bool:
    return comment.source.path in paths


def _strange(comment: Comment, known: Sequence[Rule], *, knows_all: bool) -> str:
    """What is wrong with its codes. Those of a project's own rules may not be known here."""
    names = [name for rule in known for name in (rule.code, rule.name)]
    strange = [x for x in comment.codes if x not in names and (knows_all or x.startswith("RF"))]
    near = [y for x in strange[:1] for y in difflib.get_close_matches(x, names, n=1, cutoff=0.8)]
    did = f" (did you mean {near[0]}?)" if near else ""
    return f"there is no rule {', '.join(strange)} to ignore{did}" if strange else ""


def _idle(
    comment: Comment,
    covered: Sequence[tuple[ModelReport, Terms, Sequence[AnalysedLayer]]],
    used: Collection[tuple[Comment, str]],
) -> str:
    """Which of its codes have found nothing, though their rules looked at all of these layers."""
    for model, _, layers in covered:
        unseen = model.analysis.architecture.left_out
        if unseen or any(axis.unknown for x in layers for axis in x.seen):
            return ""  # rules could not judge everything: who knows what they would have found
    ran = {
        name for _, terms, _ in covered for rule in terms.rules for name in (rule.code, rule.name)
    }
    idle = [x for x in comment.codes if x in ran and (comment, x) not in used]
    idle = [x for x in idle if x not in _UNUSED_NAMES]
    if idle:
        return f"there is nothing of {', '.join(idle)} to ignore here"
    if covered and not comment.codes and not any(x == comment for x, _ in used):
        return "there is nothing to ignore here"
    return ""
