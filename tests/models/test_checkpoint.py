"""One-file checkpoints: what is saved comes back, and nothing else gets in."""

from __future__ import annotations

import hashlib
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models.band_unet import BandUNet
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.models.checkpoint import (
    FORMAT,
    Provenance,
    load_checkpoint,
    read_metadata,
    save_checkpoint,
)
from carnatic_sep.models.registry import register


@register("toy-gains")
class ToyGains(SeparationModel):
    """One gain per stem and a batch norm whose counter is an integer tensor."""

    def __init__(self, *, stems: list[str], width: int = 3) -> None:
        super().__init__()
        self.config = {"stems": list(stems), "width": width}
        self.stems = tuple(stems)
        self.sample_rate = 8000
        self.channels = None
        self.segment_seconds = 0.5
        self.gains = nn.Parameter(torch.randn(len(stems)))
        self.mix = nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, mixture: Tensor) -> Tensor:
        return self.gains[:, None, None] * mixture[:, None]


PROVENANCE = Provenance(
    name="toy",
    licence="CC BY-NC-SA 4.0",
    description="two gains",
    credits=["ஒரு பாடகர்", "A. Violinist"],
    trained_on="nothing",
    seed=7,
    steps=0,
    metrics={"sdr_vocals": 1.5},
    extra={"note": {"deep": [1, 2.5, None]}},
)


def framed(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def toy() -> ToyGains:
    model = ToyGains(stems=["vocals", "other"])
    model.norm.running_mean = torch.randn(3)
    return model


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, ToyGains]:
    model = toy()
    path = tmp_path / "toy.safetensors"
    save_checkpoint(path, model, PROVENANCE)
    return path, model


def test_weights_come_back_bit_for_bit_in_evaluation_mode(saved: tuple[Path, ToyGains]) -> None:
    path, model = saved
    loaded = load_checkpoint(path)
    assert not loaded.training
    assert loaded.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_metadata_says_what_was_saved_and_hashes_agree(saved: tuple[Path, ToyGains]) -> None:
    path, model = saved
    info = read_metadata(path)
    content = path.read_bytes()
    header_bytes = struct.unpack("<Q", content[:8])[0]
    assert info.provenance == PROVENANCE
    assert (info.architecture, info.stems, info.sample_rate) == ("toy-gains", model.stems, 8000)
    assert info.channels is None
    assert info.segment_seconds == 0.5
    assert info.parameters == 2 + 3 * 3 + 3 + 3 + 3
    assert info.bytes == len(content)
    assert info.sha256 == hashlib.sha256(content).hexdigest()
    assert info.weights_sha256 == hashlib.sha256(content[8 + header_bytes :]).hexdigest()


