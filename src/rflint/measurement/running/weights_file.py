"""What a file of weights holds, read without running code that is in it."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from rflint.errors import UsageError, error_text

_SAVE = "Save the state dict alone: torch.save(model.state_dict(), file)."
_OTHERS = {
    ".h5": "Keras (HDF5)",
    ".hdf5": "Keras (HDF5)",
    ".keras": "Keras",
    ".index": "TensorFlow",
    ".pb": "TensorFlow",
    ".tflite": "TensorFlow Lite",
    ".onnx": "ONNX",
    ".msgpack": "Flax",
    ".npz": "NumPy",
    ".npy": "NumPy",
    ".gguf": "llama.cpp",
    ".pdparams": "Paddle",
}
"""Whose files end like this."""
_HDF5 = b"\x89HDF\r\n\x1a\n"


def read_weights(file: Path) -> Any:
    """What a file holds. Raises UsageError where that is nothing that can be read so."""
    if file.suffix == ".safetensors":
        return _safetensors(file)
    try:
        with file.open("rb") as stream:
            begin = stream.read(8)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle protocol, and TorchScript
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from error
    except Exception as error:
        raise _unreadable(file, begin, str(error)) from error


def _safetensors(file: Path) -> Any:
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise UsageError(
            f"{file} needs the package safetensors", hint="pip install safetensors"
        ) from error
    try:
        return load_file(file)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from error
    except Exception as error:
        raise UsageError(f"{file} cannot be read: {error_text(error)}") from error


def _unreadable(file: Path, begin: bytes, said: str) -> UsageError:
    """Why torch did not read it, by how it begins and what torch says."""
    if not begin:
        return UsageError(f"{file} is empty", hint="Was the download or the training interrupted?")
    whose = "Keras (HDF5)" if begin == _HDF5 else _OTHERS.get(file.suffix.lower())
    if whose:
        return UsageError(
            f"{file} is a file of {whose}, and holds no weights of a PyTorch model",
            hint="Load it with what wrote it, copy the weights into the module, and save them: "
            "torch.save(model.state_dict(), file).",
        )
    if "TorchScript" in said:
        return UsageError(
            f"{file} is a TorchScript program, and not weights alone",
            hint="torch.save(torch.jit.load(file).state_dict(), 'weights.pt') makes a file of "
            "weights of it.",
        )
    named = re.search(r"Unsupported (?:global|class)[^:]*: (?:GLOBAL )?([\w.]+)", said)
    if named:
        return UsageError(
            f"{file} cannot be read without running code that it names ({named[1]}), which is "
            "not done",
            hint=_SAVE,
        )
    if begin[:2] == b"PK" and not zipfile.is_zipfile(file):
        return UsageError(
            f"{file} is damaged: its end is missing",
            hint="Was the download or the training interrupted?",
        )
    return UsageError(f"{file} is no checkpoint of PyTorch", hint=_SAVE)
