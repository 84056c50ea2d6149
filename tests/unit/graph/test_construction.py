"""Which of the lines that built a module tells it apart."""

from __future__ import annotations

from rflint.graph.construction import Constructions, place_text
from rflint.graph.source_location import SourceLocation


def line(number: int, path: str = "net.py") -> SourceLocation:
    return SourceLocation(path, number)


INSIDE, FIRST, OTHERS, STAGE_1, STAGE_2, BUILD = map(line, (9, 20, 21, 30, 31, 40))


def test_a_line_that_built_one_module_needs_no_other() -> None:
    assert Constructions([(INSIDE, BUILD), (FIRST, BUILD)]).calling_line((INSIDE, BUILD)) is None


def test_the_outermost_line_that_still_tells_apart_is_named() -> None:
    blocks = [
        (INSIDE, FIRST, STAGE_1, BUILD),
        (INSIDE, OTHERS, STAGE_1, BUILD),
        (INSIDE, FIRST, STAGE_2, BUILD),
        (INSIDE, OTHERS, STAGE_2, BUILD),
    ]
    constructions = Constructions(blocks)
    assert [constructions.calling_line(block) for block in blocks] == [
        *(STAGE_1, STAGE_1, STAGE_2, STAGE_2)
    ]


def test_modules_of_one_loop_cannot_be_told_apart_by_lines() -> None:
    loop = (INSIDE, OTHERS, BUILD)
    assert Constructions([loop, loop]).calling_line(loop) is None


def test_a_place_names_the_file_once() -> None:
    assert place_text(line(9), None) == "net.py:9"
    assert place_text(line(9), line(30)) == "net.py:9 (from line 30)"
    assert place_text(line(9), line(30, "build.py")) == "net.py:9 (from build.py:30)"
    assert place_text(line(9), line(30), "net.py") == "line 9 (from 30)"
