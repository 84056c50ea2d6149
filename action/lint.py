"""What the step `Lint` of action.yml runs: rflint, with its reports where GitHub wants them.

Inputs come through the environment, as INPUT_NAME: what is written into a script is run by it.
GitHub looks for files below the workspace, rflint tells of files below the folder that it runs in.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

_RFLINT = """if True:
    import sys
    if sys.path[0] == "":
        del sys.path[0]  # as for an installed program
    from rflint.cli import main
    main()
"""


def main() -> int:
    """Run rflint, pass on what it reports, and return its status."""
    try:
        arguments = shlex.split(_given("ARGS"))
    except ValueError as error:
        _refuse(f"args cannot be split into words: {error}")
    workspace, here = Path(os.environ["GITHUB_WORKSPACE"]).resolve(), Path.cwd().resolve()
    prefix = f"{here.relative_to(workspace).as_posix()}/" if workspace in here.parents else ""
    with tempfile.TemporaryDirectory() as folder:
        files = _files(workspace, Path(folder))
        formats = [word for name, file in files.items() for word in ("--format", f"{name}:{file}")]
        status = _run(formats, arguments)
        compared, comment = _compared(arguments, Path(folder) / "diff.md")
        texts = {name: file.read_text("utf-8") for name, file in files.items() if file.exists()}
    for line in texts.get("github", "").splitlines():
        sys.stdout.buffer.write(f"{_command(line, prefix)}\n".encode())
    if "github" in files and "github" not in texts:
        print(f"::error title=rflint::no report, and status {status}: the log says why")
    if prefix and "sarif" in texts:
        log = json.dumps(_rebased(json.loads(texts["sarif"]), prefix), indent=2)
        files["sarif"].write_text(log, "utf-8")
    if compared is not None:
        # what was found before is in the report, and fails nothing; 2 is 2 on either side
        status = max(compared, status if status > 1 else 0)
    if comment:
        texts["markdown"] = f"{comment}\n{texts.get('markdown', '')}"
        if "markdown" in files:
            files["markdown"].write_text(texts["markdown"], "utf-8")
    if _switch("SUMMARY"):
        _append("GITHUB_STEP_SUMMARY", texts.get("markdown", ""))
    _append("GITHUB_OUTPUT", f"status={status}\n")
    return status


def _run(formats: Sequence[str], arguments: Sequence[str], *subcommand: str) -> int:
    """The status of rflint; what it is called with is told, but for where reports go."""
    print("rflint", *shlex.join([*subcommand, *arguments]).splitlines(), flush=True)
    command = [sys.executable, "-c", _RFLINT, *subcommand, *formats, *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


def _compared(arguments: Sequence[str], file: Path) -> tuple[int | None, str]:
    """The status of `rflint diff`, and its comment; None where there is nothing to compare with."""
    revision = _given("DIFF_AGAINST")
    if not revision:
        return None, ""
    if revision.startswith("-"):
        _refuse(f"diff-against is a revision, not {revision!r}")
    formats = ["--format", f"markdown:{file}"]
    status = _run(formats, [f"{revision}...", *arguments], "diff")
    return status, file.read_text("utf-8") if file.exists() else ""


def _files(workspace: Path, folder: Path) -> Mapping[str, Path]:
    """Where each format goes; there is nothing there yet."""
    paths = {"sarif": _given("SARIF"), "markdown": _given("MARKDOWN")}
    files = {name: workspace / path for name, path in paths.items() if path}
    if _switch("ANNOTATIONS"):
        files["github"] = folder / "commands"
    if _switch("SUMMARY"):
        files.setdefault("markdown", folder / "summary.md")
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
    return files


def _given(name: str) -> str:
    return os.environ[f"INPUT_{name}"].strip()


def _switch(name: str) -> bool:
    if _given(name).lower() not in ("true", "false"):
        _refuse(f"{name.lower()} is true or false, not {_given(name)!r}")
    return _given(name).lower() == "true"


def _refuse(message: str) -> NoReturn:
    print(f"rflint: error: {message}", file=sys.stderr)
    sys.exit(2)


def _append(variable: str, text: str) -> None:
    with open(os.environ[variable], "a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _command(line: str, prefix: str) -> str:
    """A workflow command with its path below the workspace."""
    escaped = "".join(f"%{ord(x):02X}" if x in "%:,\r\n" else x for x in prefix)
    relative = "^(::[a-z]+ file=)(?!/|[A-Za-z]%3A)"
    return re.sub(relative, lambda match: match[1] + escaped, line)


def _rebased(value: Any, prefix: str) -> Any:
    """A SARIF log with its places below the workspace."""
    if isinstance(value, dict):
        if value.get("uriBaseId") == "%SRCROOT%":
            value["uri"] = quote(prefix) + value["uri"]
        return {key: _rebased(x, prefix) for key, x in value.items()}
    return [_rebased(x, prefix) for x in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
