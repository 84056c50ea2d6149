"""What is to be linted: each model with its options from the command line and the configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from rflint.configuration.configuration import Configuration, ConfiguredModel
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.toml import ConfigurationError
from rflint.errors import UsageError
from rflint.inputs.layouts import layouts_of_inputs
from rflint.inputs.notation import InputShape, Sizes
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.rule import Rule
from rflint.linting.selection import precision, select_rules
from rflint.linting.settings import RuleOptions, rule_options
from rflint.report.limits import Limits
from rflint.report.policy import Policy
from rflint.text.numbers import size
from rflint.usercode.builder_values import files_of
from rflint.usercode.module_place import module_source
from rflint.usercode.paths import relative_path
from rflint.usercode.permissions import NOTHING_UNUSUAL, Permissions
from rflint.usercode.schemes.registry import file_of, scheme_of
from rflint.usercode.target import split_target
from rflint.usercode.target_hints import without_colon


@dataclass(frozen=True, slots=True)
class Request:
    """One model at one resolution."""

    target: str
    root: Path
    """What its path is relative to, and where modules are looked for."""
    name: str
    resolution: Sizes | None
    """None if the shapes of the inputs say it, or the model's first layer."""
    shapes: tuple[InputShape, ...]
    arguments: Mapping[str, Any]
    tracing: TracingOptions
    rule_options: RuleOptions
    policy: Policy
    pythonpath: tuple[Path, ...] = ()
    """Folders that its modules are looked for in, before all others."""
    train_resolution: Sizes | None = None
    """The size that it is trained at, if that is another one."""
    is_one_of_several: bool = False
    """Whether the target is linted at other resolutions too."""
    is_named: bool = False
    """Whether the configuration calls it by its name."""
    permissions: Permissions = NOTHING_UNUSUAL
    with_sizes: bool = False
    """Whether the report is to tell of other input sizes, too."""
    with_repairs: bool = False
    """Whether it is to tell what can be done about unproductive layers."""
    hint: str = ""
    """What may have been meant, where there is no such target."""
    argument_files: frozenset[str] = frozenset()
    """The files that its arguments were read from, as absolute paths."""

    @property
    def title(self) -> str:
        """The name in messages."""
        at = f" at {size(self.resolution)}" if self.is_one_of_several and self.resolution else ""
        return f"{self.name or self.target}{at}"

    @property
    def identity(self) -> str:
        """A text of everything that its report depends on, except the model's code."""
        return repr(
            (
                self.target,
                str(self.root),
                self.pythonpath,
                self.resolution,
                self.train_resolution,
                self.shapes,
                sorted(self.arguments.items()),
                self.tracing,
                self.permissions,
                self.with_sizes,
                self.with_repairs,
                self.rule_options,
                [(rule.code, rule.file, rule.is_limited) for rule in self.policy.rules],
            )
        )


def requests_for(
    targets: Sequence[str],
    options: ModelOptions,
    configuration: Configuration,
    rules: Sequence[Rule],
    *,
    lenient: bool = False,
) -> tuple[Request, ...]:
    """What is to be linted: the targets, or all configured models where there are none.

    A target that the configuration has too is linted as it says there, under what the command line
    says. `lenient`: codes of no rule are passed over, since a rule could not be loaded. Raises
    UsageError where there is nothing to lint.
    """
    _check_folders(configuration)
    models = _models_of(targets, configuration)
    counts = Counter((model.target, repr(model.options.args)) for _, model in models)
    several = {target for target, n in Counter(target for target, _ in counts).items() if n > 1}
    found: list[Request] = []
    for root, model in models:
        layered = options.over(model.options.over(configuration.options))
        first = Request(
            target=model.target,
            root=root,
            name=model.name or (_with_arguments(model) if model.target in several else ""),
            resolution=None,
            shapes=layered.input or (),
            train_resolution=layered.train_res,
            arguments=layered.args or {},
            tracing=_tracing(layered),
            rule_options=rule_options(
                rules, configuration.rule_settings, layered.allow_unknown or ()
            ),
            policy=Policy(
                _selected(rules, layered, lenient=lenient),
                layered.severity or {},
                Limits(**{x.name: getattr(layered, x.name) for x in fields(Limits)}),
            ),
            permissions=Permissions(
                training=bool(layered.allow_training), downloads=bool(layered.allow_downloads)
            ),
            pythonpath=configuration.module_folders,
            is_one_of_several=len(layered.res or ()) > 1,
            is_named=bool(model.name),
            hint=_suggestion(model.target, root, configuration),
            argument_files=files_of(layered.args or {}),
        )
        for resolution in layered.res or (None,):
            request = replace(first, resolution=resolution)
            if request not in found:  # asked for twice is linted once
                found.append(request)
    return tuple(found)


