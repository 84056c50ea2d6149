"""Names that are spelt almost like one that is not known."""

from __future__ import annotations

from rflint.text.suggest import did_you_mean, did_you_mean_aside, similar


def test_the_most_similar_names_come_first() -> None:
    assert similar("conv", ["cone", "convs", "linear"], 3) == ["convs", "cone"]
    assert similar("conv", ["cone", "convs", "linear"]) == ["convs"]
    assert similar("xyz", ["cone"]) == []


def test_capitals_count_unless_they_are_to_be_ignored() -> None:
    assert similar("UNET", ["unet"]) == []
    assert similar("UNET", ["unet", "UNet"], 3, ignore_case=True) == ["unet", "UNet"]


def test_what_is_alike_is_a_matter_of_degree() -> None:
    assert similar("RF10", ["RF999"], cutoff=0.4) == ["RF999"]
    assert similar("RF10", ["RF999"]) == []


def test_questions() -> None:
    assert did_you_mean(["a"]) == "Did you mean a?"
    assert did_you_mean(["a", "b"]) == "Did you mean a or b?"
    assert did_you_mean_aside(["a", "b"]) == " (did you mean a or b?)"
    assert did_you_mean([]) == did_you_mean_aside([]) == ""
