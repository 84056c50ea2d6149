"""The schema of JSON reports: every field, what it says, and which values it may have.

`rflint schema` prints it, and docs/report.md is made from it. What a program reads today it can
read from every later report of the same schema version: fields are added, never renamed or removed,
and lists of known values (kinds of layers, say) grow. So the published schema asks for the fields
that this version writes, and lets others pass. `strict` lets nothing pass: the tests hold all their
reports against that.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.roles import Role
from rflint.graph.layer import Kind
from rflint.linting.finding import Evidence, Severity
from rflint.repair.registry import NAMES as REPAIRS
from rflint.report.schema import SCHEMA_VERSION, JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"

ERRORS = (
    "build",
    "configuration",
    "download",
    "error",
    "import",
    "input",
    "internal",
    "repair",
    "rule",
    "trace",
    "training",
    "usage",
)
"""The kinds of RflintError."""

TRACERS = ("symbolic", "export")
LIMITS = ("max-unproductive", "max-dead-weights", "max-macs", "max-params")

_TEXT: JsonObject = {"type": "string"}
_NAME: JsonObject = {"type": "string", "minLength": 1}
_TRUTH: JsonObject = {"type": "boolean"}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_FROM_ONE: JsonObject = {"type": "integer", "minimum": 1}
_LENGTH: JsonObject = {"type": ["number", "null"], "minimum": 0}
_CODE: JsonObject = {"type": "string", "pattern": r"^[A-Z]+\d{3}$"}
_LAYOUT: JsonObject = {"type": "string", "pattern": "^[BCTDHW]*$"}


def published() -> JsonObject:
    """The schema of the reports that this version writes, open to what later versions add."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:rflint:report:{SCHEMA_VERSION}",
        "title": f"rflint report, schema version {SCHEMA_VERSION}",
        **_REPORT,
        "$defs": _DEFINITIONS,
    }


def strict() -> JsonObject:
    """The same, but nothing is allowed that this version does not write."""
    found: JsonObject = closed(published())
    return found


