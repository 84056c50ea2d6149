"""Comments that answer findings: `# rflint: ignore[RF101] the reason`.

On the line that builds or calls a layer, or behind the closing bracket of a call, or on a `def` or
`class` line for everything below.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rflint
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Rule, UnusedSuppression
from rflint.report.model_report import ModelReport
from rflint.report.policy import Policy, apply_policies
from rflint.report.suppression import Comment, comments_in
from tests.helpers.comments import POLICY, RULES, answered, linted, saved, unused, without
from tests.helpers.handmade_reports import conv, found, report


def in_file(folder: Path, text: str | bytes) -> tuple[Comment, ...]:
    return comments_in(saved(folder, text))


# -- what a comment says


@pytest.mark.parametrize(
    ("comment", "codes", "reason"),
    [
        ("# rflint: ignore[RF101]", ("RF101",), ""),
        ("# rflint: ignore[RF101] kept for its weights", ("RF101",), "kept for its weights"),
        ("# rflint: ignore[RF101]: kept", ("RF101",), "kept"),
        ("# rflint: ignore[RF101] -- kept", ("RF101",), "kept"),
        ("# rflint: ignore[RF101] \u2014 kept", ("RF101",), "kept"),
        ("# rflint: ignore[RF101]  # kept", ("RF101",), "kept"),
        ("# rflint: ignore[RF101] see issue #12", ("RF101",), "see issue #12"),
        ("#rflint:ignore[RF101]kept", ("RF101",), "kept"),
        ("# rflint : ignore [ RF101 , RF901,] kept", ("RF101", "RF901"), "kept"),
        ("# rflint: ignore[RF101 RF901]", ("RF101", "RF901"), ""),
        ("# RFLINT: ignore[rf101, Unproductive-Layer]", ("RF101", "unproductive-layer"), ""),
        ("# rflint: ignore", (), ""),
        ("# rflint: ignore - whatever it is", (), "whatever it is"),
        ("# rflint: ignore: whatever", (), "whatever"),
        (f"# {'noqa'} # rflint: ignore[RF101] kept", ("RF101",), "kept"),
        ("# type: ignore[attr] # rflint: ignore[RF101] kept", ("RF101",), "kept"),
        ("# rflint: ignore[RF101] kept  # type: ignore[attr]", ("RF101",), "kept"),
        ("# rflint: ignore[RF101]  # noqa: E501", ("RF101",), ""),
        ("# rflint: ignore[RF101] größer als das Bild", ("RF101",), "größer als das Bild"),
    ],
)
def test_codes_and_a_reason(
    tmp_path: Path, comment: str, codes: tuple[str, ...], reason: str
) -> None:
    (read,) = in_file(tmp_path, f"x = 1  {comment}\n")
    assert (read.codes, read.reason, read.complaint) == (codes, reason, "")


@pytest.mark.parametrize(
    "says",
    [
        "ignores[RF101]",
        "ignore[RF101",
        "ignore(RF101)",
        "ignore=RF101",
        "ignore: RF101",  # as other tools have it; it must not ignore everything
        "ignore RF101 kept",
        "ignore {RF101}",
        "ignore-file",
        "ignore[]",
        "ignore[ , ]",
        "disable=RF101",
        "noqa",
        "Ignore[RF101]",
        "",
    ],
)
def test_what_is_not_understood_suppresses_nothing_and_says_so(tmp_path: Path, says: str) -> None:
    model = linted(tmp_path, f"x = Conv(1)  # rflint: {says}\n")
    assert not answered(model)
    assert len(unused(model)) == 1
    assert "suppresses nothing" in unused(model)[0]


def test_a_forgotten_colon_is_one_of_these(tmp_path: Path) -> None:
    model = linted(tmp_path, "x = Conv(1)  # rflint ignore[RF101]\n")
    assert "'rflint ignore[RF101]' is not understood" in unused(model)[0]


def test_one_comment_may_say_two_things(tmp_path: Path) -> None:
    one, other = in_file(
        tmp_path, "x = 1  # rflint: ignore[RF101] wide # rflint: ignore[RF901] odd\n"
    )
    assert (one.codes, one.reason) == (("RF101",), "wide")
    assert (other.codes, other.reason) == (("RF901",), "odd")


@pytest.mark.parametrize(
    "text",
    [
        'x = "# rflint: ignore[RF101]"\n',
        '"""\n# rflint: ignore[RF101]\n"""\n',
        'x = f"{y}  # rflint: ignore[RF101]"\n',
        "# as `# rflint: ignore[RF101]` says\n",
        'x = 1  # like "# rflint: ignore[RF101]"\n',
        "# x = Conv(1)  # rflint: ignore[RF101] code that is commented out\n",
        "# of rflint: what it says\n",
        "# rflint ignores this\n",
        "# see https://example.org/#rflintish: ignore[RF101]\n",
    ],
)
def test_what_only_mentions_one_is_none(tmp_path: Path, text: str) -> None:
    assert in_file(tmp_path, text) == ()


