"""The program in processes that have torch already: what importing it costs is paid once.

A server imports torch and rflint and forks for every run, so that each run still is a process of
its own, with nothing of the user's imported.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from tests.helpers.ran import Ran, plain_environment

_SERVER = """
import json, os, sys, traceback

def run(order):
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the orders are not for them
    for fd, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), fd)
    sys.path[0] = order["beside"]  # the folder of the script, as Python has it there
    sys.path[:0] = filter(None, order["environment"].get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = ["rflint", *order["arguments"]]
    from rflint.cli import main
    try:
        main()
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 70
    return 0

import rflint.usecases.model, rflint.cli, rflint.report.formats.json, rflint.report.formats.text
for line in sys.stdin:
    child = os.fork()
    if not child:
        status = run(json.loads(line))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forked:
    """Runs the program, much quicker than from a shell, after statements that all runs need."""

    def __init__(self, first: str = "") -> None:
        self.first = first

    def __enter__(self) -> Forked:
        self.folder = TemporaryDirectory()
        self.server = subprocess.Popen(
            [sys.executable, "-c", f"{self.first}\n{_SERVER}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=plain_environment(),
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.server.kill()
        self.server.wait()
        self.folder.cleanup()

    def rflint(self, *arguments: str, cwd: Path, **environment: str) -> Ran:
        """As `tests.helpers.program.rflint`."""
        out, err = (Path(self.folder.name) / name for name in ("out", "err"))
        order = {
            "beside": sysconfig.get_path("scripts"),
            "arguments": arguments,
            "cwd": str(cwd),
            "environment": plain_environment() | environment,
            "out": str(out),
            "err": str(err),
        }
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        status = int(self.server.stdout.readline())
        return Ran(status, out.read_text("utf-8"), err.read_text("utf-8"))
