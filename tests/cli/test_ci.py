"""action.yml and docs/ci.md: valid, and run as a runner would run them.

A runner puts inputs where action.yml has `${{ inputs.NAME }}`, gives each script to bash, and tells
it where summaries and outputs go. pip is left out: the rflint that is run is this one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from rflint.configuration.toml import tomllib
from tests.helpers.program import PATIENCE, RFLINT, plain_environment, rflint, write
from tests.helpers.project import PROJECT
from tests.helpers.repository import Repository

ACTION: dict[str, Any] = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
INSTALL, LINT = STEPS
DOCUMENT = (PROJECT / "docs" / "ci.md").read_text(encoding="utf-8")
EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")

MODEL = """
from torch import nn

def build(width=8):
    return nn.Sequential(
        nn.Conv2d(3, int(width), 15, padding=7),
        nn.Conv2d(int(width), 8, 15, padding=7),
        nn.Conv2d(8, 8, 3, padding=1),
    )
"""
LINE = 8
"""Of the convolution that is unproductive at 16 px."""


def in_document() -> Iterator[tuple[str, str, str]]:
    """Language, file name and text of each fenced block; the name is in its first line."""
    for match in re.finditer(r"^```(\w+)\n(?:# (\S+)\n)?(.*?)^```$", DOCUMENT, re.M | re.S):
        yield match[1], match[2] or "", match[3]


FILES = {name: text for language, name, text in in_document() if language == "yaml"}


# -- the action


def test_the_action_says_what_a_runner_needs() -> None:
    """The part of GitHub's schema that a composite action without nested actions can break."""
    text = {"type": "string", "minLength": 1}
    keys = {"name": text, "id": text, "if": text, "working-directory": text, "run": text}
    keys |= {"shell": {"const": "bash"}, "env": {"additionalProperties": {"type": "string"}}}
    step = {"properties": keys, "required": ["run", "shell"], "additionalProperties": False}
    described = {"description": text, "default": {"type": "string"}}
    entry = {"properties": described, "required": [*described], "additionalProperties": False}
    output = {"description": text, "value": text}
    schema = {
        "properties": {
            "name": text,
            "description": text,
            "inputs": {"additionalProperties": entry},
            "outputs": {"additionalProperties": {"properties": output, "required": [*output]}},
            "runs": {
                "properties": {"using": {"const": "composite"}, "steps": {"items": step}},
                "required": ["using", "steps"],
                "additionalProperties": False,
            },
        },
        "required": ["name", "description", "runs"],
        "additionalProperties": False,
    }
    assert [error.message for error in Draft7Validator(schema).iter_errors(ACTION)] == []


def test_no_input_is_part_of_a_script() -> None:
    """Not in the action, nor in what the document tells people to write."""
    workflows = [yaml.safe_load(text) for name, text in FILES.items() if "workflows" in name]
    jobs = [job for workflow in workflows for job in workflow["jobs"].values()]
    steps = [step for job in jobs for step in job["steps"]]
    scripts = [step["run"] for step in (*STEPS, *steps) if "run" in step]
    assert len(scripts) > 5
    assert not any("${{" in script for script in scripts)


def test_every_input_is_used_and_in_the_document() -> None:
    used = {
        name
        for step in STEPS
        for text in (step.get("if", ""), step.get("working-directory", ""), *step["env"].values())
        for name in re.findall(r"inputs\.([\w-]+)", text)
    }
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) ?\| ", DOCUMENT, re.M))
    defaults = {name: entry["default"] for name, entry in ACTION["inputs"].items()}
    assert used == set(defaults)
    assert {name: shown.strip("`") for name, shown in rows.items()} == defaults


@dataclass(frozen=True)
class Done:
    status: int
    log: str
    outputs: str
    summary: str


