"""[tool.rflint] of pyproject.toml, or rflint.toml: found, read, and laid under the command line.

What makes no sense is an error that names the file, the line, and the nearest name that there is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rflint.cli.lint import lint as command
from rflint.configuration.configuration import Configuration, ConfiguredModel
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.read import load_configuration
from rflint.configuration.toml import ConfigurationError
from rflint.inputs.notation import read_shapes
from rflint.linting.finding import Severity
from rflint.report.limit import read_limit
from tests.helpers.configurations import configured
from tests.helpers.forked import Forked
from tests.helpers.program import write

# -- found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder within a folder, where we are."""
    here = tmp_path / "outer" / "inner"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    return here


def path_found() -> Path | None:
    return load_configuration(None, isolated=False).path


def test_the_nearest_one_is_found(project: Path) -> None:
    outer = project.parent
    assert path_found() is None
    write(outer, {"pyproject.toml": "[tool.rflint]\n"})
    assert path_found() == outer / "pyproject.toml"
    write(outer, {"rflint.toml": ""})
    assert path_found() == outer / "rflint.toml"
    write(project, {"pyproject.toml": "[tool.ruff]\n[project]\nname = 'x'\n"})
    assert path_found() == outer / "rflint.toml"
    write(project, {"pyproject.toml": "[tool]\nrflint.res = 32\n"})
    assert path_found() == project / "pyproject.toml"


def test_paths_are_relative_to_it(project: Path) -> None:
    write(
        project.parent,
        {"pyproject.toml": "[tool.rflint]\nbaseline = 'ci/held.json'\nrules = ['rules']\n"},
    )
    found = load_configuration(None, isolated=False)
    assert found.root == project.parent
    assert found.baseline
    assert found.within(found.baseline) == project.parent / "ci" / "held.json"
    assert found.rule_paths == ("rules",)


def test_one_may_be_given_or_none_wanted(project: Path) -> None:
    write(project, {"pyproject.toml": "[tool.rflint]\nres = 32\n", "ci/strict.toml": "res = 64\n"})
    assert load_configuration(None, isolated=False).options.res == ((32,),)
    given = load_configuration(Path("ci/strict.toml"), isolated=False)
    assert (given.options.res, given.root) == (((64,),), project / "ci")
    assert load_configuration(None, isolated=True) == Configuration(project)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.toml", None, "cannot read .*gone.toml: No such file"),
        ("", None, "cannot read .*: Is a directory"),
        ("pyproject.toml", b"[tool.ruff]\n", r"pyproject.toml has no table \[tool.rflint\]"),
        ("rflint.toml", b"a = '\xff'\n", "cannot read .*rflint.toml: it is not UTF-8"),
        ("rflint.toml", b"res = 32\nres = 64\n", "rflint.toml:2: this is no TOML: Cannot overwr"),
        ("rflint.toml", b"\n\nselect = [\n", "rflint.toml:4: this is no TOML"),
    ],
)
def test_one_that_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=says):
        load_configuration(tmp_path / name, isolated=False)


# -- read


_A_MINUTE = 60.0
EVERYTHING = """
    res = [32, "64x48"]
    input = "1x3x32x32"
    layout = "BCHW"
    args = { classes = 10 }
    train = true
    tracer = "export"
    allow-unknown = ["roll"]
    select = ["RF1", "RF9"]
    extend-select = "RF101"
    ignore = ["RF902"]
    severity = { RF101 = "error" }
    max-unproductive = 0
    max-dead-weights = "5%"
    max-macs = "1.2G"
    max-params = 12_000_000
    fail-on = "error"
    format = ["text", "sarif:out.sarif"]
    output = "report.txt"
    baseline = "held.json"
    cache = false
    jobs = 4
    timeout = 60
    memory = "4G"
    pythonpath = ["lib", "src"]

    [rules]
    paths = ["my_rules"]
    [rules.RF101]
    pointwise = "ignore"

    [[models]]
    target = "net:small"
    name = "small"
    res = 8
    [models.args]
    depth = 18

    [[models]]
    target = "net.py:large"
    ignore = ["RF9"]
    severity.RF1 = "info"
    max-params = "1k"
"""