def test_half_precision_halves_the_weights_and_loads_as_float32(tmp_path: Path) -> None:
    model = toy()
    path = tmp_path / "half.safetensors"
    save_checkpoint(path, model, PROVENANCE, dtype="float16")
    with safe_open(path, framework="pt") as file:
        assert file.get_tensor("gains").dtype == torch.float16
        assert file.get_tensor("norm.num_batches_tracked").dtype == torch.int64
    loaded = load_checkpoint(path).state_dict()
    assert loaded["gains"].dtype == torch.float32
    # float16 rounds to 11 significant bits.
    assert torch.allclose(loaded["mix.weight"], model.mix.weight, rtol=2**-11, atol=1e-7)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    model = toy()
    for name in ("a", "b"):
        save_checkpoint(tmp_path / name, model, PROVENANCE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_loading_leaves_the_callers_random_numbers_alone(saved: tuple[Path, ToyGains]) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load_checkpoint(saved[0])
    assert torch.equal(torch.rand(4), expected)


def test_numbers_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    model = toy()
    for number in (float("nan"), float("inf")):
        with torch.no_grad():
            model.gains[0] = number
        for dtype in ("float16", "float32"):
            with pytest.raises(CheckpointError, match="gains.*diverged"):
                save_checkpoint(tmp_path / "nan", model, PROVENANCE, dtype=dtype)
    assert list(tmp_path.iterdir()) == []


def test_numbers_beyond_half_precision_are_kept_in_full(tmp_path: Path) -> None:
    model = toy()
    with torch.no_grad():
        model.gains[0] = 72344.75  # float16 ends at 65504
    save_checkpoint(tmp_path / "big", model, PROVENANCE, dtype="float16")
    with safe_open(tmp_path / "big", framework="pt") as file:
        assert file.get_tensor("gains").dtype == torch.float32
        assert file.get_tensor("mix.weight").dtype == torch.float16
    assert torch.equal(load_checkpoint(tmp_path / "big").gains, model.gains)


def test_a_config_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    model = toy()
    model.config = {"stems": {1, 2}}
    with pytest.raises(CheckpointError, match="JSON"):
        save_checkpoint(tmp_path / "x", model, PROVENANCE)


def test_a_failed_save_keeps_the_old_file_and_leaves_nothing_else(
    saved: tuple[Path, ToyGains], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, model = saved
    before = path.read_bytes()

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match=r"toy\.safetensors.*No space left"):
        save_checkpoint(path, model, PROVENANCE)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


class _Bomb:
    """Running this pickle would create a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.target,))


def test_pickles_are_refused_and_never_run(tmp_path: Path) -> None:
    target = tmp_path / "exploded"
    path = tmp_path / "bomb.safetensors"
    for protocol in (2, 4):
        path.write_bytes(pickle.dumps(_Bomb(target), protocol=protocol))
        for read in (load_checkpoint, read_metadata):
            with pytest.raises(CheckpointError, match=r"bomb\.safetensors.*pickle"):
                read(path)
    assert not target.exists()


def test_torch_save_files_are_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"zip archive.*torch\.save"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"abc", "truncated"),
        (b"just some words, long enough", "not a safetensors"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x89HDF\r\n\x1a\n" + bytes(16), "HDF5"),
        (struct.pack("<Q", 8) + b"{broken}", "damaged"),
        (struct.pack("<Q", 14) + b'{"x": [1, 2]} ', "damaged"),
        (framed(b'{"x":' + b"[" * 200_000), "damaged"),
        (framed(b'{"x":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}'), "damaged"),
    ],
)
def test_foreign_files_get_a_plain_answer(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "thing.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"thing\.safetensors.*{says}"):
        load_checkpoint(path)


def test_missing_files_and_directories_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere.*no such file"):
        load_checkpoint(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="directory"):
        load_checkpoint(tmp_path)


def test_every_truncation_is_noticed(saved: tuple[Path, ToyGains]) -> None:
    path, _ = saved
    content = path.read_bytes()
    for kept in (1, 7, 8, 9, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:kept])
        with pytest.raises(CheckpointError, match=r"truncated|not a safetensors"):
            load_checkpoint(path)
    path.write_bytes(content + b"x")
    with pytest.raises(CheckpointError, match="follow the last tensor"):
        load_checkpoint(path)


def test_a_flipped_bit_in_the_weights_is_noticed(saved: tuple[Path, ToyGains]) -> None:
    path, _ = saved
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="SHA-256"):
        load_checkpoint(path)


def _rewrite(path: Path, **changes: object) -> None:
    """Change fields of the metadata, as a forger or a future version might."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = json.loads(file.metadata()["carnatic_sep"])
    save_file(tensors, path, {"carnatic_sep": json.dumps(metadata | changes)})


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="not a checkpoint of this package"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"architecture": "no-such-net"}, r"unknown architecture.*no-such-net"),
        ({"format": "carnatic-sep-checkpoint-9"}, FORMAT),
        ({"config": {"no_such_option": 1}}, "config does not build"),
        ({"stems": ["vocals", "violin"]}, "header promises"),
        ({"sample_rate": "fast"}, "damaged metadata"),
        (
            {"config": {"stems": ["vocals", "other", "x"]}, "stems": ["vocals", "other", "x"]},
            "gains",
        ),
        ({"config": {"stems": ["vocals", "other"], "width": 4}}, r"mix\.weight has shape \(3, 3\)"),
    ],
)
def test_headers_that_do_not_fit_are_refused(
    saved: tuple[Path, ToyGains], changes: dict[str, object], says: str
) -> None:
    path, _ = saved
    _rewrite(path, **changes)
    with pytest.raises(CheckpointError, match=says):
        load_checkpoint(path)


def test_a_small_file_that_asks_for_a_huge_network_gets_none(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    save_checkpoint(path, BandUNet(widths=(4, 4), hidden=4), PROVENANCE)
    hidden = 2_000_000  # its recurrent weights alone would take 96 TB
    _rewrite(path, config=BandUNet(widths=(4, 4), hidden=4).config | {"hidden": hidden})
    with pytest.raises(CheckpointError, match=r"time\.rnn\..* has shape"):
        load_checkpoint(path)


def test_missing_and_surplus_tensors_are_named(tmp_path: Path) -> None:
    model = toy()
    path = tmp_path / "odd.safetensors"
    weights = model.state_dict()
    model.state_dict = lambda: {  # type: ignore[method-assign, assignment]
        **{name: value for name, value in weights.items() if name != "gains"},
        "surplus": torch.zeros(1),
    }
    save_checkpoint(path, model, PROVENANCE)
    with pytest.raises(CheckpointError, match=r"gains is missing; surplus is not part of it"):
        load_checkpoint(path)
