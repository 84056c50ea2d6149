"""The garbage collector is one for all threads: it pauses while any of them wants it to."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from rflint.usecases.gc_pause import gc_paused
from rflint.usecases.targets import import_target
from rflint.usercode.loading import LoadingGuard
from rflint.usercode.permissions import NOTHING_UNUSUAL
from tests.helpers.program import write


def test_the_collector_goes_on_when_the_last_pause_has_ended() -> None:
    first, second = gc_paused(), gc_paused()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()


def test_after_an_error_it_goes_on() -> None:
    with pytest.raises(ValueError, match="no"), gc_paused():
        raise ValueError("no")
    assert gc.isenabled()


def test_who_has_switched_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_is_imported_for_somebody_else_leaves_their_garbage_to_the_collector(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"imported_for_somebody.py": "build = list"})
    before = gc.get_freeze_count()
    guard = LoadingGuard(NOTHING_UNUSUAL)
    assert import_target("imported_for_somebody.py:build", tmp_path, guard) is list
    assert gc.get_freeze_count() == before