@pytest.mark.parametrize("name", ["rflint.toml", "pyproject.toml"])
def test_every_key(tmp_path: Path, name: str) -> None:
    text = EVERYTHING
    if name == "pyproject.toml":
        text = "    [tool.rflint]\n" + text.replace("[rules", "[tool.rflint.rules")
        text = text.replace("[models", "[tool.rflint.models")
    found = configured(tmp_path, text, name)
    assert found == Configuration(
        root=tmp_path,
        path=tmp_path / name,
        models=(
            ConfiguredModel("net:small", "small", ModelOptions(res=((8,),), args={"depth": 18})),
            ConfiguredModel(
                "net.py:large",
                options=ModelOptions(
                    ignore=("RF9",), severity={"RF1": Severity.INFO}, max_params=read_limit("1k")
                ),
            ),
        ),
        options=ModelOptions(
            res=((32,), (64, 48)),
            input=((1, 3, 32, 32),),
            layout=("BCHW",),
            args={"classes": 10},
            train=True,
            tracer="export",
            allow_unknown=("roll",),
            select=("RF1", "RF9"),
            extend_select=("RF101",),
            ignore=("RF902",),
            severity={"RF101": Severity.ERROR},
            max_unproductive=read_limit(0),
            max_dead_weights=read_limit("5%", share=True),
            max_macs=read_limit("1.2G"),
            max_params=read_limit(12_000_000),
        ),
        fail_on="error",
        format=("text", "sarif:out.sarif"),
        output="report.txt",
        baseline="held.json",
        cache=False,
        jobs=4,
        timeout=_A_MINUTE,
        memory=4 << 30,
        pythonpath=("lib", "src"),
        rule_paths=("my_rules",),
        rule_settings={"RF101": {"pointwise": "ignore"}},
        document=found.document,
    )


def test_keys_are_what_the_options_are_called(tmp_path: Path) -> None:
    """But for --arg, which is one of many, --no-cache, and options about a single run."""
    single = {
        "config",
        "isolated",
        "measured",
        "write-baseline",
        "statistics",
        "show-files",
        "when-changed",
    }
    single |= {"no-baseline", "list-targets", "watch", "quiet", "verbose", "debug", "version"}
    options = {x.opts[-1].removeprefix("--") for x in command.params if x.opts[0].startswith("-")}
    options = {{"arg": "args", "no-cache": "cache"}.get(x, x) for x in options - single}
    with pytest.raises(ConfigurationError) as raised:
        configured(tmp_path, "xyz = 1")
    known = set(raised.value.hint.removeprefix("Known are ").rstrip(".").split(", "))
    assert known - options == {"severity", "models", "rules", "pythonpath"}
    assert options <= known


def test_an_empty_one_says_nothing(tmp_path: Path) -> None:
    found = configured(tmp_path, "")
    assert replace(found, document=None) == Configuration(tmp_path, tmp_path / "rflint.toml")
    assert configured(tmp_path, "[tool.rflint]", "pyproject.toml").models == ()


def test_rules_are_paths_or_settings_or_both(tmp_path: Path) -> None:
    assert configured(tmp_path, "rules = ['a', 'b.py']").rule_paths == ("a", "b.py")
    settings = configured(tmp_path, "[rules.unproductive-layer]\npointwise = 'judge'")
    assert settings.rule_settings == {"unproductive-layer": {"pointwise": "judge"}}
    with pytest.raises(ConfigurationError) as raised:
        configured(tmp_path, "rules = ['a']\n[rules.RF101]\npointwise = 'ignore'\n")
    assert "rules.paths = [...]" in raised.value.hint
    with pytest.raises(ConfigurationError) as raised:
        configured(
            tmp_path,
            "[tool.rflint]\nrules = ['a']\nrules.RF101 = { pointwise = 'ignore' }\n",
            "pyproject.toml",
        )
    assert "rules.paths = [...]" in raised.value.hint


