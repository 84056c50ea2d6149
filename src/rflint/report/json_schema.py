"""The schema of JSON reports: every field, what it says, and which values it may have.

`rflint schema` prints it, and docs/report.md is made from it. What a program reads today it can
read from every later report of the same schema version: fields are added, never renamed or removed,
and lists of known values (kinds of layers, say) grow. So the published schema asks for the fields
that this version writes, and lets others pass. `strict` lets nothing pass: the tests hold all their
reports against that.
"""

from __future__ import annotations

from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.roles import Role
from rflint.graph.layer import Kind
from rflint.linting.finding import Evidence, Severity
from rflint.repair.registry import NAMES as REPAIRS
from rflint.report.schema import SCHEMA_VERSION, JsonObject
from rflint.report.schema_language import (
    COUNT,
    DIALECT,
    NAME,
    TEXT,
    TRUTH,
    a,
    an_object,
    closed,
    field,
    list_of,
    one_of,
    or_null,
    such_as,
)

ERRORS = (
    "build",
    "configuration",
    "crash",
    "data",
    "download",
    "error",
    "import",
    "input",
    "internal",
    "measurement",
    "memory",
    "repair",
    "rule",
    "timeout",
    "trace",
    "training",
    "usage",
    "weights",
)
"""The kinds of RflintError."""

TRACERS = ("symbolic", "export")
LIMITS = ("max-unproductive", "max-dead-weights", "max-macs", "max-params")

_FROM_ONE: JsonObject = {"type": "integer", "minimum": 1}
_LENGTH: JsonObject = {"type": ["number", "null"], "minimum": 0}
_SHARE: JsonObject = {"type": "number", "minimum": 0, "maximum": 1}
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


_REPORT = an_object(
    "What `rflint --format json` prints and `rflint.lint(...).to_dict()` returns.",
    schema_version=field(
        "The version of this schema, which changes when a field is renamed, removed or given "
        "another meaning.",
        {"const": SCHEMA_VERSION},
    ),
    rflint=field("The version of rflint that wrote the report.", NAME),
    models=field(
        "One entry for each model at each resolution, in the order in which they were linted.",
        list_of(a("model")),
    ),
    errors=field(
        "One entry for each target that could not be linted, and for each rule that failed.",
        list_of(a("error")),
    ),
    baseline=field(
        "What the baseline did in this run, or null where there is none.",
        or_null(a("baseline")),
    ),
)

_MODEL = an_object(
    "A model at one resolution.",
    target=field("What was linted, as it was named: `mymodel:build`.", NAME),
    name=field("The model's name in the configuration, or else its target.", NAME),
    inputs=field(
        "For each input of the model its shape: numbers of elements per dimension, with the batch; "
        "that of a number is empty.",
        list_of(list_of(COUNT)),
    ),
    inputs_layout=field(
        "For each input what lies along its dimensions, one letter for each: B batch, C channels, "
        "T time or frames, D depth, H height, W width; that of a number is empty.",
        list_of(_LAYOUT),
    ),
    resolution=field(
        "The size of the input along each of its spatial axes, in pixels: of several inputs, that "
        "of the one that layers are compared with unless they see another; empty where it has no "
        "axes.",
        list_of(_FROM_ONE),
    ),
    tracer=field(
        "How the model was recorded: `symbolic` by running its Python code without data, `export` "
        "by torch.export; an architecture that did not come from torch may name what it came from.",
        such_as(TRACERS),
    ),
    complete=field(
        "Whether the model was followed to its end, every operator that matters was known, and "
        "its convolutions could be judged.",
        TRUTH,
    ),
    left_out=field(
        "Where the analysis ends before the model does, or null where it does not.",
        or_null(a("left_out")),
    ),
    assumed=field(
        "The lines that assert something about the data, each of which was taken to hold.",
        list_of(a("source")),
    ),
    totals=field("Sums over the model.", a("totals")),
    border=field("The first convolutions that see more than there is.", a("border")),
    feasible_resolution=field(
        "The sizes of the input that its receptive fields ask for.", a("feasible_resolution")
    ),
    larger_input=field(
        "The smallest larger input at which the model was seen to run and no convolution is "
        "unproductive, or null where none is needed, or none was found that would do.",
        or_null(a("larger_input")),
    ),
    layers=field(
        "All layers but the inputs, in execution order; a module that is called twice is there "
        "twice.",
        list_of(a("layer")),
    ),
    findings=field(
        "What rules found, without what a comment suppresses or the baseline holds.",
        list_of(a("finding")),
    ),
    suppressed=field(
        "The findings that a comment in the source suppresses.", list_of(a("suppressed_finding"))
    ),
    accepted=field("The findings that the baseline holds.", list_of(a("finding"))),
    over_limits=field(
        "The limits on the model's size that it exceeds, each of which fails the run.",
        list_of(a("exceeded_limit")),
    ),
    repairs=field(
        "Changes that would help, each of which was applied to a copy of the model and checked.",
        list_of(a("repair")),
    ),
    not_offered=field(
        "Sentences that say which kinds of repairs are not offered, and why.", list_of(NAME)
    ),
    measured=field(
        "What a trained model showed on data, where `rflint measure` ran it.",
        or_null(a("measured")),
    ),
    train_size=field(
        "What is different at the size that the model is trained at (`train-res`), or null where "
        "none was given, or it is the same.",
        or_null(a("train_size")),
    ),
)