# -- which lines it answers for. Lines of `Conv(` build a layer; `!` marks those that are answered


LINES = {
    "the line that it ends": """
        a = Conv(1)
        b = Conv(2)  # rflint: ignore[RF101] !
        c = Conv(3)
    """,
    "every layer on that line": """
        a, b = Conv(1), Conv(2)  # rflint: ignore[RF101] !
    """,
    "a call's first line": """
        a = Conv(  # rflint: ignore[RF101] !
            1,
        )
    """,
    "behind the closing bracket": """
        a = Conv(  # !
            1,
        )  # rflint: ignore[RF101]
        b = Conv(2)
    """,
    "behind the last argument": """
        a = Conv(1,  # !
                 2, check(3))  # rflint: ignore[RF101]
    """,
    "behind all closing brackets, for what is on the line": """
        a = Sequential(Conv(1),
                       Conv(2))  # rflint: ignore[RF101] !
    """,
    "behind all closing brackets, for the innermost call": """
        a = Sequential(Conv(1),
                       Conv(2,  # !
                            3))  # rflint: ignore[RF101]
    """,
    "inside of a call": """
        a = Sequential(
            Conv(1),
            Conv(2),  # rflint: ignore[RF101] !
            Conv(  # !
                3,
            ),  # rflint: ignore[RF101]
            Conv(4),
        )
    """,
    "a method in a chain": """
        a = (
            builder()
            .Conv(1)
            .Conv(  # !
                2,
            )  # rflint: ignore[RF101]
            .Conv(3)
        )
    """,
    "a call whose method is on its last line": """
        a = Conv(  # !
            1,
        ).cuda()  # rflint: ignore[RF101]
    """,
    "a continued line": """
        a = \\
            Conv(1)  # rflint: ignore[RF101] !
    """,
    "a function": """
        def f(x):  # rflint: ignore[RF101]
            a = Conv(1)  # !

            b = Conv(2)  # !
        c = Conv(3)
    """,
    "a function, on any line of its header": """
        def f(
            x,
            y,
        ) -> Module:  # rflint: ignore[RF101]
            return Conv(1)  # !
        def g(
            x=Conv(2),  # rflint: ignore[RF101] !
        ):
            return Conv(3)  # !
    """,
    "a class, and what is nested in it": """
        class A(Module):  # rflint: ignore[RF101]
            class B(Module):
                def f(self):
                    self.a = Conv(1)  # !
            def g(self):
                self.b = Conv(2)  # !
        class C(Module):
            def f(self):
                self.a = Conv(3)
    """,
    "a nested class": """
        class A(Module):
            class B(Module):  # rflint: ignore[RF101]
                def f(self):
                    self.a = Conv(1)  # !
            def g(self):
                self.b = Conv(2)
    """,
    "a decorated function": """
        @first  # rflint: ignore[RF101]
        @second(Conv(1))  # !
        def f():
            return Conv(2)  # !
        @first
        @second(
            Conv(3),
        )
        def g():  # rflint: ignore[RF101]
            return Conv(4)  # !
        h = Conv(5)
    """.replace("            Conv(3),", "            Conv(3),  # !"),
    "an asynchronous function": """
        async def f():  # rflint: ignore[RF101]
            return Conv(1)  # !
        b = Conv(2)
    """,
    "a function on one line": """
        def f(): return Conv(1)  # rflint: ignore[RF101] !
        def g(): return Conv(2)
    """,
    "a line of a function that is one statement": """
        def f(): return Sequential(
            Conv(1),  # rflint: ignore[RF101] !
            Conv(2),
        )
    """,
    "a lambda": """
        f = lambda: Conv(1)  # rflint: ignore[RF101] !
        g = lambda: Sequential(
            Conv(2),  # rflint: ignore[RF101] !
            Conv(3),
        )
    """,
    "a comprehension": """
        a = [
            Conv(i)  # rflint: ignore[RF101] !
            for i in range(3)
        ]
    """,
    "a line with a text over several lines": '''
        a = Sequential("""
            text
        """, Conv(1))  # rflint: ignore[RF101] !
    ''',
    "behind a text over several lines": '''
        a = Conv("""  # !
            text
        """)  # rflint: ignore[RF101]
    ''',
    "a line that holds the same in a text": """
        a = Conv("# rflint: ignore[RF901]")  # rflint: ignore[RF101] !
    """,
    "whatever is there": """
        a = Conv(1)  # rflint: ignore !
    """,
    "a rule by its name": """
        a = Conv(1)  # rflint: ignore[unproductive-layer] !
    """,
    "other rules": """
        a = Conv(1)  # rflint: ignore[RF901]
    """,
    "not the body of a loop": """
        for i in range(3):  # rflint: ignore[RF101]
            a = Conv(i)
    """,
    "not the next line": """
        # rflint: ignore[RF101]
        a = Conv(1)
        b = Sequential(
            # rflint: ignore[RF101]
            Conv(2),
        )
    """,
    "not a function, in its first line": """
        def f():
            # rflint: ignore[RF101]
            return Conv(1)
    """,
}