# -- what makes no sense


WRONG = {
    "an unknown key": ("res = 32\nselekt = ['RF1']", 2, "there is no key 'selekt'", "mean select?"),
    "an underscore": ("fail_on = 'error'", 1, "no key 'fail_on'", "Did you mean fail-on?"),
    "a capital": ("\nSELECT = []", 2, "no key 'SELECT'", "Did you mean select?"),
    "nothing like it": (
        "xyz = 1",
        1,
        "no key 'xyz'",
        "Known are allow-downloads, allow-training, allow",
    ),
    "another tool's way": ("[tool.rflint]\nres = 32", 1, "no key 'tool'", "keys stand at the top"),
    "a key of a model": (
        "[[models]]\ntarget = 'a:b'\n[[models]]\ntarget = 'c:d'\nrez = 3",
        5,
        "there is no key 'rez'",
        "Did you mean res?",
    ),
    "a key that models have not": (
        "[[models]]\ntarget = 'a:b'\nfail-on = 'error'",
        3,
        "there is no key 'fail-on'",
        "",
    ),
    "a table that is none": ("[selekt]\na = 1", 1, "no key 'selekt'", "Did you mean select?"),
    "a resolution": ("res = 'large'", 1, "res: 'large': sizes are positive whole numbers", ""),
    "no resolution": ("res = []", 1, "res: []: sizes are positive", ""),
    "a shape": ("input = '32'", 1, "input: '32': a shape is batch, channels", ""),
    "a flag": ("train = 'yes'", 1, "train: 'yes' should be true or false", ""),
    "a number of jobs": ("jobs = true", 1, "jobs: True should be a number of processes", ""),
    "no job": ("jobs = 0", 1, "jobs: 0 should be a number of processes, like 4", ""),
    "a time": ("timeout = '60'", 1, "timeout: '60' should be a number of seconds", ""),
    "an endless time": ("timeout = inf", 1, "timeout: inf should be a number of seconds", ""),
    "no time": ("timeout = 0", 1, "timeout: 0 should be a number of seconds, like 60", ""),
    "an amount of memory": ("memory = 'much'", 1, "memory: 'much' is no amount of memory", ""),
    "a number for a text": ("baseline = 3", 1, "baseline: 3 should be a text", ""),
    "an empty text": ("output = ''", 1, "output: '' should be a text", ""),
    "a number among texts": ("select = [\n  'RF1',\n  2,\n]", 1, "select: ['RF1', 2]: a list", ""),
    "arguments": ("args = 'a=1'", 1, "should be a table, like { classes = 10 }", ""),
    "a tracer": ("tracer = 'exprot'", 1, "one of auto, symbolic, export (did you mean", "'export'"),
    "a gate": ("fail-on = false", 1, "fail-on: False should be one of info, warning", ""),
    "a format": ("format = ['text', 'sarf:x']", 1, "did you mean 'sarif'?", ""),
    "a limit": ("max-macs = 1.2e9", 1, "max-macs: 1200000000.0: a limit is a number like 12M", ""),
    "a share of nothing": ("max-params = '5%'", 1, "this limit is an amount, not a share", ""),
    "a severity": (
        "[severity]\nRF1 = 'info'\nRF101 = 'eror'",
        3,
        "severity of RF101: 'eror' should be one of info, warning, error (did you mean 'error'?)",
        "",
    ),
    "one severity for all": (
        "severity = 'error'",
        1,
        'should be a table, like { RF101 = "error" }',
        "",
    ),
    "models": ("models = 'a:b'", 1, "write [[tool.rflint.models]] for each", ""),
    "one model": ("[models]\ntarget = 'a:b'", 1, "write [[tool.rflint.models]] for each", ""),
    "a model without target": ("\n[[models]]\nres = 3", 2, "a model needs a target", ""),
    "a target": ("[[models]]\nres = 3\ntarget = 'net'", 3, "'net' names no model", "net"),
    "rules": ("rules = 'mine.py'", 1, "a list of paths, or a table of settings by rule", ""),
    "paths of rules": ("rules = [1]", 1, "paths of rules are a list of texts", ""),
    "settings": ("[rules]\nRF101 = 'ignore'", 2, "a table: [tool.rflint.rules.RF101]", ""),
    "a code": ("res = 32\nselect = ['RF1', 'RF1011']", 2, "no rule 'RF1011'", "mean RF101?"),
    "a code to ignore": ("ignore = 'RF2'", 1, "no rule 'RF2'", "The rules: RF101"),
    "a rule's name": ("extend-select = 'unproductive-layers'", 1, "no rule", "unproductive-layer?"),
    "a code of a model": ("[[models]]\ntarget = 'a:b'\nselect = 'RF8'", 3, "no rule 'RF8'", ""),
    "a code that is graded": ("[severity]\n\nRF8 = 'info'", 3, "no rule 'RF8'", ""),
    "a rule that is set": ("[rules.RF1011]\na = 1", 1, "no rule 'RF1011'", "mean RF101?"),
    "an empty rule that is set": ("\n[rules.RF1011]", 2, "no rule 'RF1011'", "mean RF101?"),
    "a setting": (
        "[rules.RF101]\n\npointwize = 'ignore'",
        3,
        "RF101 has no setting 'pointwize'",
        "Did you mean pointwise?",
    ),
    "a setting's value": (
        "rules.RF101.pointwise = 'ignored'",
        1,
        "can be 'beside-others' or 'judge' or 'ignore' (did you mean 'ignore'?)",
        "",
    ),
    "behind a long text": ('output = """\nres = 1\n[x]\n"""\nselekt = 1', 5, "no key 'selekt'", ""),
    "behind a comment": ("select = [ # ]\n 'RF1' ]\n'trian' = true", 3, "no key 'trian'", "train?"),
    "behind what ends no line": ("# \u2028 \x85\nselekt = 1", 2, "no key 'selekt'", ""),
    "in a short table": ("\nmodels = [{target = 'a:b', rez = 1}]", 2, "no key 'rez'", "mean res?"),
}


