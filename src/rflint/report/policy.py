"""Apply what the user decided about findings: suppressions, severities and limits.

This needs finished reports only, never the model. It is therefore done anew in every run, also for
reports that come from the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rflint.linting.errors import RuleFailed
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Rule, UnusedSuppression
from rflint.linting.runner import check_suppressions
from rflint.linting.selection import precision
from rflint.report.limits import Limits, exceeded_limits
from rflint.report.model_report import ModelReport, SuppressedFinding
from rflint.report.suppression import Comment, all_comments
from rflint.report.train_size import TrainSize
from rflint.report.unused_suppressions import Checked, UsedCodes, unused_suppressions


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules that a model is checked by, their severities, and the model's limits."""

    rules: tuple[Rule, ...]
    severity: Mapping[str, Severity] = field(default_factory=dict)
    """By rule code or prefix, where it is not the rule's own."""
    limits: Limits = field(default_factory=Limits)


def _raise(model: ModelReport, error: RuleFailed) -> None:
    raise error


def apply_policies(
    linted: Sequence[tuple[ModelReport, Policy]],
    known: Sequence[Rule],
    *,
    all_models: bool = True,
    all_rules: bool = True,
    failed: Callable[[ModelReport, RuleFailed], None] = _raise,
) -> list[ModelReport]:
    """The reports with suppressed findings set apart, severities set, and limits checked.

    `known` are the existing rules, including those that did not run. `all_rules` says that there
    are no others, so that a comment that names another one is wrong. `all_models` says that there
    are no other models; otherwise no suppression is called unused, since they may need it.
    `failed` is told of rules that fail on the suppressions of a model.
    """
    comments = all_comments(model.places for model, _ in linted)
    used: UsedCodes = set()
    models = [_suppress(model, comments, used) for model, _ in linted]
    for model, _ in linted:
        if model.train_size:  # a comment may be for what is found there
            _suppress(replace(model, findings=model.train_size.findings), comments, used)
    unused = (
        unused_suppressions(
            [Checked(model, policy.rules) for model, policy in linted],
            comments,
            used,
            known,
            all_rules=all_rules,
        )
        if all_models
        else {}
    )
    done = []
    for index, (model, (_, policy)) in enumerate(zip(models, linted, strict=True)):
        for rule in policy.rules:
            if rule.check_suppressions and index in unused:
                try:
                    model = _with_suppressions_checked(model, rule, unused[index], comments)
                except RuleFailed as error:
                    failed(model, error)
        done.append(
            replace(
                model,
                findings=tuple(_with_severity(x, policy) for x in model.findings),
                train_size=_at_train_size(model.train_size, comments, policy),
                suppressed=tuple(
                    replace(x, finding=_with_severity(x.finding, policy)) for x in model.suppressed
                ),
                exceeded_limits=exceeded_limits(policy.limits, model.analysis.totals, model.place),
                rules_run=tuple(
                    x.code
                    for x in policy.rules
                    if (all_models or not x.check_suppressions) and not x.is_limited
                ),
            )
        )
    return done


def _with_suppressions_checked(
    model: ModelReport,
    rule: Rule,
    unused: Sequence[UnusedSuppression],
    comments: Sequence[Comment],
) -> ModelReport:
    """The report with what the rule finds in its unused suppressions.

    Only a comment that names this rule suppresses it, not one for whatever rule.
    """
    named = [x for x in comments if {rule.code, rule.name} & set(x.codes)]
    findings = check_suppressions(rule, unused)
    found = _suppress(replace(model, findings=findings, suppressed=()), named)
    return replace(
        model,
        findings=(*model.findings, *found.findings),
        suppressed=(*model.suppressed, *found.suppressed),
    )


def _suppress(
    model: ModelReport, comments: Sequence[Comment], used: UsedCodes | None = None
) -> ModelReport:
    """The report with the findings that comments suppress set apart; note which they name."""
    kept: list[Finding] = []
    suppressed: list[SuppressedFinding] = []
    for finding in model.findings:
        responsible = [comment for comment in comments if comment.suppresses(finding)]
        if used is not None:
            for name in (finding.code, finding.name):
                used.update((comment, name) for comment in responsible)
        if responsible:
            first = responsible[0]
            suppressed.append(SuppressedFinding(finding, first.reason, first.source))
        else:
            kept.append(finding)
    return replace(model, findings=tuple(kept), suppressed=tuple(suppressed))


def _at_train_size(
    found: TrainSize | None, comments: Sequence[Comment], policy: Policy
) -> TrainSize | None:
    """What was found at the size of training only, with what comments and severities say of it."""

    def kept(findings: Sequence[Finding]) -> tuple[Finding, ...]:
        return tuple(
            _with_severity(x, policy)
            for x in findings
            if not any(comment.suppresses(x) for comment in comments)
        )

    if found is None:
        return None
    return replace(found, findings=kept(found.findings), not_there=kept(found.not_there))


def _with_severity(finding: Finding, policy: Policy) -> Finding:
    """The finding with the severity that the user set; of several, the most precise code counts."""
    rule = next((rule for rule in policy.rules if rule.code == finding.code), None)
    codes = [code for code in policy.severity if rule and precision(rule, code)]
    if rule is None or not codes:
        return finding
    longest = max(codes, key=lambda code: precision(rule, code))
    return replace(finding, severity=policy.severity[longest])
