"""The garbage collector is one for all threads: it pauses while any of them wants it to."""

from __future__ import annotations

import gc

import pytest

from rflint.usecases.gc_pause import gc_paused


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
