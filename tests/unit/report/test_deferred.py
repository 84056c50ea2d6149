"""A value that is found when somebody asks: once, whoever asks, and never silently missing."""

from __future__ import annotations

import copy
import pickle
import threading
import weakref

import pytest

from rflint.errors import UsageError
from rflint.report.deferred import Deferred
from rflint.report.remedies import LEFT_OUT


class Model:
    """Something large that a value is found with."""

    def answer(self) -> int:
        return 42


def test_it_is_found_when_it_is_first_asked_for_and_once() -> None:
    asked: list[int] = []
    value = Deferred(lambda: asked.append(1) or 42)
    assert asked == []
    assert (value.value, value.value, asked) == (42, 42, [1])


def test_what_it_is_found_with_is_let_go_afterwards() -> None:
    model = Model()
    gone = weakref.ref(model)
    value = Deferred(model.answer)
    del model
    assert gone() is not None
    assert value.value == 42
    assert gone() is None


def test_threads_that_ask_at_once_get_the_one_value_that_is_found() -> None:
    alone, everybody = threading.RLock(), threading.Barrier(4)
    found: list[object] = []
    asked: list[int] = []

    def find() -> object:
        asked.append(1)
        return object()

    value = Deferred(find, lambda: alone)  # type: ignore[arg-type, return-value]

    def ask() -> None:
        everybody.wait()
        found.append(value.value)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    with alone:  # so that all of them come before it is found
        for thread in threads:
            thread.start()
        everybody.wait()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(map(id, found))) == len(asked) == 1


def test_an_error_is_for_who_asks_and_the_next_one_may_try_again() -> None:
    answers = iter([None, 42])

    def find() -> int:
        answer = next(answers)
        if answer is None:
            raise KeyboardInterrupt
        return answer

    value = Deferred(find)
    with pytest.raises(KeyboardInterrupt):
        _ = value.value
    assert value.value == 42


def test_in_a_file_it_is_the_value() -> None:
    value = Deferred(Model().answer)
    there = pickle.loads(pickle.dumps(value))
    assert there.value == 42
    assert there == value == Deferred.known(42) != Deferred.known(41)
    assert hash(there) == hash(value)


def test_a_copy_is_found_with_the_original() -> None:
    asked: list[int] = []
    value = Deferred(lambda: asked.append(1) or 42)
    copies = copy.copy(value), copy.deepcopy(value)
    assert asked == []
    assert {x.value for x in copies} == {42}
    assert asked == [1]


def test_at_a_prompt_it_shows_whether_it_is_known_and_is_not_found_for_that() -> None:
    value = Deferred(lambda: 42)
    assert repr(value) == "<not asked for yet>"
    assert repr((value.value, value)) == "(42, 42)"


def test_what_was_left_out_is_an_error_here_and_in_another_process() -> None:
    for left_out in (LEFT_OUT, pickle.loads(pickle.dumps(LEFT_OUT))):
        assert left_out == LEFT_OUT != Deferred.known(42)
        with pytest.raises(UsageError, match="without repairs"):
            _ = left_out.value
