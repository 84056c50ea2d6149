"""`rflint.testing.assert_sound`: an assertion whose message is the report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

import rflint
from rflint.testing import UnsoundArchitecture, assert_sound
from tests.helpers.program import plain_environment, write


def build(layers: int = 2) -> nn.Module:
    """At 8 px, convolutions behind the second are unproductive."""
    wide = [nn.Conv2d(3, 3, 7, padding=3) for _ in range(layers)]
    return nn.Sequential(*wide, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))


def test_what_is_sound_passes_and_gives_the_report() -> None:
    report = assert_sound(build, res=32)
    assert report.to_dict() == rflint.lint(build, res=32).to_dict()


def test_what_is_found_is_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(UnsoundArchitecture) as raised:
        assert_sound(build, res=8, args={"layers": 4})
    assert isinstance(raised.value, AssertionError)
    message = str(raised.value)
    assert message.startswith("rflint found ")
    assert "RF101 unproductive-layer" in message
    assert "test_testing.py:" in message
    assert "\x1b" not in message


def test_only_what_is_severe_enough_is_told() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_sound(build, res=8, args={"layers": 4}, extend_select="RF102", select="RF101")
    assert "RF102" not in str(raised.value)
    with pytest.raises(AssertionError, match="RF102"):
        assert_sound(build, res=12, select="RF102", fail_on="info")
    assert assert_sound(build, res=12, select="RF102").findings


def test_of_several_sizes_only_those_that_fail_are_told() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_sound(build, res=[8, 64], args={"layers": 4}, select="RF101")
    assert "1×3×8×8" in str(raised.value)
    assert "1×3×64×64" not in str(raised.value)


def test_options_are_those_of_lint() -> None:
    assert_sound(build, args={"layers": 4}, input=(1, 3, 8, 8), select="RF402")
    with pytest.raises(TypeError, match="colour"):
        assert_sound(build, res=8, colour=True)
    with pytest.raises(TypeError, match=r"no argument 'selct'\. Did you mean select\?"):
        assert_sound(build, res=8, selct="RF1")
    with pytest.raises(rflint.RflintError, match="fail_on is 'panic'"):
        assert_sound(build, res=8, fail_on="panic")


def test_what_cannot_be_linted_is_no_failed_assertion() -> None:
    def broken() -> nn.Module:
        raise ValueError("no such variant")

    with pytest.raises(rflint.RflintError, match="no such variant"):
        assert_sound(broken, res=8)


def test_in_pytest_the_report_is_what_one_sees(tmp_path: Path) -> None:
    """And the line of the test, not that in rflint."""
    write(
        tmp_path,
        {
            "test_net.py": """
            from torch import nn
            from rflint.testing import assert_sound


            def build():
                return nn.Sequential(*[nn.Conv2d(3, 3, 7, padding=3) for _ in range(4)])


            def test_architecture():
                assert_sound(build, res=8)
            """
        },
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", "test_net.py"]
    ran = subprocess.run(
        command, cwd=tmp_path, env=plain_environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stderr
    assert "RF101 unproductive-layer" in ran.stdout
    assert ">       assert_sound(build, res=8)" in ran.stdout
    assert "__tracebackhide__" not in ran.stdout


def test_what_to_do_about_it_is_code_for_an_object() -> None:
    """No command line could name what a test builds."""

    def classifier() -> nn.Module:
        return build(layers=4)

    with pytest.raises(AssertionError) as raised:
        assert_sound(classifier, res=8)
    message = str(raised.value)
    assert "rflint fix" not in message
    assert "Apply one: rflint.repairs(model, res=8)[0].apply(model)" in message
    assert rflint.repairs(build(4), res=8)[0].apply(build(4))


WRONG = {
    "rule": 'assert_sound(build, res=8, select="RF999")',
    "channels": "assert_sound(build, input=(1, 5, 8, 8))",
    "argument": 'assert_sound(build, res=8, args={"depth": 3})',
    "keyword": "assert_sound(build, res=8, selct=1)",
    "size": "assert_sound(Misfit, res=8)",
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of mistakes in the use of assert_sound."""
    folder = tmp_path_factory.mktemp("wrong")
    tests = "".join(f"def test_{name}():\n    {call}\n\n" for name, call in WRONG.items())
    text = f"""
from torch import nn
from rflint.testing import assert_sound


def build():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3))


class Misfit(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(5, 2)

    def forward(self, x):
        return self.fc(self.conv(x))


def raises():
    return dict()["variant"]


{tests}def test_raises():
    assert_sound(raises, res=8)
"""
    write(folder, {"test_net.py": text})
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", "test_net.py"]
    ran = subprocess.run(
        command, cwd=folder, env=plain_environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_in_its_use_is_shown_at_the_line_of_the_test(shown: str, name: str) -> None:
    start = shown.index(f"_ test_{name} _")
    there = shown[start : shown.index("\n____", start)]
    assert f">       {WRONG[name]}" in there
    places = [line for line in there.splitlines() if ".py:" in line and line[:1] not in "E>"]
    assert len(places) == 1
    assert places[0].startswith("test_net.py:")


def test_where_the_builder_raises_its_own_frames_are_shown(shown: str) -> None:
    there = shown[shown.index("_ test_raises _") :]
    assert """>       return dict()["variant"]""" in there
    assert "rflint/usecases" not in there


def test_importing_it_does_not_load_torch() -> None:
    code = "import rflint.testing, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