def act(step: Mapping[str, Any], workspace: Path, **inputs: str) -> Done:
    """Run a step as a runner does, in a folder beside what is checked out."""
    given = {name: entry["default"] for name, entry in ACTION["inputs"].items()}
    given["python"] = sys.executable
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}

    def filled(text: str) -> str:
        return EXPRESSION.sub(lambda match: given[match[1].removeprefix("inputs.")], text)

    runner = workspace.parent / f"runner of {workspace.name}"
    action = workspace.parent / "rflint at v1"
    if not action.exists():
        action.symlink_to(PROJECT)
    write(runner, {"script.sh": step["run"], "output": "", "summary": "before\n"})
    environment = {
        **plain_environment(),
        **{name: filled(value) for name, value in step["env"].items()},
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_OUTPUT": str(runner / "output"),
        "GITHUB_STEP_SUMMARY": str(runner / "summary"),
        "GITHUB_ACTION_PATH": str(action),
    }
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]
    done = subprocess.run(
        [*bash, str(runner / "script.sh")],
        cwd=workspace / filled(step.get("working-directory", ".")),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Done(
        done.returncode,
        done.stdout,
        (runner / "output").read_text(encoding="utf-8"),
        (runner / "summary").read_text(encoding="utf-8"),
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """What is checked out; a folder of it has a name that needs quoting everywhere."""
    folder = tmp_path / "work space"
    write(folder, {"sub, 100% $HOME/model.py": MODEL, "model.py": MODEL})
    return folder


def test_findings_are_shown_where_they_are_and_the_step_fails(workspace: Path) -> None:
    done = act(
        LINT,
        workspace,
        args="model.py:build --res 16",
        working_directory="sub, 100% $HOME",
        sarif="reports of/rflint.sarif",
        markdown="rflint.md",
    )
    assert (done.status, done.outputs) == (1, "status=1\n"), done.log
    # the report is for people who read the log; commands follow, with paths below the workspace
    assert "RF101 unproductive-layer (1 warning, predicted)" in done.log
    shown = [line for line in done.log.splitlines() if line.startswith("::")]
    assert len(shown) == 1
    place = f"file=sub%2C 100%25 $HOME/model.py,line={LINE}"
    assert shown[0].startswith(f"::warning {place},title=RF101 unproductive-layer::2: ")

    log = json.loads((workspace / "reports of" / "rflint.sarif").read_text(encoding="utf-8"))
    (result,) = log["runs"][0]["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "sub%2C%20100%25%20%24HOME/model.py", "uriBaseId": "%SRCROOT%"}

    markdown = (workspace / "rflint.md").read_text(encoding="utf-8")
    assert markdown.startswith("## rflint\n")
    assert done.summary == f"before\n{markdown}"


def test_whatever_is_in_the_inputs_only_rflint_reads_it(workspace: Path) -> None:
    """Words come apart as in a shell; nothing in them is expanded, redirected or run."""
    hostile = "$(touch pwned) `touch pwned` ; touch pwned & echo > pwned | tee pwned ${IFS}"
    folder = f"a 'b' \"c\" {hostile}"
    write(workspace, {f"{folder}/model.py": MODEL})
    done = act(
        LINT,
        workspace,
        args=f"'model.py:build' --res \"16\"\n--arg 'width={hostile}' --isolated",
        working_directory=folder,
        sarif="$(touch pwned).sarif",
        annotations="false",
        summary="false",
    )
    assert done.status == 2, done.log
    assert f"invalid literal for int() with base 10: {hostile!r}" in done.log
    assert "\n::" not in done.log
    assert done.summary == "before\n"
    assert (workspace / "$(touch pwned).sarif").is_file()

    for inputs in ({"args": "--res '16"}, {"summary": "$(touch pwned)"}, {"python": hostile}):
        refused = act(LINT, workspace, **inputs)
        assert refused.status in (2, 127), refused.log
    assert not list(workspace.parent.rglob("pwned"))


def test_a_run_without_a_report_is_an_annotation_too(workspace: Path) -> None:
    """A module of the checkout that is named like one of Python's is not taken for it."""
    write(workspace, {"json.py": "raise SystemExit('shadowed')", "click.py": "1 / 0"})
    done = act(LINT, workspace, args="model.py:build --select NOSUCH", sarif="rflint.sarif")
    assert (done.status, done.outputs) == (2, "status=2\n"), done.log
    assert "rflint: error: no rule 'NOSUCH'" in done.log
    assert "::error title=rflint::no report, and status 2: the log says why" in done.log
    assert not (workspace / "rflint.sarif").exists()


@pytest.mark.parametrize("spec", ["", "rflint==0.1.0", "-r $(touch pwned)"])
def test_pip_is_asked_for_one_thing(workspace: Path, spec: str) -> None:
    """Which is no option of pip's, however it begins."""
    python = workspace / "a python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    done = act(INSTALL, workspace, spec=spec, python=str(python))
    assert done.status == 0, done.log
    assert done.log.splitlines()[:3] == ["-m", "pip", "install"]
    separator, asked = done.log.splitlines()[-2:]
    assert separator == "--"
    assert asked == (spec or str(workspace.parent / "rflint at v1"))
    assert not list(workspace.parent.rglob("pwned"))


# -- the document


def test_only_what_is_new_fails_where_something_is_compared_with(tmp_path: Path) -> None:
    """The report has everything, and what has changed comes first."""
    repository = Repository(tmp_path / "checkout")
    repository.commit(model=MODEL)
    repository.run("git", "branch", "before")
    write(repository.path, {"model.py": f"# a line more\n{MODEL}"})
    given = {"args": "model.py:build --res 16", "markdown": "out.md", "annotations": "false"}
    same = act(LINT, repository.path, diff_against="before", **given)
    assert (same.status, same.outputs) == (0, "status=0\n")
    comment = (repository.path / "out.md").read_text()
    assert comment.startswith("## rflint: what is different")
    assert "No difference." in comment
    assert "RF101" in comment, "the report comes behind it"
    assert comment in same.summary
    assert act(LINT, repository.path, diff_against="nowhere", **given).status == 2


def test_what_the_document_shows_can_be_parsed() -> None:
    names = []
    for language, name, text in in_document():
        names.append(name)
        if language == "toml":
            assert set(tomllib.loads(text)) == {"tool"}
        if language == "yaml":
            assert isinstance(yaml.safe_load(text), dict | list)
    assert {".gitlab-ci.yml", ".pre-commit-config.yaml", ".github/workflows/rflint.yml"} <= {*names}


def test_the_documents_workflows_use_the_action_as_it_is() -> None:
    uses = 0
    for name, text in FILES.items():
        if "workflows" not in name:
            continue
        workflow = yaml.safe_load(text)
        assert {"name", "jobs", "permissions"} <= set(workflow)
        assert "pull_request_target" not in str(workflow)
        for job in workflow["jobs"].values():
            assert "runs-on" in job
            for step in job["steps"]:
                assert ("uses" in step) != ("run" in step)
                if step.get("uses", "").partition("@")[0] == "OWNER/rflint":
                    uses += 1
                    assert set(step.get("with", {})) <= set(ACTION["inputs"])
                    assert all(isinstance(x, str) for x in step.get("with", {}).values())
    assert uses == len([name for name in FILES if "workflows" in name])


def test_the_comment_is_made_from_the_report(tmp_path: Path) -> None:
    workflow = yaml.safe_load(FILES[".github/workflows/comment.yml"])
    *_, report, comment = workflow["jobs"]["rflint"]["steps"]
    assert report["with"]["markdown"] in comment["if"]
    gh = tmp_path / "bin" / "gh"
    write(tmp_path, {"bin/gh": '#!/bin/sh\nprintf "%s\\n" "$@"\n'})
    gh.chmod(0o755)
    path = f"{gh.parent}:{plain_environment()['PATH']}"
    environment = {**plain_environment(), "PATH": path, "PULL_REQUEST": "https://a/b $(x)"}
    done = subprocess.run(
        ["bash", "-e", "-c", comment["run"]], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[:4] == ["pr", "comment", "https://a/b $(x)", "--body-file"]
    assert done.stdout.splitlines()[4] == report["with"]["markdown"]


def test_the_hooks_of_the_document_are_there() -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (repo,) = yaml.safe_load(FILES[".pre-commit-config.yaml"])["repos"]
    assert {hook["id"] for hook in repo["hooks"]} <= {hook["id"] for hook in hooks}
    assert {hook["id"] for hook in hooks} <= set(re.findall(r"`([\w-]+)`", DOCUMENT)) | {"rflint"}


def test_the_gitlab_job_runs(tmp_path: Path) -> None:
    """Its script, with a pip that installs nothing; reports are where the job says."""
    job = yaml.safe_load(FILES[".gitlab-ci.yml"])["rflint"]
    assert set(job) == {"image", "script", "artifacts"}
    assert job["artifacts"]["when"] == "always"
    configuration = 'res = 16\n[[models]]\ntarget = "model.py:build"\n'
    write(tmp_path, {"model.py": MODEL, "rflint.toml": configuration, "bin/pip": "#!/bin/sh\n"})
    (tmp_path / "bin" / "pip").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{Path(RFLINT).parent}:{plain_environment()['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
        cwd=tmp_path,
        env={**plain_environment(), "PATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "RF101" in done.stdout
    reports = job["artifacts"]["reports"]
    (entry,) = json.loads((tmp_path / reports["codequality"]).read_text(encoding="utf-8"))
    assert entry["location"]["lines"]["begin"] == LINE
    assert "<testsuite " in (tmp_path / reports["junit"]).read_text(encoding="utf-8")


def test_limits_and_baseline_work_as_the_document_says(tmp_path: Path) -> None:
    """In one run each: the limits of the command line, then those of the configuration."""
    (line,) = [x for _, _, x in in_document() if x.startswith("rflint mymodel:build")]
    write(tmp_path, {"mymodel.py": MODEL.replace("def build(width=8)", "def build(width=800)")})
    done = rflint(*line.split()[1:], "-q", cwd=tmp_path)
    assert re.findall(r" (max-[\w-]+) ", done.out) == ["max-macs"], done.out + done.err
    assert done.status == 1
    (tables,) = [x for lang, _, x in in_document() if lang == "toml" and "max-params" in x]
    assert set(tomllib.loads(tables)["tool"]["rflint"]) == {
        word.removeprefix("--") for word in line.split() if word.startswith("--max")
    }

    models = 'res = 32\n\n[[tool.rflint.models]]\ntarget = "mymodel:build"\n'
    write(tmp_path, {"pyproject.toml": tables + models})
    lines = [x for _, _, x in in_document() if x.startswith("rflint --write-baseline")]
    write_it, use_it = (x.partition("#")[0].split()[1:] for x in lines[0].splitlines())
    rflint(*write_it, "-q", "--res", "16", cwd=tmp_path)
    assert (tmp_path / use_it[-1]).is_file()
    held = rflint(*use_it, "-q", "--res", "16", cwd=tmp_path)
    assert "RF101" not in held.out
    assert "max-unproductive" in held.out
    assert held.status == 1
