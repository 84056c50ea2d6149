"""Suppression comments that suppress nothing, for the rules that report them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.linting.rule import Rule, UnusedSuppression
from rflint.report.model_report import ModelReport
from rflint.report.suppression import Comment
from rflint.text.suggest import did_you_mean_aside, similar

UsedCodes: TypeAlias = set[tuple[Comment, str]]
"""Comments that suppressed a finding, each with the finding's code, and with its rule's name."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A model, and the rules that ran on it."""

    model: ModelReport
    rules: tuple[Rule, ...]


def unused_suppressions(
    checked: Sequence[Checked],
    comments: Sequence[Comment],
    used: UsedCodes,
    known: Sequence[Rule],
    *,
    all_rules: bool,
) -> Mapping[int, Sequence[UnusedSuppression]]:
    """Unused comments, by the index of the model that reports them.

    That is the first model that has layers on the comment's lines, else the first with layers in
    its file, among the models for which the rule is selected.
    """
    files = [{place.path for place in x.model.places} for x in checked]
    found: dict[int, list[UnusedSuppression]] = {}
    for comment in comments:
        covered = {
            index: layers
            for index, x in enumerate(checked)
            if (layers := [y for y in x.model.layers if comment.covers(y.layer.places)])
        }
        layers_of = [(checked[index], layers) for index, layers in covered.items()]
        message = (
            f"this comment suppresses nothing: {comment.complaint}"
            if comment.complaint
            else _unknown_codes(comment, known, all_rules=all_rules)
            or _needless_codes(comment, layers_of, used)
        )
        concerned = covered or [i for i, paths in enumerate(files) if comment.source.path in paths]
        index = next((i for i in concerned if _reports_unused(checked[i])), None)
        if message and index is not None:
            layer = covered[index][0].layer.name if covered else ""
            found.setdefault(index, []).append(UnusedSuppression(layer, message, comment.source))
    return found


def _reports_unused(checked: Checked) -> bool:
    return any(rule.check_suppressions for rule in checked.rules)


def _unknown_codes(comment: Comment, known: Sequence[Rule], *, all_rules: bool) -> str:
    """A message about codes of the comment that no rule has.

    Unless all rules are known, other codes than RF... may belong to a project's own rules.
    """
    names = [name for rule in known for name in (rule.code, rule.name)]
    unknown = [x for x in comment.codes if x not in names and (all_rules or x.startswith("RF"))]
    if not unknown:
        return ""
    did = did_you_mean_aside(similar(unknown[0], names, cutoff=0.8))
    return f"there is no rule {', '.join(unknown)} to ignore{did}"


def _needless_codes(
    comment: Comment,
    covered: Sequence[tuple[Checked, Sequence[AnalysedLayer]]],
    used: UsedCodes,
) -> str:
    """A message about codes of the comment whose rules ran on all its layers and found nothing."""
    for checked, layers in covered:
        left_out = checked.model.analysis.architecture.left_out
        if left_out or any(axis.unknown for x in layers for axis in x.input_field):
            return ""  # rules could not judge everything: the comment may be needed after all
    rules = [
        rule
        for x, _ in covered
        for rule in x.rules
        if not (rule.check_suppressions or rule.is_limited)
    ]
    ran = {name for rule in rules for name in (rule.code, rule.name)}
    needless = [x for x in comment.codes if x in ran and (comment, x) not in used]
    if needless:
        return f"there is nothing of {', '.join(needless)} to ignore here"
    if covered and not comment.codes and not any(x == comment for x, _ in used):
        return "there is nothing to ignore here"
    return ""
