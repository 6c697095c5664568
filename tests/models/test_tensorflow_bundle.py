"""The reader on a bundle that TensorFlow wrote, on damaged ones, and on ones built by hand."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models.bundle_table import read_table
from carnatic_sep.models.crc32c import masked_crc32c
from carnatic_sep.models.tensorflow_bundle import Bundle, find_bundle, object_variables

FIXTURES = Path(__file__).parents[1] / "fixtures" / "spleeter_small"
WRITTEN = FIXTURES / "2stems"
DATA = "model.data-00000-of-00001"


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes, *, fixed32: bool = False) -> bytes:
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if fixed32:
        return varint(number << 3 | 5) + value.to_bytes(4, "little")
    return varint(number << 3) + varint(value)


def block(entries: list[tuple[bytes, bytes]], *, compression: int = 0) -> bytes:
    body = b"".join(varint(0) + varint(len(k)) + varint(len(v)) + k + v for k, v in entries)
    return finished(body, compression=compression)


def finished(body: bytes, *, compression: int = 0) -> bytes:
    body += (0).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes([compression])
    return body + masked_crc32c(body).to_bytes(4, "little")


def write_index(path: Path, entries: list[tuple[bytes, bytes]], *, compression: int = 0) -> None:
    write_table(path, block(entries, compression=compression))


def write_table(path: Path, data: bytes) -> None:
    meta, handle = block([]), varint(0) + varint(len(data) - 5)
    index = block([(b"~", handle)])
    footer = varint(len(data)) + varint(len(meta) - 5)
    footer += varint(len(data) + len(meta)) + varint(len(index) - 5)
    footer = footer.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")
    path.write_bytes(data + meta + index + footer)


def entry(
    values: np.ndarray, *, dtype: int, offset: int = 0, shard: int = 0, sliced: bool = False
) -> bytes:
    shape = b"".join(field(2, field(1, size)) for size in values.shape)
    raw = values.tobytes()
    fields = [field(1, dtype), field(2, shape), field(5, len(raw))]
    fields += [field(3, shard)] if shard else []
    fields += [field(4, offset)] if offset else []
    fields += [field(6, masked_crc32c(raw), fixed32=True)]
    fields += [field(7, b"")] if sliced else []
    return b"".join(fields)


HEADER = (b"", field(1, 1) + field(3, field(1, 1)))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for path in WRITTEN.iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def test_every_variable_that_tensorflow_wrote_is_read(copied: Path) -> None:
    bundle = Bundle(find_bundle(copied))
    stored = np.load(FIXTURES / "2stems.npz")
    names = [name for name in stored if not name.startswith("expected/")]
    assert len(names) == 148
    for name in names:
        assert np.array_equal(bundle.read(name), stored[name]), name
    assert len(bundle.entries) == 343  # with Adam's slots, beta powers and the step
    step = bundle.read("global_step")
    assert step.shape == ()
    assert step.dtype == np.int64


@given(st.data())
def test_a_flipped_bit_of_the_index_is_refused_or_without_effect(data: st.DataObject) -> None:
    whole = (WRITTEN / "model.index").read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    path = Path("x.index")
    with contextlib.suppress(CheckpointError):  # and no other error
        assert read_table(bytes(damaged), path=path) == read_table(whole, path=path)


@given(st.integers(0, 10_800))
def test_a_truncated_index_is_refused(kept: int) -> None:
    with pytest.raises(CheckpointError, match="cut short"):
        read_table((WRITTEN / "model.index").read_bytes()[:kept], path=Path("x.index"))


def test_keys_that_share_their_beginnings_take_no_memory_without_bounds(tmp_path: Path) -> None:
    for entries, beginning in ((1, 5000), (20_000, 4000)):
        body = varint(0) + varint(beginning) + varint(0) + b"k" * beginning
        body += (varint(beginning) + varint(1) + varint(0) + b"x") * entries
        write_table(tmp_path / "x.index", finished(body))
        with pytest.raises(CheckpointError, match="longer than names are"):
            read_table((tmp_path / "x.index").read_bytes(), path=Path("x.index"))


@given(st.binary(max_size=300))
def test_foreign_bytes_are_refused(content: bytes) -> None:
    footer = content[:40].ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")
    with pytest.raises(CheckpointError, match=r"x\.index"):
        read_table(content + footer, path=Path("x.index"))


def test_a_flipped_bit_of_the_data_names_the_variable(copied: Path) -> None:
    data = bytearray((copied / DATA).read_bytes())
    first = min(Bundle(copied / "model").entries.values(), key=lambda e: e.offset)
    data[first.offset] ^= 1
    (copied / DATA).write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"{first.name}.*damaged.*download"):
        Bundle(copied / "model").read(first.name)


def test_short_and_missing_data_are_told_apart(copied: Path) -> None:
    last = max(Bundle(copied / "model").entries.values(), key=lambda e: e.offset)
    data = (copied / DATA).read_bytes()
    (copied / DATA).write_bytes(data[:-1])
    with pytest.raises(CheckpointError, match=f"truncated.*{last.name}"):
        Bundle(copied / "model").read(last.name)
    (copied / DATA).unlink()
    with pytest.raises(CheckpointError, match=r"cannot be read.*all its \.data files"):
        Bundle(copied / "model").read(last.name)


def test_several_shards_and_types(tmp_path: Path) -> None:
    first, second = np.arange(3, dtype="<f8"), np.array([[7, -1]], dtype="<i4")
    header = (b"", field(1, 2))
    entries = [(b"a", entry(first, dtype=2)), (b"b", entry(second, dtype=3, shard=1, offset=2))]
    write_index(tmp_path / "m-5.index", [header, *entries])
    (tmp_path / "m-5.data-00000-of-00002").write_bytes(first.tobytes())
    (tmp_path / "m-5.data-00001-of-00002").write_bytes(b"??" + second.tobytes())
    bundle = Bundle(find_bundle(tmp_path))
    assert np.array_equal(bundle.read("a"), first)
    assert np.array_equal(bundle.read("b"), second)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (entry(np.zeros(2, "<f4"), dtype=7), "element type 7"),
        (entry(np.zeros(2, "<f4"), dtype=1, sliced=True), "partitioned"),
        (entry(np.zeros(2, "<f4"), dtype=2), "shape .2,. but 8 bytes"),
        (entry(np.zeros(2, "<f4"), dtype=1, offset=1 << 60), "truncated"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(value: bytes, fault: str, tmp_path: Path) -> None:
    write_index(tmp_path / "m.index", [HEADER, (b"kernel", value)])
    (tmp_path / "m.data-00000-of-00001").write_bytes(bytes(8))
    with pytest.raises(CheckpointError, match=fault) as caught:
        Bundle(tmp_path / "m").read("kernel")
    assert "kernel" in str(caught.value)


def test_a_big_endian_machine_is_named(tmp_path: Path) -> None:
    write_index(tmp_path / "m.index", [(b"", field(1, 1) + field(2, 1))])
    with pytest.raises(CheckpointError, match="big-endian"):
        Bundle(tmp_path / "m")


def test_a_compressed_block_is_named(tmp_path: Path) -> None:
    write_index(tmp_path / "m.index", [HEADER], compression=1)
    with pytest.raises(CheckpointError, match="compressed"):
        Bundle(tmp_path / "m")


def test_unknown_variables_and_folders_without_checkpoint(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no variable 'x'"):
        Bundle(copied / "model").read("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="holds no TensorFlow checkpoint"):
        find_bundle(tmp_path / "empty")


@pytest.mark.parametrize("place", ["", "/home/trainer/2stems/", "C:\\\\models\\\\"])
def test_the_file_checkpoint_decides_between_several(place: str, tmp_path: Path) -> None:
    for name in ("model.ckpt-1", "model.ckpt-20"):
        write_index(tmp_path / f"{name}.index", [HEADER])
    with pytest.raises(CheckpointError, match=r"several.*model\.ckpt-1, model\.ckpt-20"):
        find_bundle(tmp_path)
    (tmp_path / "checkpoint").write_text(
        f'model_checkpoint_path: "{place}model.ckpt-20"\n'
        f'all_model_checkpoint_paths: "{place}model.ckpt-1"\n',
        encoding="utf-8",
    )
    assert find_bundle(tmp_path) == tmp_path / "model.ckpt-20"


def test_an_objects_variables_are_named_by_their_way_from_it(tmp_path: Path) -> None:
    """As `tf.train.Checkpoint(model=..., optim=...)` writes them."""
    kernel, bias = np.arange(4, dtype="<f4"), np.full(2, 5, dtype="<f4")
    value = "/.ATTRIBUTES/VARIABLE_VALUE"
    slot = "model/net/middle/0/conv1/kernel/.OPTIMIZER_SLOT/optim/m" + value
    entries = [
        (b"_CHECKPOINTABLE_OBJECT_GRAPH", entry(bias, dtype=7, offset=16)),
        (f"model/net/middle/0/conv1/bias{value}".encode(), entry(bias, dtype=1, offset=16)),
        (f"model/net/middle/0/conv1/kernel{value}".encode(), entry(kernel, dtype=1)),
        (slot.encode(), entry(kernel, dtype=1)),
        (f"optim/iter{value}".encode(), entry(kernel, dtype=1)),
    ]
    write_index(tmp_path / "m.index", [HEADER, *entries])
    (tmp_path / "m.data-00000-of-00001").write_bytes(kernel.tobytes() + bias.tobytes())
    bundle = Bundle(tmp_path / "m")
    found = object_variables(bundle, below="model/net")
    assert sorted(found) == ["middle/0/conv1/bias", "middle/0/conv1/kernel"]
    assert np.array_equal(found["middle/0/conv1/kernel"], kernel)
    with pytest.raises(CheckpointError, match=r"no object 'net'.*begin with .*model, optim"):
        object_variables(bundle, below="net")