@pytest.mark.parametrize(("text", "line", "says", "hint"), WRONG.values(), ids=WRONG)
def test_an_error_says_what_is_wrong_and_where(
    tmp_path: Path, text: str, line: int, says: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        configured(tmp_path, text)
    assert says in raised.value.message
    assert hint in raised.value.message + raised.value.hint
    place = raised.value.source
    assert place
    assert (Path(place.path).name, place.line) == ("rflint.toml", line)


def test_lines_in_a_pyproject(tmp_path: Path) -> None:
    text = """
        [project]
        select = 1

        [tool.rflint]
        res = 32

        [[tool.rflint.models]]
        target = "a:b"

        [tool.rflint.models.severity]
        RF8 = "info"
    """
    with pytest.raises(ConfigurationError, match="no rule 'RF8'") as raised:
        configured(tmp_path, text, "pyproject.toml")
    assert raised.value.source
    assert raised.value.source.line == 12
    with pytest.raises(ConfigurationError, match=r"tool.rflint should be a table") as raised:
        configured(tmp_path, "[tool]\nrflint = 3", "pyproject.toml")
    assert raised.value.source
    assert raised.value.source.line == 2


# -- as it is used


NET = """
from torch import nn

def deep():
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 9, padding=4), nn.ReLU()),
        nn.Conv2d(8, 8, 9, padding=4),
        nn.Conv2d(8, 8, 3, padding=1),
    )

def pointwise(width=8):
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, width, 31, padding=15), nn.ReLU()),
        nn.Conv2d(width, width, 1),  # rflint: ignore[RF101] at 64 it is of no use
    )
"""
PYPROJECT = """
[tool.rflint]
fail-on = "error"

[tool.rflint.rules.RF101]
pointwise = "judge"

[[tool.rflint.models]]
target = "nets.py:deep"
res = [16, 64]
severity = { RF101 = "error" }

[[tool.rflint.models]]
target = "nets.py:pointwise"
name = "mixer"
res = 16
max-params = "1k"
"""


def test_a_project_is_linted_as_it_says(forked: Forked, tmp_path: Path) -> None:
    root = tmp_path / "project"
    write(root, {"nets.py": NET, "pyproject.toml": PYPROJECT, "src/empty.py": ""})

    # from a folder below, without arguments
    ran = forked.rflint("--format", "json", cwd=root / "src")
    assert ran.status == 1
    assert [(x["name"], x["resolution"]) for x in ran.report["models"]] == [
        ("nets.py:deep", [16, 16]),
        ("nets.py:deep", [64, 64]),
        ("mixer", [16, 16]),
    ]
    deep, large, mixer = ran.report["models"]
    assert [(x["code"], x["severity"]) for x in deep["findings"]] == [("RF101", "error")]
    assert large["findings"] == mixer["findings"] == []
    assert [x["reason"] for x in mixer["suppressed"]] == ["at 64 it is of no use"]
    assert [x["limit"] for x in mixer["over_limits"]] == ["max-params"]

    # the command line goes before; what is over a limit fails whatever the gate
    passing = ("--fail-on", "never", "--max-params", "1M")
    assert forked.rflint(*passing, cwd=root).status == 0
    assert forked.rflint("--fail-on", "never", cwd=root).status == 1

    # one model, or one size, and the comment may have its use elsewhere
    for arguments in (("../nets.py:pointwise",), ("--res", "64"), ("--arg", "width=1")):
        ran = forked.rflint(*arguments, "--res", "64", "--format", "json", cwd=root / "src")
        assert [x for x in ran.report["models"][0]["findings"] if x["code"] == "RF900"] == []

    # without the file it has none
    ran = forked.rflint(
        "nets.py:pointwise", "--isolated", "--res", "64", "--format", "json", cwd=root
    )
    assert [x["code"] for x in ran.report["models"][0]["findings"]] == ["RF900"]

    # what makes no sense
    write(root, {"pyproject.toml": PYPROJECT.replace("max-params", "max-parms")})
    ran = forked.rflint(cwd=root / "src")
    assert (ran.status, ran.out) == (2, "")
    assert "pyproject.toml:17: there is no key 'max-parms'" in ran.err
    assert "Did you mean max-params?" in ran.err


def test_a_broken_model_leaves_comments_alone(forked: Forked, tmp_path: Path) -> None:
    """It may be the one that needs them."""
    root = tmp_path / "project"
    models = [f"[[models]]\ntarget = 'nets.py:{x}'\nres = 64\n" for x in ("pointwise", "broken")]
    broken = "\ndef broken():\n    return nn.Sequential(pointwise(), nn.Conv2d(1, 1, 1))\n"
    write(root, {"nets.py": NET + broken, "rflint.toml": "".join(models)})
    ran = forked.rflint("--format", "json", cwd=root)
    assert ran.status == 2
    assert [x["findings"] for x in ran.report["models"]] == [[]]


def test_axes_is_another_word_for_layout(tmp_path: Path) -> None:
    found = configured(tmp_path, "axes = 'btc'\n[[models]]\ntarget = 'a:b'\nlayout = ['BT', 'BC']")
    assert found.options.layout == ("BTC",)
    assert found.models[0].options.layout == ("BT", "BC")


def test_a_shape_with_a_layout_takes_the_place_of_a_layout_further_away() -> None:
    near = ModelOptions(input=read_shapes("1x8x3x9x9:BTCHW"))
    assert near.over(ModelOptions(layout=("BCDHW",))).layout is None
    assert ModelOptions(input=read_shapes("1x8x3x9x9")).over(
        ModelOptions(layout=("BTCHW",))
    ).layout == ("BTCHW",)