def closed(schema: Any) -> Any:
    """A schema without room for further fields, and for further values of those with known ones."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        "enum" if key == "examples" else key: value if key == "examples" else closed(value)
        for key, value in schema.items()
    }
    if schema.get("type") == "object":
        found["additionalProperties"] = False
    return found


def _object(description: str, **fields: JsonObject) -> JsonObject:
    """An object that has all of these fields."""
    return {
        "description": description,
        "type": "object",
        "properties": fields,
        "required": list(fields),
    }


def _field(meaning: str, value: JsonObject) -> JsonObject:
    return {"description": meaning, **value}


def _list(item: JsonObject) -> JsonObject:
    return {"type": "array", "items": item}


def _a(definition: str) -> JsonObject:
    return {"$ref": f"#/$defs/{definition}"}


def _or_null(value: JsonObject) -> JsonObject:
    if "type" in value:
        return {**value, "type": [value["type"], "null"]}
    return {"anyOf": [value, {"type": "null"}]}


def _one_of(values: type[Enum], *others: None) -> JsonObject:
    """One of these, in every report of this schema version."""
    return {"enum": [*(value.value for value in values), *others]}


def _such_as(values: Iterable[str]) -> JsonObject:
    """One of these now; later versions may know more."""
    return {"type": "string", "examples": list(values)}


_REPORT = _object(
    "What `rflint --format json` prints and `rflint.lint(...).to_dict()` returns.",
    schema_version=_field(
        "The version of this schema, which changes when a field is renamed, removed or given "
        "another meaning.",
        {"const": SCHEMA_VERSION},
    ),
    rflint=_field("The version of rflint that wrote the report.", _NAME),
    models=_field(
        "One entry for each model at each resolution, in the order in which they were linted.",
        _list(_a("model")),
    ),
    errors=_field(
        "One entry for each target that could not be linted, and for each rule that failed.",
        _list(_a("error")),
    ),
    baseline=_field(
        "What the baseline did in this run, or null where there is none.",
        _or_null(_a("baseline")),
    ),
)

_MODEL = _object(
    "A model at one resolution.",
    target=_field("What was linted, as it was named: `mymodel:build`.", _NAME),
    name=_field("The model's name in the configuration, or else its target.", _NAME),
    inputs=_field(
        "For each input of the model its shape: numbers of elements per dimension, with the batch; "
        "that of a number is empty.",
        _list(_list(_COUNT)),
    ),
    inputs_layout=_field(
        "For each input what lies along its dimensions, one letter for each: B batch, C channels, "
        "T time or frames, D depth, H height, W width; that of a number is empty.",
        _list(_LAYOUT),
    ),
    resolution=_field(
        "The size of the input along each of its spatial axes, in pixels: of several inputs, that "
        "of the one that layers are compared with unless they see another; empty where it has no "
        "axes.",
        _list(_FROM_ONE),
    ),
    tracer=_field(
        "How the model was recorded: `symbolic` by running its Python code without data, `export` "
        "by torch.export; an architecture that did not come from torch may name what it came from.",
        _such_as(TRACERS),
    ),
    complete=_field(
        "Whether the model was followed to its end, every operator that matters was known, and "
        "its convolutions could be judged.",
        _TRUTH,
    ),
    left_out=_field(
        "Where the analysis ends before the model does, or null where it does not.",
        _or_null(_a("left_out")),
    ),
    assumed=_field(
        "The lines that assert something about the data, each of which was taken to hold.",
        _list(_a("source")),
    ),
    totals=_field("Sums over the model.", _a("totals")),
    border=_field("The first convolutions that see more than there is.", _a("border")),
    feasible_resolution=_field(
        "The sizes of the input that the model is made for.", _a("feasible_resolution")
    ),
    larger_input=_field(
        "The smallest larger input at which no convolution is unproductive, or null where none is "
        "needed, or none is known that would do.",
        _or_null(_a("larger_input")),
    ),
    layers=_field(
        "All layers but the inputs, in execution order; a module that is called twice is there "
        "twice.",
        _list(_a("layer")),
    ),
    findings=_field(
        "What rules found, without what a comment suppresses or the baseline holds.",
        _list(_a("finding")),
    ),
    suppressed=_field(
        "The findings that a comment in the source suppresses.", _list(_a("suppressed_finding"))
    ),
    accepted=_field("The findings that the baseline holds.", _list(_a("finding"))),
    over_limits=_field(
        "The limits on the model's size that it exceeds, each of which fails the run.",
        _list(_a("exceeded_limit")),
    ),
    repairs=_field(
        "Changes that would help, each of which was applied to a copy of the model and checked.",
        _list(_a("repair")),
    ),
    not_offered=_field(
        "Sentences that say which kinds of repairs are not offered, and why.", _list(_NAME)
    ),
)

_LEFT_OUT = _object(
    "The place where the analysis ends, since what follows depends on data.",
    reason=_field("Why it could not go on.", _NAME),
    module=_field(
        "The path of the module in whose forward that is, or an empty text for the model itself.",
        _TEXT,
    ),
    source=_field("The line at which it ends, or null if unknown.", _or_null(_a("source"))),
)

_TOTALS = _object(
    "Sums over a model.",
    params=_field("The number of scalars in all its parameters, used or not.", _COUNT),
    macs=_field(
        "The multiply-accumulates of one forward pass with a batch of one: half of the floating "
        "point operations.",
        _COUNT,
    ),
    layers=_field("The number of entries in `layers`.", _COUNT),
    convs=_field("The number of convolutions that were judged.", _COUNT),
    unproductive=_field("The number of those that are unproductive.", _COUNT),
    unproductive_params=_field(
        "The number of scalars in parameters that only unproductive convolutions use.", _COUNT
    ),
    unproductive_macs=_field(
        "The multiply-accumulates of unproductive convolutions, with a batch of one.", _COUNT
    ),
    dead_weights=_field(
        "The number of weights in kernels that cannot have any effect at this input size.", _COUNT
    ),
)

_BORDER = _object(
    "The names of two layers, for the smallest and the largest receptive fields.",
    min=_field(
        "The first convolution that is unproductive, judged by the smallest receptive field of "
        "what it reads, or null where none is.",
        _or_null(_NAME),
    ),
    max=_field(
        "The same by the largest receptive field; for information, since `min` is the one that "
        "predicts.",
        _or_null(_NAME),
    ),
)

_FEASIBLE_RESOLUTION = _object(
    "The sizes of the input that a model is made for.",
    min=_field(
        "The smallest input at which no convolution is unproductive, in pixels per axis.",
        _list(_FROM_ONE),
    ),
    max=_field(
        "The largest input that some convolution still sees as a whole, in pixels per axis, or "
        "null where there is no such bound.",
        _or_null(_list({"type": ["integer", "null"], "minimum": 1})),
    ),
)

_LARGER_INPUT = _object(
    "An input at which no convolution is unproductive, and what it costs.",
    resolution=_field("Its size in pixels per axis.", _list(_FROM_ONE)),
    macs=_field(
        "The multiply-accumulates of the model on that input, with a batch of one.", _COUNT
    ),
)

_LAYER = _object(
    "One operation of the model. Lists of lengths have an entry for each spatial axis of the "
    "input; null means unbounded: it sees everything there is.",
    name=_field(
        "The path of its module, or for a function that is called its name in the recorded graph.",
        _NAME,
    ),
    call=_field("Which call of the module this is, counted from 0.", _COUNT),
    kind=_field(
        "What it does; `measured` layers are of an operator that rflint does not know and has "
        "measured, `taught` ones of an operator that the user has described, `unknown` ones could "
        "not be measured.",
        _such_as(kind.value for kind in Kind if kind is not Kind.INPUT),
    ),
    op=_field("The module's class or the function's name, as the code spells it.", _NAME),
    role=_field(
        "What it is for: `trunk` carries features, `attention` only weights them, and `head` reads "
        "nothing but what has seen the whole input.",
        _one_of(Role),
    ),
    kernel=_field("The size of its window, in positions of what it reads.", _list(_LENGTH)),
    stride=_field(
        "The step of its window, in positions of what it reads; a fraction where it makes more "
        "positions than it reads.",
        _list(_LENGTH),
    ),
    dilation=_field(
        "The distance between neighbouring taps of its window, in positions of what it reads.",
        _list(_FROM_ONE),
    ),
    padding=_field(
        "The positions that it adds in front, or null where sizes decide.",
        _list({"type": ["integer", "null"]}),
    ),
    in_shape=_field(
        "The shape of its first input: numbers of elements per dimension, with the batch.",
        _list(_COUNT),
    ),
    out_shape=_field(
        "The shape of its output: numbers of elements per dimension, with the batch.",
        _list(_COUNT),
    ),
    r_in_min=_field(
        "The smallest receptive field of what it reads, over all paths, in input pixels.",
        _list(_LENGTH),
    ),
    r_in_max=_field(
        "The largest receptive field of what it reads, over all paths, in input pixels.",
        _list(_LENGTH),
    ),
    r_out_min=_field(
        "The smallest receptive field of its output, over all paths, in input pixels.",
        _list(_LENGTH),
    ),
    r_out_max=_field(
        "The largest receptive field of its output, over all paths, in input pixels.",
        _list(_LENGTH),
    ),
    jump=_field(
        "How far apart neighbouring positions of its output are, in input pixels: the product of "
        "the strides so far.",
        _list(_LENGTH),
    ),
    params=_field(
        "The number of scalars in its own parameters, counted with the first call only.", _COUNT
    ),
    macs=_field("Its multiply-accumulates, with a batch of one.", _COUNT),
    dead_weights=_field(
        "The number of weights in its kernel that cannot have any effect at this input size, "
        "counted with the first call only.",
        _COUNT,
    ),
    verdict=_field(
        "What a convolution can do at this input size: `unproductive` if `r_in_min` exceeds the "
        "input on every axis, `partial` if on some, `critical` if on none while `r_out_min` does "
        "on every axis, else `productive`; `not judged` are all other layers, convolutions in "
        "attention gates and heads, and those of which too little is known.",
        _one_of(Verdict),
    ),
    unjudged_because=_field(
        "Of a convolution that is not judged: why its receptive field says nothing of it.",
        _or_null(_TEXT),
    ),
    source=_field(
        "The line of the user's code to edit, or null where no line of it built or called the "
        "layer.",
        _or_null(_a("source")),
    ),
)

_FINDING = _object(
    "Something that a rule found.",
    code=_field("The code of the rule: `rflint rule CODE` explains it.", _CODE),
    name=_field("The name of the rule.", _NAME),
    severity=_field(
        "How bad it is, as the rule or the configuration says; `--fail-on` decides from which on a "
        "run fails.",
        _one_of(Severity),
    ),
    evidence=_field(
        "What it rests on: `proved` findings hold for any weights and data, `predicted` ones are "
        "what theory and experiments say, and null stands where the rule does not tell.",
        _one_of(Evidence, None),
    ),
    layer=_field(
        "The name of the layer, module or file that it is about, or an empty text for the model.",
        _TEXT,
    ),
    call=_field("Which call of the layer it is about, counted from 0.", _COUNT),
    message=_field("What was found, in a sentence with the numbers.", _NAME),
    source=_field(
        "The line of the user's code to edit, or null where none is known.", _or_null(_a("source"))
    ),
)

_SUPPRESSED_FINDING = _object(
    "A finding that a comment suppresses.",
    **_FINDING["properties"],
    reason=_field("What the comment gives as the reason, or an empty text.", _TEXT),
    suppressed_at=_field("The line of the comment.", _a("source")),
)

_EXCEEDED_LIMIT = _object(
    "A limit that a model exceeds.",
    limit=_field("The option that sets it, without the dashes in front.", _such_as(LIMITS)),
    message=_field("What the model has, and what is allowed, in a sentence.", _NAME),
    source=_field(
        "The line that defines the model, or null where none is known.", _or_null(_a("source"))
    ),
)

_REPAIR = _object(
    "A change of the model, with what it was found to do to a copy of it.",
    kind=_field("What kind of change it is.", _such_as(REPAIRS)),
    title=_field("What it changes, in a few words.", _NAME),
    words=_field("What speaks for it, in a sentence.", _NAME),
    edits=_field(
        "The change as statements of plain PyTorch about a model `m`, in the order in which they "
        "are to be made.",
        {**_list(_NAME), "minItems": 1},
    ),
    edit_sources=_field(
        "Of every statement, the line of the user's code that built the module that it changes; "
        "null where that is not known.",
        _list(_or_null(_a("source"))),
    ),
    before=_field("The model as it is.", _a("figures")),
    after=_field("The copy that was changed.", _a("figures")),
    verified=_field("Whether the changed copy was analysed, and found to be as forecast.", _TRUTH),
)

_FIGURES = _object(
    "What a repair is judged by.",
    params=_field("The number of scalars in all parameters of the model.", _COUNT),
    macs=_field("The multiply-accumulates of one forward pass with a batch of one.", _COUNT),
    unproductive=_field("The number of unproductive convolutions.", _COUNT),
)

_SOURCE = _object(
    "A line of a source file.",
    path=_field(
        "The file, relative to the current directory if it lies below it, else absolute.", _NAME
    ),
    line=_field("The number of the line, counted from 1.", _FROM_ONE),
)

_ERROR = _object(
    "Something that could not be linted; the run ends with exit status 2.",
    target=_field("The target as it was named, or what else failed: a rule, a file.", _NAME),
    kind=_field(
        "What went wrong: `import` and `build` are exceptions of the user's code, `training` and "
        "`download` say that it did so while it was loaded and was stopped, `input` that the model "
        "does not run on this input, `trace` that its forward cannot be followed; `internal` is a "
        "bug in rflint.",
        _such_as(ERRORS),
    ),
    message=_field("What failed, where, and on further lines what to do about it.", _NAME),
)

_BASELINE = _object(
    "What a baseline did in a run.",
    path=_field(
        "The file, relative to the current directory if it lies below it, else absolute.", _NAME
    ),
    accepted=_field("The number of findings in this run that it holds.", _COUNT),
    fixed=_field(
        "The findings that it holds and that the models do not have any more.",
        _list(_a("fixed_finding")),
    ),
)

_FIXED_FINDING = _object(
    "A finding of the baseline that is gone.",
    model=_field("The name of the model that had it.", _NAME),
    code=_field("The code of the rule.", _CODE),
    layer=_field("The name of the layer, module or file that it was about.", _TEXT),
)

_DEFINITIONS = {
    "model": _MODEL,
    "totals": _TOTALS,
    "border": _BORDER,
    "feasible_resolution": _FEASIBLE_RESOLUTION,
    "larger_input": _LARGER_INPUT,
    "left_out": _LEFT_OUT,
    "layer": _LAYER,
    "finding": _FINDING,
    "suppressed_finding": _SUPPRESSED_FINDING,
    "exceeded_limit": _EXCEEDED_LIMIT,
    "repair": _REPAIR,
    "figures": _FIGURES,
    "source": _SOURCE,
    "error": _ERROR,
    "baseline": _BASELINE,
    "fixed_finding": _FIXED_FINDING,
}
