"""The git repository that a folder lies in: its revisions, by what they are called."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from rflint.errors import UsageError
from rflint.text.suggest import did_you_mean, similar

_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
"""What git tells its hooks: it would lead commands for another checkout to this one's index."""
_REFUSED = "fatal: "


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A repository with a working tree."""

    top: Path
    """The folder of the working tree, without links."""

    @classmethod
    def around(cls, folder: Path) -> GitRepository:
        """The repository of a folder. Raises UsageError if there is none."""
        status, top, why = run_git(folder, "rev-parse", "--show-toplevel")
        if status == 0 and top:
            return cls(Path(top).resolve())
        hint = "Without git, two targets or two saved reports can be compared."
        if "not a git repository" in why:
            raise UsageError(f"{folder} lies in no git repository", hint=hint)
        raise UsageError(f"git has no working tree for {folder}: {why or 'it is bare'}", hint=hint)

    def commit(self, revision: str) -> str:
        """The full name of the commit that a revision is. Raises UsageError if there is none."""
        wanted = f"{revision}^{{commit}}"
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
        status, found, _ = run_git(self.top, *asked)
        if status != 0 or not found:
            raise UsageError(
                f"there is no revision {revision!r} in this repository",
                hint=self._hint(revision),
            )
        return found

    def merge_base(self, one: str, other: str) -> str:
        """The commit at which two revisions parted. Raises UsageError if they have none."""
        commits = (self.commit(one), self.commit(other))
        status, found, _ = run_git(self.top, "merge-base", *commits)
        if status != 0 or not found:
            raise UsageError(
                f"{one} and {other} have no commit in common", hint=self._shallow_hint()
            )
        return found.split("\n")[0]

    def _hint(self, revision: str) -> str:
        if shallow := self._shallow_hint():
            return shallow
        _, listed, _ = run_git(self.top, "for-each-ref", "--format=%(refname:short)")
        names = listed.split("\n") if listed else []
        remote = [name for name in names if name.endswith(f"/{revision}")]
        return did_you_mean(remote or similar(revision, names)) or (
            "Branches, tags and commits of this repository can be compared: git log --oneline"
        )

    def _shallow_hint(self) -> str:
        """What to do about history that was not fetched; empty where all of it was."""
        _, shallow, _ = run_git(self.top, "rev-parse", "--is-shallow-repository")
        if shallow != "true":
            return ""
        return (
            "This clone is shallow, and has a part of the history only: git fetch --unshallow; "
            "in GitHub Actions, fetch-depth: 0 of actions/checkout."
        )


def is_revision(folder: Path, word: str) -> bool:
    """Whether a word names a commit of the repository around a folder; False without git."""
    if which("git") is None:
        return False
    wanted = f"{word}^{{commit}}"
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
    return run_git(folder, *asked)[0] == 0


def run_git(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """The status of a git command, what it prints, and what it complains of.

    It has a session of its own: a Ctrl-C does not end it halfway.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    # big files, whose content is elsewhere, are not needed to build a model
    environment |= {"GIT_LFS_SKIP_SMUDGE": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            check=False,
        )
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise
        raise UsageError(
            "git is not installed, or not on the search path",
            hint="Without git, two targets or two saved reports can be compared.",
        ) from error
    output, complaint = (os.fsdecode(x).rstrip("\r\n") for x in (done.stdout, done.stderr))
    return done.returncode, output, complaint.removeprefix(_REFUSED)
