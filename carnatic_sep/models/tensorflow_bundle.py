"""TensorFlow V2 checkpoints (``PREFIX.index`` and ``PREFIX.data-*``) without TensorFlow.

The index is a LevelDB table whose values are small protocol-buffer messages; the data files are
the tensors' bytes one after the other. Only numbers are read: nothing is unpickled or executed, and
no more memory is asked for than the files themselves hold.

Sources: tensorflow/core/util/tensor_bundle/tensor_bundle.h, tensorflow/core/protobuf/
tensor_bundle.proto, github.com/google/leveldb/blob/main/doc/table_format.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models.bundle_table import Damage, Message, read_table
from carnatic_sep.models.crc32c import masked_crc32c

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

INDEX_SUFFIX = ".index"
_LARGEST_INDEX_BYTES = 64 << 20
_MOST_DIMENSIONS = 16
_LITTLE_ENDIAN = 0
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_SLOT = "/.OPTIMIZER_SLOT/"
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 10: "|b1", 19: "<f2"}
"""Element types by their number in tensorflow/core/framework/types.proto."""


@dataclass(frozen=True)
class BundleEntry:
    """One variable as the index describes it.

    `dtype` is TensorFlow's number for the element type; `crc32c` is masked as LevelDB does it.
    """

    name: str
    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    bytes: int
    crc32c: int
    sliced: bool


class Bundle:
    """A checkpoint: its variables by name, each read when it is asked for.

    Parameters
    ----------
    prefix : the path without ``.index``, as TensorFlow names checkpoints

    Raises
    ------
    CheckpointError
        The index is missing, damaged, foreign, or of a machine with another byte order.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.index = prefix.with_name(prefix.name + INDEX_SUFFIX)
        table = read_table(_content(self.index), path=self.index)
        try:
            header = Message(table.pop(b""))
            self.shards = header.number(1)
            endianness = header.number(2)
            self.entries = {
                name: entry
                for key, value in table.items()
                for name, entry in [_entry(key, Message(value))]
            }
        except (KeyError, Damage, UnicodeDecodeError) as error:
            raise CheckpointError(
                f"{self.index}: damaged index ({error}); copy or download the checkpoint again"
            ) from error
        if endianness != _LITTLE_ENDIAN:
            raise CheckpointError(
                f"{self.index}: written on a big-endian machine; save it again on a common one"
            )

    def read(self, name: str) -> NDArray[np.generic]:
        """Return the variable `name`, its checksum verified.

        Raises
        ------
        CheckpointError
            No such variable, a kind that is not read here, a data file that is missing, too short
            or damaged.
        """
        try:
            entry = self.entries[name]
        except KeyError as error:
            raise CheckpointError(f"{self.index}: holds no variable {name!r}") from error
        dtype = np.dtype(_DTYPES[entry.dtype]) if entry.dtype in _DTYPES else None
        if dtype is None or entry.sliced:
            kind = "a partitioned variable" if entry.sliced else f"of element type {entry.dtype}"
            raise CheckpointError(
                f"{self.index}: {name!r} is {kind}, which is not read here; only whole tensors of "
                "plain numbers are"
            )
        if math.prod(entry.shape) * dtype.itemsize != entry.bytes:
            raise CheckpointError(
                f"{self.index}: {name!r} has shape {entry.shape} but {entry.bytes:,} bytes; "
                "copy or download the checkpoint again"
            )
        data = self._slice(entry)
        if masked_crc32c(data) != entry.crc32c:
            raise CheckpointError(
                f"{self.shard_path(entry.shard)}: {name!r} (bytes {entry.offset:,} to "
                f"{entry.offset + entry.bytes:,}) is damaged, its checksum differs; copy or "
                "download the checkpoint again"
            )
        return np.frombuffer(data, dtype).reshape(entry.shape)

    def shard_path(self, shard: int) -> Path:
        """Return the data file number `shard`."""
        return self.prefix.with_name(f"{self.prefix.name}.data-{shard:05d}-of-{self.shards:05d}")

    def _slice(self, entry: BundleEntry) -> bytes:
        path = self.shard_path(entry.shard)
        try:
            with path.open("rb") as file:
                held = file.seek(0, 2)
                if entry.offset + entry.bytes > held:
                    raise CheckpointError(
                        f"{path}: truncated: {entry.name!r} ends at byte "
                        f"{entry.offset + entry.bytes:,}, the file at {held:,}; copy or download "
                        "the checkpoint again"
                    )
                file.seek(entry.offset)
                return file.read(entry.bytes)
        except OSError as error:
            raise CheckpointError(
                f"{path}: cannot be read ({error.strerror or error}); a checkpoint is its .index "
                "and all its .data files in one folder"
            ) from error


