"""Which tensors share a storage: views of one another, of which a write to one changes all."""

from __future__ import annotations

from typing import Any

import torch


def storage_of(tensor: torch.Tensor) -> int:
    """The identity of a tensor's storage, which is that of all its views."""
    identity: int = tensor.untyped_storage()._cdata
    return identity


class Aliases:
    """The recorded tensors by their storage, and what was written into them in place."""

    def __init__(self) -> None:
        self._by_storage: dict[int, list[torch.Tensor]] = {}
        """They are kept alive, so that no identity is given to another tensor."""
        self._written: dict[int, list[torch.Tensor]] = {}
        self._storages: list[Any] = []
        """Kept alive, so that no identity is given to another storage."""

    def add(self, tensor: torch.Tensor) -> None:
        """Note a recorded tensor."""
        sharing = self._by_storage.setdefault(storage_of(tensor), [])
        if not any(other is tensor for other in sharing):
            sharing.append(tensor)
            self._storages.append(tensor.untyped_storage())

    def of(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        """The recorded tensors that share a tensor's storage, among them itself."""
        return [*self._by_storage.get(storage_of(tensor), ())]

    def note_write(self, written: torch.Tensor) -> None:
        """Note that a tensor was written in place, for aliases that are recorded later."""
        self._written.setdefault(storage_of(written), []).append(written)

    def written_to(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        """The aliases of a tensor through which its storage was written, in order."""
        return [*self._written.get(storage_of(tensor), ())] if self._written else []


def is_same_view(tensor: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors on one storage are the same part of it, in the same shape."""
    same = (tensor.shape, tensor.stride()) == (other.shape, other.stride())
    return same and tensor.storage_offset() == other.storage_offset()
