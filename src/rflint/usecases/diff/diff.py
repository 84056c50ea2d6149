"""Compare two sides: lint what is to be linted, each in its own process, and compare the reports.

Nothing here imports torch; the processes do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rflint.configuration.configuration import Configuration
from rflint.configuration.find import named_document, nearest_document
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.read import load_configuration, read_configuration
from rflint.errors import RflintError, UsageError
from rflint.report.difference.difference import Difference, compare_reports
from rflint.report.difference.saved_report import read_report
from rflint.report.exit_gate import least_severity
from rflint.report.schema import JsonObject
from rflint.usecases.diff.process import LintProcess, linted_in
from rflint.usecases.diff.saved_sizes import with_sizes_of
from rflint.usecases.diff.sides import LintedSide, SavedSide, Side
from rflint.usecases.diff.worker import Order
from rflint.usecases.listener import Listener
from rflint.usecases.project_baseline import BaselineOptions
from rflint.usercode.git_repository import GitRepository, is_revision
from rflint.usercode.interrupts import ended_as_by_exception
from rflint.usercode.other_checkout import Checkout, checked_out
from rflint.usercode.paths import short_path

WORKING_TREE = "the working tree"
_WITHOUT_PAST = (
    "{target} is there on the later side only. If it was called something else, compare it with a "
    "report of then: rflint OLD --format json:before.json, and rflint diff before.json {target}"
)


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """How sides are linted and judged; all of it holds for both."""

    model: ModelOptions
    config: Path | None = None
    isolated: bool = False
    fail_on: str | None = None
    use_cache: bool = True


def diff_sides(before: Side, after: Side, options: DiffOptions, listener: Listener) -> Difference:
    """What differs between two sides. Both are linted with the configuration of the later one.

    What goes wrong with a model of one side is a failure of the difference; RflintError is raised
    where a side as a whole cannot be had.
    """
    with ExitStack() as stack:
        stack.enter_context(ended_as_by_exception())
        sides = (before, after)
        places = [_place(*x, stack) for x in ((before, after), (after, before))]
        configuration = _configuration(places[1], options)
        for side in sides:
            _check_targets(side, sides, configuration)
        options = _sized(sides, configuration, options, listener)
        started = [
            stack.enter_context(
                linted_in(place.folder, _order(place, side, places[1], configuration, options))
            )
            if isinstance(side, LintedSide)
            else side.file
            for side, place in zip(sides, places, strict=True)
        ]
        reports = [_report(x, place, listener) for x, place in zip(started, places, strict=True)]
        if isinstance(before, LintedSide) and not before.targets:
            reports[0] = _without_new(reports[0], configuration, places[0])
    difference = compare_reports(*reports)
    failed = {x.target for x in difference.failures if x.side == "after"}
    for failure in difference.failures:
        label = places[failure.side == "after"].label
        error = RflintError(failure.message)
        if failure.side == "before" and failure.kind == "import" and failure.target not in failed:
            error.hint = _WITHOUT_PAST.format(target=failure.target)
        is_named = failure.target.startswith(label)
        listener.failed(failure.target if is_named else f"{label}: {failure.target}", error, None)
    return replace(
        difference,
        before=places[0].label,
        after=places[1].label,
        fail_on=least_severity(options.fail_on or configuration.fail_on or "warning"),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a side is."""

    label: str
    """What it is called."""
    folder: Path
    """The current folder, or what that is in a checkout."""
    checkout: Checkout | None = None


def _place(side: Side, other: Side, stack: ExitStack) -> _Place:
    here = Path.cwd()
    if isinstance(side, SavedSide):
        return _Place(short_path(side.file), here)
    if not side.revision:
        is_of_targets = isinstance(other, SavedSide) or not other.revision
        return _Place((is_of_targets and ", ".join(side.targets)) or WORKING_TREE, here)
    repository = GitRepository.around(here)
    _check_inside(repository, side.targets)
    if side.parted_from:
        commit = repository.merge_base(side.revision, side.parted_from)
        label = f"where {side.parted_from} left {side.revision} ({commit[:7]})"
    else:
        commit = repository.commit(side.revision)
        label = f"{side.revision} ({commit[:7]})"
    checkout = stack.enter_context(checked_out(repository, commit))
    folder = checkout.of(here)
    if not folder.is_dir():
        name = here.resolve().relative_to(repository.top).as_posix()
        raise UsageError(
            f"{label} has no folder {name}", hint="Run this in a folder that both revisions have."
        )
    return _Place(label, folder, checkout)


def _check_inside(repository: GitRepository, targets: Sequence[str]) -> None:
    """Raises UsageError for a file that has no revisions here."""
    for target in targets:
        module, _, _ = target.rpartition(":")
        file = Path(module).resolve()
        if module.endswith(".py") and repository.top not in file.parents:
            raise UsageError(
                f"{module} lies outside of the repository {repository.top}: "
                "it has no revisions here",
                hint=f"Two files can be compared as two targets: rflint diff OLD {target}",
            )


