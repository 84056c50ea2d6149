"""Another revision of the user's code, in a temporary folder beside the working tree.

It is a worktree of the same repository: nothing is switched, and nothing that is not committed is
touched. It is gone when the block ends, however it ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rflint.errors import RflintError
from rflint.usercode.git_repository import GitRepository, run_git
from rflint.usercode.interrupts import interrupts_held

_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
"""A hook of the user's that runs after a checkout is not meant for this one."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder with one revision, which stands for the working tree."""

    top: Path
    stands_for: Path
    """The folder of the working tree."""

    def of(self, path: Path) -> Path:
        """What a path of the working tree is in this checkout; others are what they are."""
        return _rebased(path, self.stands_for, self.top)

    def back(self, path: Path) -> Path:
        """What a path of this checkout is in the working tree; others are what they are."""
        return _rebased(path, self.top, self.stands_for)

    def told(self, text: str) -> str:
        """A text in which files of the checkout are named as those of the working tree."""
        return text.replace(str(self.top), str(self.stands_for))


def _rebased(path: Path, old: Path, new: Path) -> Path:
    full = path.resolve()
    return new / full.relative_to(old) if full == old or old in full.parents else path


@contextmanager
def checked_out(repository: GitRepository, commit: str) -> Iterator[Checkout]:
    """A checkout of a commit, for as long as the block lasts."""
    folder: Path | None = None
    try:
        with interrupts_held():
            folder = Path(tempfile.mkdtemp(prefix="rflint-diff-")).resolve()
            # the name of the folder can be that of a package
            top = folder / repository.top.name
            _add(repository, top, commit)
        yield Checkout(top, repository.top)
    finally:
        with interrupts_held():
            if folder is not None:
                _remove(repository, folder)


def _add(repository: GitRepository, top: Path, commit: str) -> None:
    arguments = ("worktree", "add", "--detach", "--force", str(top), commit)
    status, _, why = run_git(repository.top, *_NO_HOOKS, *arguments)
    if status != 0:
        raise RflintError(f"git cannot check out {commit[:12]}: {why.splitlines()[-1:] or why}")


def _remove(repository: GitRepository, folder: Path) -> None:
    """Remove the folder, and what the repository knows of it."""
    for top in folder.iterdir():
        run_git(repository.top, "worktree", "remove", "--force", "--force", str(top))
    shutil.rmtree(folder, ignore_errors=True)