def object_variables(bundle: Bundle, *, below: str) -> dict[str, NDArray[np.generic]]:
    """Read the variables of an object that ``tf.train.Checkpoint`` saved, by their way from it.

    Such checkpoints name a variable by the attributes that lead to it: with ``below="model/net"``,
    ``model/net/downsampling/0/1/conv1/kernel/.ATTRIBUTES/VARIABLE_VALUE`` is returned as
    ``downsampling/0/1/conv1/kernel``. (So compIAM's cold diffusion calls the first convolution of
    its second residual block.) An optimiser's slots are left out.

    Raises
    ------
    CheckpointError
        There is nothing below that, or a variable cannot be read.
    """
    lead = f"{below}/"
    names = {
        name[len(lead) : -len(_VALUE)]: name
        for name in bundle.entries
        if name.startswith(lead) and name.endswith(_VALUE) and _SLOT not in name
    }
    if not names:
        roots = sorted({name.partition("/")[0] for name in bundle.entries})
        raise CheckpointError(
            f"{bundle.index}: holds no object {below!r}; its names begin with {', '.join(roots)}"
        )
    return {short: bundle.read(name) for short, name in names.items()}


def find_bundle(folder: Path) -> Path:
    """Return the prefix of the one checkpoint in `folder`.

    The text file ``checkpoint`` decides where there are several; only the last part of the path in
    it counts, since it may be one on the machine that trained.

    Raises
    ------
    CheckpointError
        There is no checkpoint, or several and nothing says which.
    """
    prefixes = [path.with_name(path.name[: -len(INDEX_SUFFIX)]) for path in _indexes(folder)]
    if len(prefixes) > 1 and (newest := _newest_name(folder / "checkpoint")):
        prefixes = [prefix for prefix in prefixes if prefix.name == newest] or prefixes
    if not prefixes:
        raise CheckpointError(
            f"{folder}: holds no TensorFlow checkpoint; it should have a file ending in "
            f"{INDEX_SUFFIX} with its .data files"
        )
    if len(prefixes) > 1:
        raise CheckpointError(
            f"{folder}: holds several checkpoints ({', '.join(p.name for p in prefixes)}); "
            "leave one there, or name it in a file `checkpoint`"
        )
    return prefixes[0]


def _indexes(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.glob(f"*{INDEX_SUFFIX}") if path.is_file())


def _newest_name(path: Path) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model_checkpoint_path":
            return value.strip().strip('"').replace("\\", "/").rpartition("/")[2]
    return None


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > _LARGEST_INDEX_BYTES:
            raise CheckpointError(
                f"{path}: {size:,} bytes are too many for an index; is it another kind of file?"
            )
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error.strerror or error}); check the path"
        ) from error


def _entry(key: bytes, message: Message) -> tuple[str, BundleEntry]:
    """Decode a BundleEntryProto; fields that are zero are left out by its writer."""
    name = key.decode()
    shape = tuple(Message(dim).number(1) for dim in Message(message.content(2)).repeated(2))
    if len(shape) > _MOST_DIMENSIONS:
        raise Damage(f"{name!r} has {len(shape)} dimensions")
    return name, BundleEntry(
        name=name,
        dtype=message.number(1),
        shape=shape,
        shard=message.number(3),
        offset=message.number(4),
        bytes=message.number(5),
        crc32c=message.number(6),
        sliced=bool(message.repeated(7)),
    )