def dedented(text: str) -> str:
    return "\n".join(line[8:] for line in text.strip("\n").split("\n"))


def marked(text: str) -> set[int]:
    return {i for i, line in enumerate(text.split("\n"), 1) if line.endswith("!")}


@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
def test_a_comment_answers_for(tmp_path: Path, text: str) -> None:
    text = dedented(text)
    assert answered(linted(tmp_path, text)) == marked(text)


@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
@pytest.mark.parametrize(
    "written",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("    ", "\t").encode(),
        lambda text: f"# coding: latin-1\n# \xe4\n\x0c{text}".encode("latin-1"),
        lambda text: text.rstrip("\n").encode(),
    ],
    ids=["BOM", "CRLF", "CR", "tabs", "latin-1 and form feeds", "no last newline"],
)
def test_however_the_file_is_written(tmp_path: Path, text: str, written: Any) -> None:
    text = dedented(text)
    shift = 2 * written(text).count(b"\x0c")
    path = saved(tmp_path, written(text))
    lines = [i + shift for i, line in enumerate(text.split("\n"), 1) if "Conv(" in line]
    layers = [conv(f"line {i}", SourceLocation(path, i)) for i in lines]
    (model,) = apply_policies([(report(layers, [found(x) for x in layers]), POLICY)], RULES)
    assert answered(model) == {i + shift for i in marked(text)}


@pytest.mark.parametrize(
    "content",
    [
        b"def broken(:  # rflint: ignore[RF101]\n",
        b"x = (  # rflint: ignore[RF101]\n",
        b"x = '\xff'  # rflint: ignore[RF101]\n",
        b"# coding: klingon\nx = 1  # rflint: ignore[RF101]\n",
        b"x = 1 \x00 # rflint: ignore[RF101]\n",
        b"  x = 1\n y = 2  # rflint: ignore[RF101]\n",
        b"x = " + b"(" * 5000 + b")" * 5000 + b"  # rflint: ignore[RF101]\n",
        b"",
    ],
)
def test_a_file_that_is_no_python_has_none(tmp_path: Path, content: bytes) -> None:
    assert in_file(tmp_path, content) == ()


def test_neither_has_one_that_is_not_there(tmp_path: Path) -> None:
    assert comments_in(str(tmp_path / "gone.py")) == comments_in(str(tmp_path)) == ()


def test_reading_a_file_warns_of_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert in_file(tmp_path, 'x = "\\d"; y = 1 is 1  # rflint: ignore[RF101]\n')


def test_the_outer_lines_of_a_layer_count_too(tmp_path: Path) -> None:
    """A block that is used twice, suppressed where it is used once."""
    path = saved(
        tmp_path,
        "def f():\n    return Conv(1)\na = f()\nb = f()  # rflint: ignore[RF101] late\n",
    )
    layers = [
        conv(x, SourceLocation(path, 2), SourceLocation(path, y)) for x, y in (("a", 3), ("b", 4))
    ]
    (model,) = apply_policies([(report(layers, [found(x) for x in layers]), POLICY)], RULES)
    assert [x.layer for x in model.findings] == ["a"]
    assert [(x.finding.layer, x.reason, x.source) for x in model.suppressed] == [
        ("b", "late", SourceLocation(path, 4))
    ]


# -- in models that run