def _check_targets(side: Side, sides: Sequence[Side], configuration: Configuration) -> None:
    """Raises UsageError for a revision without its dots, which looks like a model's name."""
    if isinstance(side, SavedSide) or side.revision:
        return
    names = {model.name for model in configuration.models}
    for target in side.targets:
        if ":" in target or target in names or not is_revision(Path.cwd(), target):
            continue
        words = [x for other in sides if isinstance(other, LintedSide) for x in other.targets]
        others = [x for x in words if x != target]
        if others and ":" not in others[0] and others[0] not in names:
            meant = f"{words[0]}..{words[1]}"
        else:
            meant = f"{target}.. {' '.join(others)}".strip()
        raise UsageError(
            f"{target!r} names no model: it is a revision of this repository",
            hint=f"Did you mean {meant.split()[0]}? rflint diff {meant}",
        )


def _sized(
    sides: Sequence[Side],
    configuration: Configuration,
    options: DiffOptions,
    listener: Listener,
) -> DiffOptions:
    """The options; beside a saved report with its sizes, unless others are given."""
    saved = [x for x in sides if isinstance(x, SavedSide)]
    linted = [x for x in sides if isinstance(x, LintedSide)]
    if len(saved) != 1 or not linted[0].targets:
        return options
    report, targets = read_report(saved[0].file), linted[0].targets
    model, told = with_sizes_of(report, targets, options.model, configuration)
    if told:
        label = short_path(saved[0].file)
        listener.note(f"{', '.join(targets)} is analysed at the {told} of {label}")
    return replace(options, model=model)


def _configuration(place: _Place, options: DiffOptions) -> Configuration:
    """The configuration as it is in a place."""
    checkout = place.checkout
    if checkout is None or options.isolated:
        found = load_configuration(options.config, isolated=options.isolated)
        return replace(found, root=place.folder) if options.isolated else found
    if options.config is not None:
        return read_configuration(named_document(checkout.of(options.config)))
    document = nearest_document(place.folder)
    return read_configuration(document) if document else Configuration(place.folder)


def _order(
    place: _Place,
    side: LintedSide,
    configured_in: _Place,
    configuration: Configuration,
    options: DiffOptions,
) -> Order:
    is_after = place is configured_in
    checkout = place.checkout
    return Order(
        side.targets,
        options.model,
        configuration if is_after else _moved(configuration, configured_in, place, side),
        options.fail_on,
        options.use_cache and checkout is None,
        # a difference is about everything that is found: what the baseline holds is found before
        BaselineOptions(use=is_after, find_default=not options.isolated),
        (checkout.top, checkout.stands_for) if checkout else None,
    )


def _moved(
    configuration: Configuration, there: _Place, here: _Place, side: LintedSide
) -> Configuration:
    """The configuration of one place in another: its rules stay, its models are those of here."""
    if there.checkout is here.checkout:
        return configuration
    rules = tuple(str(path.resolve()) for path in configuration.rule_files)
    root = there.checkout.back(configuration.root) if there.checkout else configuration.root
    moved = here.checkout.of(root) if here.checkout else root
    if moved == configuration.root and not side.targets:
        file = short_path(configuration.path) if configuration.path else "the configuration"
        raise UsageError(
            f"{file} lies outside of the repository: its models have no revisions",
            hint="Name a target: rflint diff main.. mymodel:build",
        )
    folders = tuple(x for x in configuration.pythonpath if (moved / x).is_dir())
    return replace(configuration, root=moved, rule_paths=rules, pythonpath=folders)


def _report(started: LintProcess | Path, place: _Place, listener: Listener) -> JsonObject:
    """The report of a side, in which files are named as in the working tree."""
    if isinstance(started, Path):
        return read_report(started)
    try:
        answer = started.answer()
    except RflintError as error:
        raise RflintError(f"{place.label}: {error.message}") from error
    if place.checkout:
        answer = _told(answer, place.checkout)
    if "error" in answer:
        raise _raised(answer["error"], place)
    for note in answer["notes"]:
        listener.detail(f"{place.label}: {note}")
    found: JsonObject = answer["report"]
    return found


def _without_new(report: JsonObject, configuration: Configuration, place: _Place) -> JsonObject:
    """The report before, where it does not count that a model is missing that came later."""
    if place.checkout is None:
        return report
    document = nearest_document(place.folder)
    known = read_configuration(document).models if document else ()
    names = {name for model in known for name in (model.target, model.name) if name}
    new = [x.name or x.target for x in configuration.models if not {x.target, x.name} & names]
    errors = [x for x in report["errors"] if not (x["kind"] == "import" and _is_of(x, new))]
    return {**report, "errors": errors}


def _is_of(error: Mapping[str, str], titles: Sequence[str]) -> bool:
    return any(error["target"] == x or error["target"].startswith(f"{x} at ") for x in titles)


def _raised(error: Mapping[str, str], place: _Place) -> RflintError:
    return RflintError(f"{place.label}: {error['message']}", hint=error["hint"])


def _told(value: Any, checkout: Checkout) -> Any:
    """All texts of an answer, with the files of a checkout named as those of the working tree."""
    if isinstance(value, str):
        return checkout.told(value)
    if isinstance(value, list):
        return [_told(x, checkout) for x in value]
    if isinstance(value, dict):
        return {name: _told(x, checkout) for name, x in value.items()}
    return value
