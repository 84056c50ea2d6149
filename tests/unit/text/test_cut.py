"""Long texts lose their middle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rflint.text.cut import cut_middle


def test_a_text_that_fits_stays_whole() -> None:
    assert cut_middle("layer1.conv2", 12) == "layer1.conv2"


def test_beginning_and_end_stay() -> None:
    assert cut_middle("features.denseblock4.conv1", 11) == "fea…4.conv1"
    assert cut_middle("features.denseblock4.conv1", 11, "...") == "fe....conv1"


@given(st.text(min_size=1), st.integers(1, 40))
def test_it_is_never_wider_than_asked_for(text: str, width: int) -> None:
    cut = cut_middle(text, width)
    assert len(cut) == min(len(text), width)
    assert cut == text or "…" in cut