def _check_folders(configuration: Configuration) -> None:
    for name, folder in zip(configuration.pythonpath, configuration.module_folders, strict=True):
        if not folder.is_dir():
            raise ConfigurationError(
                f"pythonpath: there is no folder {name}", source=configuration.line_of("pythonpath")
            )


def _models_of(
    targets: Sequence[str], configuration: Configuration
) -> list[tuple[Path, ConfiguredModel]]:
    """The models to lint, each with the folder that its target is relative to."""
    models = [(configuration.root, model) for model in configuration.models]
    if targets:
        models = [found for target in targets for found in _as_configured(target, configuration)]
    if not models:
        raise UsageError(
            "no target given, and no model configured",
            hint="Name a model, like: rflint mymodel:build --res 32; or let rflint find this "
            "project's models and write them to the configuration: rflint init",
        )
    return models


def _with_arguments(model: ConfiguredModel) -> str:
    """A name for one of several models that the same builder makes."""
    arguments = ", ".join(f"{key}={value!r}" for key, value in (model.options.args or {}).items())
    return f"{model.target} ({arguments})" if arguments else model.target


def _selected(rules: Sequence[Rule], options: ModelOptions, *, lenient: bool) -> tuple[Rule, ...]:
    select, extend = options.select or (), options.extend_select or ()
    if options.select == ():
        select, extend = extend, ()  # a choice of none, and not of the default rules
        if not select:
            return ()
    chosen = [select, options.ignore or (), extend]
    if lenient:
        chosen = [
            tuple(code for code in codes if any(precision(rule, code) for rule in rules))
            for codes in chosen
        ]
        if select and not chosen[0]:
            return ()  # and not the default rules, which nobody asked for
    return select_rules(rules, *chosen)


def covers_configuration(requests: Sequence[Request], configuration: Configuration) -> bool:
    """Whether all models of the configuration are requested, with the options it gives them."""
    here = {_model_of(x) for x in requests}
    try:
        there = requests_for((), ModelOptions(), configuration, (), lenient=True)
    except UsageError:  # it has no models
        return True
    return all(_model_of(x) in here for x in there)


def _model_of(request: Request) -> str:
    """A text that is equal for requests of the same model in the same way, whatever rules run."""
    rule_options = RuleOptions(allow_unknown=request.rule_options.allow_unknown)
    return replace(
        request,
        rule_options=rule_options,
        policy=Policy(()),
        permissions=NOTHING_UNUSUAL,
        with_sizes=False,
        with_repairs=False,
        train_resolution=None,
    ).identity


def _as_configured(target: str, configuration: Configuration) -> list[tuple[Path, ConfiguredModel]]:
    """The configured models that a target of the command line stands for, or the target alone.

    The target may also be the name of a configured model.
    """
    called = [(configuration.root, x) for x in configuration.models if x.name == target]
    if called:
        return called
    folders = configuration.module_folders
    try:
        here = _where(target, Path.cwd(), folders)
    except UsageError:  # building it will say so, and the other targets are linted all the same
        return [(Path.cwd(), ConfiguredModel(target))]
    same = [
        (configuration.root, model)
        for model in configuration.models
        if _where(model.target, configuration.root, folders) == here
    ]
    return same or [(Path.cwd(), ConfiguredModel(target))]


def _suggestion(target: str, root: Path, configuration: Configuration) -> str:
    """A hint for a target that does not exist, if the configuration has a similar one."""
    module, colon, attribute = target.rpartition(":")
    if not colon:
        names = [model.name for model in configuration.models if model.name]
        return without_colon(target, names, root)
    elsewhere = configuration.root / module
    if module.endswith(".py") and not (root / module).is_file() and elsewhere.is_file():
        return f"From here it is {relative_path(elsewhere)}:{attribute}."
    return ""


def _where(target: str, root: Path, pythonpath: Sequence[Path]) -> tuple[str, str]:
    """The file or module, and the attribute, of a target, however it is written.

    `src/package/net.py:Net` is `package.net:Net`.
    """
    module, attribute = split_target(target)
    if scheme_of(target):
        prefix, _, name = target.partition(":")
        file = file_of(target, root)
        return (str(file.resolve()), prefix + name.partition("#")[2]) if file else (prefix, name)
    return str(module_source(module, root, pythonpath) or module), attribute


def _tracing(options: ModelOptions) -> TracingOptions:
    return TracingOptions(
        bool(options.train),
        options.tracer or "auto",
        layouts_of_inputs(options.layout or (), options.input or ()),
    )
