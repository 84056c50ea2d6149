"""`rflint init`: find the models of a project, try them, and say which to configure.

torch is imported in another process only, where the candidates are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rflint.configuration.added_models import AddedModel
from rflint.configuration.configuration import Configuration
from rflint.inputs.notation import Sizes
from rflint.text.numbers import size as size_text
from rflint.usecases.preloading import packages_of
from rflint.usecases.trial import SizeTried, Trial
from rflint.usecases.trials import Trials
from rflint.usercode.candidates import Candidate, Candidates
from rflint.usercode.project_source import Definition

SIZES: tuple[Sizes, ...] = ((32,), (64,), (224,))
"""Of small images, of thumbnails, of ImageNet."""
_OTHER_SIZES: tuple[Sizes, ...] = tuple(
    (size,) for size in (28, 96, 128, 256, 299, 384, 512, 1024, 4096, 16000)
)
"""Tried where a model runs at none of these: one of them may be the only one."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in a project."""

    configured: tuple[Candidate, ...] = ()
    """What the configuration has already."""
    usable: tuple[Trial, ...] = ()
    not_usable: tuple[Trial, ...] = ()
    unread: tuple[Path, ...] = ()
    """Files in which nothing could be looked for."""

    @property
    def found(self) -> int:
        """How many candidates there are."""
        return len(self.configured) + len(self.usable) + len(self.not_usable)


def survey(
    paths: Sequence[Path],
    configuration: Configuration,
    sizes: Sequence[Sizes] = (),
    *,
    patience: float = 60.0,
    debug: bool = False,
    begins: Callable[[str], None] = lambda title: None,
) -> Survey:
    """Find the candidates in files and folders, and try each at the sizes, or at a few.

    `begins` is called with the title of each candidate that is tried. Targets are relative to the
    folder of the configuration.
    """
    root, folders = configuration.root, configuration.module_folders
    found = Candidates(paths, root, folders)
    known = _Known(configuration, found)
    configured: list[Candidate] = []
    tried: list[Trial] = []
    candidates = sorted(found.without_parts(), key=_users_first)
    packages = packages_of((one.target, root, folders) for one in candidates)
    with Trials(
        root, patience=patience, pythonpath=folders, packages=packages, debug=debug
    ) as trials:
        for one in candidates:
            if known.has(one):
                configured.append(one)
            elif not known.uses(one):
                trial = _trial(one, trials, sizes, begins)
                tried.append(trial)
                if trial.is_usable:
                    known.add(one)
    in_order = sorted(tried, key=lambda x: (x.candidate.file, x.candidate.line))
    return Survey(
        tuple(configured),
        tuple(x for x in in_order if x.is_usable),
        tuple(x for x in in_order if not x.is_usable),
        tuple(found.source.unread),
    )


def added_model(trial: Trial, given: Sequence[Sizes]) -> AddedModel:
    """The entry for a usable model, at the size that was given, or else the proposed one."""
    chosen = proposed_size(trial)
    comment = ""
    if not given:
        others = ", ".join(size_text(x.size) for x in trial.running if x is not chosen)
        also = f": it also runs at {others}" if others else ""
        comment = f"set the size that you train with{also}"
    size: int | str = chosen.size[0] if len(chosen.size) == 1 else size_text(chosen.size)
    return AddedModel(trial.candidate.target, size, trial.candidate.arguments, comment)


def proposed_size(trial: Trial) -> SizeTried:
    """The largest size at which it runs: at smaller ones there may be more to find."""
    return max(trial.running, key=lambda x: x.size)


def _trial(
    one: Candidate, trials: Trials, sizes: Sequence[Sizes], begins: Callable[[str], None]
) -> Trial:
    if one.missing:
        return Trial(one, why=f"needs arguments: {', '.join(one.missing)}")
    begins(one.title)
    return trials.of(one, sizes or SIZES, () if sizes else _OTHER_SIZES)


def _users_first(one: Candidate) -> tuple[bool, bool, bool]:
    """Builders and Lightning modules before what they build.

    What an import makes, and what is looked up in a table, is worth a look if nothing else works.
    """
    return one.is_instance, bool(one.arguments), one.hides_parts


class _Known:
    """Models that are configured, or will be, and what they are made of."""

    def __init__(self, configuration: Configuration, found: Candidates) -> None:
        self._targets: list[tuple[str, Definition | None, dict[str, object]]] = [
            (x.target, found.definition_of(x.target), dict(x.options.args or {}))
            for x in configuration.models
        ]
        self._parts: set[Definition] = set()
        self._whole: set[Definition] = set()
        by_definition = {x.definition: x for x in found.all()}
        for _, definition, _ in self._targets:
            if definition in by_definition:
                self._parts |= by_definition[definition].uses

    def has(self, one: Candidate) -> bool:
        """Whether the configuration has it, with whatever arguments unless it has some itself."""
        return any(
            (target == one.target or (definition is not None and definition is one.definition))
            and (not one.arguments or dict(one.arguments) == arguments)
            for target, definition, arguments in self._targets
        )

    def add(self, one: Candidate) -> None:
        """Note that a model will be configured."""
        self._parts |= one.uses
        if one.definition:
            self._whole.add(one.definition)

    def uses(self, one: Candidate) -> bool:
        """Whether a model that is known is made of it, or it only makes or looks up a known one."""
        indirect = one.is_instance or one.arguments
        return one.definition in self._parts or bool(
            indirect and one.uses & (self._parts | self._whole)
        )