_TRAIN_SIZE = an_object(
    "A model at the size that it is trained at, compared with the size of this entry.",
    resolution=field("The size of the input that it is trained at.", list_of(_FROM_ONE)),
    last_map=field(
        "What the last convolution that is judged makes at both sizes, or null where there is no "
        "convolution.",
        or_null(a("last_map")),
    ),
    grids=field(
        "The strided convolutions and poolings that leave another rest at the end of their map.",
        list_of(a("grid")),
    ),
    same_grids=field("The number of those that leave the same rest at both sizes.", COUNT),
    poolings=field(
        "The adaptive poolings to several positions that read or make maps of another size.",
        list_of(a("adaptive_pooling")),
    ),
    layers_only_trained=field(
        "Layers that run at the size of training only, as people are told of them.", list_of(NAME)
    ),
    layers_only_here=field("Layers that do not run there.", list_of(NAME)),
    findings=field(
        "What rules find at the size of training and not here, without what a comment suppresses; "
        "it does not count for the exit status.",
        list_of(a("finding")),
    ),
    not_there=field(
        "What rules find here, and not there, without what a comment suppresses.",
        list_of(a("finding")),
    ),
)

_LAST_MAP = an_object(
    "The last map of a model at two sizes of the input.",
    layer=field("The layer that makes it, as people are told of it.", NAME),
    trained=field("Its positions per axis at the size of training.", list_of(COUNT)),
    here=field("Its positions per axis at the size of this entry.", list_of(COUNT)),
    sees_trained=field(
        "Per axis, the largest receptive field in it at the size of training; null: unbounded.",
        list_of(_LENGTH),
    ),
    sees_here=field("The same at the size of this entry.", list_of(_LENGTH)),
)

_GRID = an_object(
    "What a strided layer leaves at the end of its map, per axis: (i + padding - kernel) mod "
    "stride.",
    layer=field("The layer, as people are told of it.", NAME),
    trained=field("The rest at the size of training.", list_of(COUNT)),
    here=field("The rest at the size of this entry.", list_of(COUNT)),
)

_ADAPTIVE_POOLING = an_object(
    "An adaptive pooling at two sizes of the input.",
    layer=field("The layer, as people are told of it.", NAME),
    trained=field("Its maps at the size of training.", a("pooled_maps")),
    here=field("Its maps at the size of this entry.", a("pooled_maps")),
)

_POOLED_MAPS = an_object(
    "The sizes of the maps of a pooling.",
    reads=field("That of the map that it reads, per axis.", list_of(COUNT)),
    makes=field("That of the map that it makes.", list_of(COUNT)),
)

_MEASURED = an_object(
    "What was measured of a trained model.",
    samples=field("The number of samples that saturation and probes come from.", COUNT),
    test_samples=field("The number of samples that accuracies are told on.", COUNT),
    classes=field("The number of classes.", COUNT),
    accuracy=field(
        "The model's own accuracy on the test samples, or null where its output is no score for "
        "each class.",
        or_null(_SHARE),
    ),
    commonest=field(
        "The share of the commonest class among the test samples, which is the accuracy of "
        "guessing, or null where a file of an earlier version was read.",
        or_null(_SHARE),
    ),
    delta=field("The share of the variance that saturation explains.", _SHARE),
    weights=field(
        "Where the weights come from, or null for a model as it was built.", or_null(TEXT)
    ),
    data=field("Where the data comes from, and what was done to it.", TEXT),
    complete=field("Whether all of it was measured, and not interrupted.", TRUTH),
    notes=field("Sentences that say what was not measured, and why.", list_of(TEXT)),
    tail=field(
        "The names of the layers of the tail pattern: the longest run of at least two "
        "convolutions whose saturation is below half of the average of all others.",
        list_of(NAME),
    ),
    layers=field(
        "The layers that were measured, in execution order.", list_of(a("measured_layer"))
    ),
)