LIBRARY = """
from torch import nn

def tail(width, depth):
    return nn.Sequential(*[nn.Conv2d(width, width, 3, padding=1) for _ in range(depth)])
"""
NET = """
import torch
from torch import nn
from lib import tail

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(  # reported
            width, width, 3, padding=1
        )

    def forward(self, x):
        return self.two(self.one(x))  # rflint: ignore[unproductive-layer] where it is called

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 9, padding=4)  # rflint: ignore[RF101] not needed
        self.wide = nn.Sequential(nn.Conv2d(8, 8, 9, padding=4),
                                  nn.Conv2d(8, 8, 3, padding=1))  # rflint: ignore[RF101] second
        self.loop = nn.ModuleList()
        for _ in range(3):
            self.loop.append(
                nn.Conv2d(
                    8, 8, 3, padding=1,
                )  # rflint: ignore[RF101] in a loop
            )
        self.comprehended = nn.Sequential(
            *(
                nn.Conv2d(8, 8, 3, padding=1)
                for _ in range(2)
            )
        )  # rflint: ignore[RF101] comprehended
        self.library = tail(
            8,
            depth=2,
        )  # rflint: ignore[RF101] by a library
        self.block = Block(8)
        self.plain = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        x = self.wide(self.stem(x).relu())
        for layer in self.loop:
            x = layer(x)
        x = self.comprehended(x)
        x = self.library(x)
        x = self.block(x)
        return self.plain(x)
"""


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("project")
    library = folder / "site-packages"
    library.mkdir()
    (library / "lib.py").write_text(LIBRARY)
    (folder / "net.py").write_text(NET)
    spec = importlib.util.spec_from_file_location("suppressed_net", folder / "net.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(library)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def real(net: Any) -> ModelReport:
    return rflint.lint(net.Net, res=16).models[0]


def test_layers_of_loops_comprehensions_and_libraries(real: ModelReport) -> None:
    assert [(x.finding.layer, x.reason) for x in real.suppressed] == [
        ("wide.1", "second"),
        ("loop.0", "in a loop"),
        ("loop.1", "in a loop"),
        ("loop.2", "in a loop"),
        ("comprehended.0", "comprehended"),
        ("comprehended.1", "comprehended"),
        ("library.0", "by a library"),
        ("library.1", "by a library"),
        ("block.one", "where it is called"),
        ("block.two", "where it is called"),
    ]


def test_what_no_comment_answers_is_found(real: ModelReport) -> None:
    assert [(x.code, x.layer) for x in real.findings] == [("RF101", "plain"), ("RF900", "stem")]


def test_the_report_tells_what_is_suppressed_and_where(real: ModelReport) -> None:
    entry = real.to_dict()["suppressed"][0]
    assert (entry["code"], entry["layer"], entry["reason"]) == ("RF101", "wide.1", "second")
    assert entry["suppressed_at"]["path"].endswith("net.py")
    line = NET.split("\n")[entry["suppressed_at"]["line"] - 1]
    assert line.endswith("second")


def test_two_resolutions_share_the_comments(net: Any) -> None:
    """At 256 pixels every layer is of use; the comments are needed at 16."""
    small, large = rflint.lint(net.Net, res=[16, 256]).models
    assert [x.code for x in (*small.findings, *large.findings)] == ["RF101", "RF900"]
    assert large.suppressed == ()
    (alone,) = rflint.lint(net.Net, res=256).models
    assert len([x for x in alone.findings if x.code == "RF900"]) == 6


def test_a_rule_that_fails_leaves_comments_alone(net: Any) -> None:
    """Who knows what it would have found."""
    from rflint.linting.settings import RuleOptions
    from rflint.usecases.checks import Checks
    from rflint.usecases.python_object import lint_object

    def breaks(*_: object) -> Sequence[Any]:
        raise RuntimeError

    rules: list[Rule] = [replace(x, check=breaks) if x.code == "RF101" else x for x in RULES]
    done = lint_object(net.Net, Checks(tuple(rules), tuple(rules), RuleOptions()), [(16,)])
    assert done.failures
    assert "RF900" not in {x.code for x in done.findings}


def test_any_rule_can_report_what_is_unused(tmp_path: Path) -> None:
    """A comment answers for it where it names it."""

    def check(unused: Sequence[UnusedSuppression]) -> list[Finding]:
        return [mine.model_finding(x.layer, x.message, x.source) for x in unused]

    mine = Rule("ACME001", "idle", Severity.INFO, check_suppressions=check, fails=[], passes=[])
    policy = Policy((*without("RF900").rules, mine))
    text = "Conv(1)  # rflint: ignore[RF101]\nConv(2)  # rflint: ignore[RF101, ACME001]\n"
    path = saved(tmp_path, text)
    layers = [conv(f"line {i}", SourceLocation(path, i)) for i in (1, 2)]
    (done,) = apply_policies([(report(layers), policy)], (*RULES, mine))
    assert [(x.code, x.layer) for x in done.findings] == [("ACME001", "line 1")]
    assert [(x.finding.code, x.finding.layer) for x in done.suppressed] == [("ACME001", "line 2")]
