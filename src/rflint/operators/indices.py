"""Indices of tensors: one item for every dimension."""

from __future__ import annotations

from typing import Any


def basic_index(index: Any, rank: int) -> tuple[Any, ...] | None:
    """Basic indices (numbers, slices, ..., None), one per dimension; None for advanced ones."""
    items = index if isinstance(index, tuple) else (index,)
    basic = all(
        item is None
        or item is ...
        or (isinstance(item, int | slice) and not isinstance(item, bool))
        for item in items
    )
    return full_index(items, rank) if basic else None


def full_index(index: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """An index with one item per dimension, and None for new ones."""
    consumed = sum(1 for item in index if item is not None and item is not ...)
    at = next((i for i, item in enumerate(index) if item is ...), len(index))
    return (*index[:at], *(slice(None),) * (rank - consumed), *index[at + 1 :])