_MEASURED_LAYER = an_object(
    "What was measured at one call of a layer.",
    name=field("The path of its module.", NAME),
    call=field("Which call of the module this is, counted from 0.", COUNT),
    trunk=field("Whether it is a convolution that carries features.", TRUTH),
    s=field(
        "Its saturation: the share of eigendirections of its output that explain `delta` of the "
        "variance, or null where it was never called.",
        or_null(_SHARE),
    ),
    p=field(
        "The accuracy of a logistic regression on its output, pooled to 4 by 4 positions at most, "
        "on the test samples; null where none was fitted.",
        or_null(_SHARE),
    ),
    p_stderr=field("The standard error of that accuracy.", or_null(_SHARE)),
    erf=field(
        "How far the input positions that the middle of its output depends on spread, by squared "
        "gradients, as a standard deviation in input pixels per axis; null where it was not "
        "measured.",
        {"type": ["array", "null"], "items": {"type": "number", "minimum": 0}},
    ),
    erf_areas=field(
        "How much of the input the smallest centred squares take that hold some shares of the "
        "contribution.",
        list_of(a("measured_area")),
    ),
    erf_map=field(
        "Where in the input the contributions come from; null where it was not measured, where "
        "nothing contributes, and where a file of an earlier version was read.",
        or_null(a("measured_map")),
    ),
)

_MEASURED_AREA = an_object(
    "A share of what the input contributes to the middle of a layer's output.",
    share=field("The share.", _SHARE),
    area=field("The part of the input that the smallest centred square takes.", _SHARE),
    area_of_log10=field(
        "The same where log10(x + 1) of every contribution x is summed up.", _SHARE
    ),
)

_MEASURED_MAP = an_object(
    "What the input contributes to the middle of a layer's output, as a map along its last two "
    "axes, or along its only one; of an input with three axes, in the plane in the middle of the "
    "first.",
    block=field(
        "Per axis, the number of positions of the input that one number is the mean of; the last "
        "one may have fewer.",
        list_of(_FROM_ONE),
    ),
    size=field("Per axis, the number of positions of the input.", list_of(_FROM_ONE)),
    centre=field(
        "Per axis, over which point of the input the middle of the output lies, where position i "
        "of the input reaches from i to i + 1.",
        list_of({"type": "number"}),
    ),
    rows=field(
        "The contributions as parts of the largest one, in rows from the top; a series is one row.",
        list_of(list_of(_SHARE)),
    ),
)

_LEFT_OUT = an_object(
    "The place where the analysis ends, since what follows depends on data.",
    reason=field("Why it could not go on.", NAME),
    module=field(
        "The path of the module in whose forward that is, or an empty text for the model itself.",
        TEXT,
    ),
    source=field("The line at which it ends, or null if unknown.", or_null(a("source"))),
)

_TOTALS = an_object(
    "Sums over a model.",
    params=field("The number of scalars in all its parameters, used or not.", COUNT),
    macs=field(
        "The multiply-accumulates of one forward pass with a batch of one: half of the floating "
        "point operations.",
        COUNT,
    ),
    layers=field("The number of entries in `layers`.", COUNT),
    convs=field("The number of convolutions that were judged.", COUNT),
    unproductive=field("The number of those that are unproductive.", COUNT),
    unproductive_params=field(
        "The number of scalars in parameters that only unproductive convolutions use.", COUNT
    ),
    unproductive_macs=field(
        "The multiply-accumulates of unproductive convolutions, with a batch of one.", COUNT
    ),
    dead_weights=field(
        "The number of weights in kernels that cannot have any effect at this input size.", COUNT
    ),
    from_border=field(
        "The number of convolutions that were judged and are unproductive or depend on one that "
        "is.",
        COUNT,
    ),
    from_border_params=field(
        "The number of scalars in parameters that only those convolutions use.", COUNT
    ),
    from_border_macs=field(
        "The multiply-accumulates of those convolutions, with a batch of one.", COUNT
    ),
)

_BORDER = an_object(
    "The names of two layers, for the smallest and the largest receptive fields.",
    min=field(
        "The first convolution that is unproductive, judged by the smallest receptive field of "
        "what it reads, or null where none is.",
        or_null(NAME),
    ),
    max=field(
        "The same by the largest receptive field; for information, since `min` is the one that "
        "predicts.",
        or_null(NAME),
    ),
)

