"""Read the header of a safetensors file without touching its tensors, and say what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

_LENGTH_BYTES = 8
_LONGEST_HEADER_BYTES = 100_000_000
_FLOAT_DTYPES = ("F16", "BF16", "F32", "F64")
_MOST_NAMED = 5
_MAKE_ONE = (
    "a checkpoint here is one .safetensors file with weights only, "
    "written by carnatic_sep.models.checkpoint.save_checkpoint"
)


@dataclass(frozen=True)
class TensorEntry:
    """One tensor as the header declares it: safetensors dtype name, shape, bytes in the data."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """Header of a safetensors file: free-form metadata, tensors, and where their bytes start."""

    metadata: dict[str, str]
    tensors: dict[str, TensorEntry]
    data_start: int

    @property
    def data_bytes(self) -> int:
        """Length of the data section that the tensors need."""
        return max((entry.stop for entry in self.tensors.values()), default=0)


def parse_header(content: bytes, *, path: Path) -> Header:
    """Parse and check the header of the safetensors file whose bytes are `content`.

    Parameters
    ----------
    content : the whole file
    path : where it came from, for messages

    Raises
    ------
    CheckpointError
        Not a safetensors file (pickles and zip archives are named as such), or truncated.

    Source: https://github.com/huggingface/safetensors#format
    """
    if not content:
        raise CheckpointError(f"{path}: the file is empty (0 bytes); copy or download it again")
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    starts_as_json = content[_LENGTH_BYTES : _LENGTH_BYTES + 1] == b"{"
    if len(content) <= _LENGTH_BYTES or length > _LONGEST_HEADER_BYTES or not starts_as_json:
        raise CheckpointError(f"{path}: {_diagnosis(content)}; {_MAKE_ONE}")
    data_start = _LENGTH_BYTES + length
    if data_start > len(content):
        raise _truncated(path, has=len(content), needs=data_start)
    try:
        header = json.loads(content[_LENGTH_BYTES:data_start])
        metadata = {str(k): str(v) for k, v in header.pop("__metadata__", {}).items()}
        tensors = {name: _entry(fields) for name, fields in header.items()}
    except (
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise CheckpointError(
            f"{path}: the safetensors header is damaged ({error}); copy or download the file again"
        ) from error
    parsed = Header(metadata, tensors, data_start)
    needs = data_start + parsed.data_bytes
    if needs > len(content):
        raise _truncated(path, has=len(content), needs=needs)
    if needs < len(content):
        raise CheckpointError(
            f"{path}: {len(content) - needs} bytes follow the last tensor, so the file is damaged; "
            "copy or download it again"
        )
    return parsed


def check_fit(path: Path, header: Header, expected: Mapping[str, Tensor]) -> None:
    """Check that the tensors of a file are those that a network expects.

    Parameters
    ----------
    path : of the file, for the message
    header : of the file
    expected : the network's own tensors by name, as its `state_dict` has them

    Raises
    ------
    CheckpointError
        Tensors are missing, foreign, or of another shape or type; the first five are named.
    """
    faults = [f"{name} is missing" for name in expected if name not in header.tensors]
    faults += [f"{name} is not part of it" for name in header.tensors if name not in expected]
    for name in sorted(expected.keys() & header.tensors.keys()):
        entry, tensor = header.tensors[name], expected[name]
        if entry.shape != tuple(tensor.shape):
            faults.append(f"{name} has shape {entry.shape}, not {tuple(tensor.shape)}")
        elif (entry.dtype in _FLOAT_DTYPES) != tensor.is_floating_point():
            faults.append(f"{name} has type {entry.dtype}, not {tensor.dtype}")
    if faults:
        more = f" and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise CheckpointError(
            f"{path}: the tensors do not fit the architecture: "
            f"{'; '.join(faults[:_MOST_NAMED])}{more}"
        )


def _entry(fields: dict[str, object]) -> TensorEntry:
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(dtype, str) or not isinstance(shape, list) or not isinstance(offsets, list):
        raise TypeError("a tensor entry has fields of the wrong type")
    start, stop = (int(offset) for offset in offsets)
    if not 0 <= start <= stop:
        raise ValueError(f"impossible data offsets {offsets}")
    return TensorEntry(dtype, tuple(int(size) for size in shape), start, stop)


def _truncated(path: Path, *, has: int, needs: int) -> CheckpointError:
    return CheckpointError(
        f"{path}: truncated: {has:,} bytes are there, the header announces {needs:,}; "
        "copy or download the file again"
    )


def _diagnosis(content: bytes) -> str:
    """Say in words what the file seems to be instead."""
    start = content[:64].lstrip().lower()
    if content.startswith(b"PK\x03\x04"):
        return "this is a zip archive, as torch.save writes it, with a pickle inside (never opened)"
    if content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "this is a pickle, which can run code when loaded (never opened)"
    if content.startswith(b"\x89HDF"):
        return "this is an HDF5 file (Keras?)"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "this is a web page, not a model: the download went wrong"
    if start.startswith(b"version https://git-lfs"):
        return "this is a Git LFS pointer, not the file itself: run `git lfs pull`"
    if len(content) <= _LENGTH_BYTES:
        return f"truncated: only {len(content)} bytes are there"
    return "this is not a safetensors file"