_FEASIBLE_RESOLUTION = an_object(
    "The sizes of the input that the receptive fields of a model ask for, as they are at the size "
    "that was linted. Reports in words call them what receptive fields ask for at least, and what "
    "the widest spans. Whether the model runs at these sizes is another question: `larger_input` "
    "is a size at which it was seen to.",
    min=field(
        "The smallest input at which these leave no convolution unproductive, in positions per "
        "axis (pixels, of images).",
        list_of(_FROM_ONE),
    ),
    max=field(
        "What the widest receptive field of a convolution spans, so that no convolution sees all "
        "of a larger input at once (which is no defect unless the task needs it: RF104 finds it "
        "on request), or null where it is the whole input.",
        or_null(list_of({"type": ["integer", "null"], "minimum": 1})),
    ),
)

_LARGER_INPUT = an_object(
    "An input at which no convolution is unproductive, and what it costs.",
    resolution=field("Its size in positions per axis.", list_of(_FROM_ONE)),
    macs=field("The multiply-accumulates of the model on that input, with a batch of one.", COUNT),
)

_LAYER = an_object(
    "One operation of the model. Lists of lengths have an entry for each spatial axis of the "
    "input; null means unbounded: it sees everything there is.",
    name=field(
        "The path of its module, or for a function that is called its name in the recorded graph.",
        NAME,
    ),
    call=field("Which call of the module this is, counted from 0.", COUNT),
    kind=field(
        "What it does; `measured` layers are of an operator that rflint does not know and has "
        "measured, `taught` ones of an operator that the user has described, `unknown` ones could "
        "not be measured.",
        such_as(kind.value for kind in Kind if kind is not Kind.INPUT),
    ),
    op=field("The module's class or the function's name, as the code spells it.", NAME),
    role=field(
        "What it is for: `trunk` carries features, `attention` only weights them, and `head` reads "
        "nothing but what has seen the whole input.",
        one_of(Role),
    ),
    kernel=field("The size of its window, in positions of what it reads.", list_of(_LENGTH)),
    stride=field(
        "The step of its window, in positions of what it reads; a fraction where it makes more "
        "positions than it reads.",
        list_of(_LENGTH),
    ),
    dilation=field(
        "The distance between neighbouring taps of its window, in positions of what it reads.",
        list_of(_FROM_ONE),
    ),
    padding=field(
        "The positions that it adds in front, or null where sizes decide.",
        list_of({"type": ["integer", "null"]}),
    ),
    in_shape=field(
        "The shape of its first input: numbers of elements per dimension, with the batch.",
        list_of(COUNT),
    ),
    out_shape=field(
        "The shape of its output: numbers of elements per dimension, with the batch.",
        list_of(COUNT),
    ),
    r_in_min=field(
        "The smallest receptive field of what it reads, over all paths, in input pixels.",
        list_of(_LENGTH),
    ),
    r_in_max=field(
        "The largest receptive field of what it reads, over all paths, in input pixels.",
        list_of(_LENGTH),
    ),
    r_out_min=field(
        "The smallest receptive field of its output, over all paths, in input pixels.",
        list_of(_LENGTH),
    ),
    r_out_max=field(
        "The largest receptive field of its output, over all paths, in input pixels.",
        list_of(_LENGTH),
    ),
    jump=field(
        "How far apart neighbouring positions of its output are, in input pixels: the product of "
        "the strides so far.",
        list_of(_LENGTH),
    ),
    erf=field(
        "How far the input positions that one of its outputs is made of spread at initialisation, "
        "as a standard deviation in input pixels; null means unbounded or unknown.",
        list_of(_LENGTH),
    ),
    params=field(
        "The number of scalars in its own parameters, counted with the first call only.", COUNT
    ),
    macs=field("Its multiply-accumulates, with a batch of one.", COUNT),
    dead_weights=field(
        "The number of weights in its kernel that cannot have any effect at this input size, "
        "counted with the first call only.",
        COUNT,
    ),
    verdict=field(
        "What a convolution can do at this input size: `unproductive` if `r_in_min` exceeds the "
        "input on every axis, `partial` if on some, `critical` if on none while `r_out_min` does "
        "on every axis, else `productive`; `not judged` are all other layers, convolutions in "
        "attention gates and heads, and those of which too little is known.",
        one_of(Verdict),
    ),
    unjudged_because=field(
        "Of a convolution that is not judged: why its receptive field says nothing of it.",
        or_null(TEXT),
    ),
    source=field(
        "The line of the user's code to edit, or null where no line of it built or called the "
        "layer.",
        or_null(a("source")),
    ),
)

_FINDING = an_object(
    "Something that a rule found.",
    code=field("The code of the rule: `rflint rule CODE` explains it.", _CODE),
    name=field("The name of the rule.", NAME),
    severity=field(
        "How bad it is, as the rule or the configuration says; `--fail-on` decides from which on a "
        "run fails.",
        one_of(Severity),
    ),
    evidence=field(
        "What it rests on: `proved` findings hold for any weights and data, `predicted` ones are "
        "what theory and experiments say, and null stands where the rule does not tell.",
        one_of(Evidence, None),
    ),
    layer=field(
        "The name of the layer, module or file that it is about, or an empty text for the model.",
        TEXT,
    ),
    call=field("Which call of the layer it is about, counted from 0.", COUNT),
    message=field("What was found, in a sentence with the numbers.", NAME),
    source=field(
        "The line of the user's code to edit, or null where none is known.", or_null(a("source"))
    ),
)

_SUPPRESSED_FINDING = an_object(
    "A finding that a comment suppresses.",
    **_FINDING["properties"],
    reason=field("What the comment gives as the reason, or an empty text.", TEXT),
    suppressed_at=field("The line of the comment.", a("source")),
)

_EXCEEDED_LIMIT = an_object(
    "A limit that a model exceeds.",
    limit=field("The option that sets it, without the dashes in front.", such_as(LIMITS)),
    message=field("What the model has, and what is allowed, in a sentence.", NAME),
    source=field(
        "The line that defines the model, or null where none is known.", or_null(a("source"))
    ),
)

_REPAIR = an_object(
    "A change of the model, with what it was found to do to a copy of it.",
    kind=field("What kind of change it is.", such_as(REPAIRS)),
    title=field("What it changes, in a few words.", NAME),
    words=field("What speaks for it, in a sentence.", NAME),
    edits=field(
        "The change as statements of plain PyTorch about a model `m`, in the order in which they "
        "are to be made.",
        {**list_of(NAME), "minItems": 1},
    ),
    edit_sources=field(
        "Of every statement, the line of the user's code that built the module that it changes; "
        "null where that is not known.",
        list_of(or_null(a("source"))),
    ),
    before=field("The model as it is.", a("figures")),
    after=field("The copy that was changed.", a("figures")),
    verified=field("Whether the changed copy was analysed, and found to be as forecast.", TRUTH),
)

_FIGURES = an_object(
    "What a repair is judged by.",
    params=field("The number of scalars in all parameters of the model.", COUNT),
    macs=field("The multiply-accumulates of one forward pass with a batch of one.", COUNT),
    unproductive=field("The number of unproductive convolutions.", COUNT),
)

_SOURCE = an_object(
    "A line of a source file.",
    path=field(
        "The file, relative to the current directory if it lies below it, else absolute.", NAME
    ),
    line=field("The number of the line, counted from 1.", _FROM_ONE),
)

_ERROR = an_object(
    "Something that could not be linted; the run ends with exit status 2.",
    target=field("The target as it was named, or what else failed: a rule, a file.", NAME),
    kind=field(
        "What went wrong: `import` and `build` are exceptions of the user's code, `training` and "
        "`download` say that it did so while it was loaded and was stopped, `input` that the model "
        "does not run on this input, `trace` that its forward cannot be followed; `internal` is a "
        "bug in rflint.",
        such_as(ERRORS),
    ),
    message=field("What failed, where, and on further lines what to do about it.", NAME),
)

_BASELINE = an_object(
    "What a baseline did in a run.",
    path=field(
        "The file, relative to the current directory if it lies below it, else absolute.", NAME
    ),
    accepted=field("The number of findings in this run that it holds.", COUNT),
    fixed=field(
        "The findings that it holds and that the models do not have any more.",
        list_of(a("fixed_finding")),
    ),
)

_FIXED_FINDING = an_object(
    "A finding of the baseline that is gone.",
    model=field("The name of the model that had it.", NAME),
    code=field("The code of the rule.", _CODE),
    layer=field("The name of the layer, module or file that it was about.", TEXT),
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
    "measured": _MEASURED,
    "train_size": _TRAIN_SIZE,
    "last_map": _LAST_MAP,
    "grid": _GRID,
    "adaptive_pooling": _ADAPTIVE_POOLING,
    "pooled_maps": _POOLED_MAPS,
    "measured_layer": _MEASURED_LAYER,
    "measured_area": _MEASURED_AREA,
    "measured_map": _MEASURED_MAP,
    "source": _SOURCE,
    "error": _ERROR,
    "baseline": _BASELINE,
    "fixed_finding": _FIXED_FINDING,
}
