"""Spleeter's checkpoints: the right output, the right activations, archives that mean harm."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models import zoo
from carnatic_sep.models.checkpoint import load_checkpoint, read_metadata
from carnatic_sep.models.download import Download
from carnatic_sep.models.spleeter import is_spleeter, layer_names, load_spleeter

FIXTURES = Path(__file__).parents[1] / "fixtures" / "spleeter_small"
BUNDLE = FIXTURES / "2stems"
PIECES = ((0, 4000), (26000, 34000), (56000, 60000))  # as in the fixtures' convert.py


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLE, tmp_path / "2stems"))


def archive_of(folder: Path, path: Path, *, inside: str = "") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, inside + file.name)
    return path


def edit(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def snr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    error = np.sum((reference.astype(float) - estimate) ** 2)
    return float(10 * np.log10(np.sum(reference.astype(float) ** 2) / error))


@pytest.mark.parametrize("mask_extension", ["zeros", "average"])
def test_a_bundle_gives_spleeters_waveforms_beyond_90_db(mask_extension: str, copied: Path) -> None:
    edit(copied, mask_extension=mask_extension)
    model = load_spleeter(copied)
    assert model.stems == ("vocals", "accompaniment")
    assert model.config["filters"] == [4, 8, 8, 16, 16, 16]
    assert not model.training
    mixture = np.load(FIXTURES / "input.npz")["mixture"]
    with torch.inference_mode():
        stems = model(torch.from_numpy(mixture.T.copy())[None])[0].numpy()
    stored = np.load(FIXTURES / "2stems.npz")
    for stem, estimate in zip(model.stems, stems, strict=True):
        kept = np.concatenate([estimate.T[start:stop] for start, stop in PIECES])
        assert snr_db(stored[f"expected/{mask_extension}/{stem}"], kept) > 90, stem


def same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    state = other.state_dict()
    return all(torch.equal(tensor, state[name]) for name, tensor in one.state_dict().items())


@pytest.mark.parametrize("inside", ["", "./", "2stems/"])
def test_an_archive_is_read_like_the_folder(inside: str, copied: Path, tmp_path: Path) -> None:
    archive = archive_of(copied, tmp_path / "2stems.tar.gz", inside=inside)
    assert is_spleeter(archive)
    assert is_spleeter(copied)
    assert not is_spleeter(tmp_path)
    assert same_weights(load_spleeter(archive), load_spleeter(copied))
    assert same_weights(load_spleeter(copied / "model.index"), load_spleeter(copied))


def test_activations_follow_the_number_of_stems_or_the_configuration(copied: Path) -> None:
    edit(copied, model={"type": "unet.unet", "params": {"conv_activation": "ELU"}}, F=1536)
    configured = load_spleeter(copied).config
    assert configured["encoder_activation"] == "elu"
    assert configured["decoder_activation"] == "relu"
    assert configured["frequency_bins"] == 1536
    (copied / "config.json").unlink()  # as in Deezer's archives
    official = load_spleeter(copied).config
    assert official["encoder_activation"] == "leaky_relu"
    assert official["frequency_bins"] == 1024


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"instrument_list": ["vocals", "drums", "bass", "other"]}, "4 instruments.*of 2"),
        ({"model": {"type": "blstm.blstm"}}, "blstm"),
        ({"model": {"params": {"conv_activation": "ReLU"}}}, "conv_activation ReLU"),
        ({"frame_length": 2048}, "frame_length is 2048"),
        ({"instrument_list": None}, "not a configuration"),
        ({"model": 3}, "not a configuration"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    changes: dict[str, object], fault: str, copied: Path
) -> None:
    edit(copied, **changes)
    with pytest.raises(CheckpointError, match=f"config.json.*{fault}"):
        load_spleeter(copied)


def test_layer_names_count_over_the_whole_graph() -> None:
    """From a checkpoint of Spleeter's own estimator: the second U-Net of two."""
    names = layer_names(1)
    assert names["nets.1.encoder.0"] == "conv2d_7"
    assert names["nets.1.last"] == "conv2d_13"
    assert names["nets.1.decoder.0"] == "conv2d_transpose_6"
    assert names["nets.1.encoder_norms.0"] == "batch_normalization_12"
    assert names["nets.1.decoder_norms.5"] == "batch_normalization_23"
    assert layer_names(0)["nets.0.encoder.0"] == "conv2d"


def test_links_and_paths_out_of_the_archive_are_passed_over(copied: Path, tmp_path: Path) -> None:
    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("config.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name in ("../../outside.sh", "/tmp/outside.sh"):
            info = tarfile.TarInfo(name)
            info.size = 4
            archive.addfile(info, io.BytesIO(b"echo"))
        for file in copied.glob("model.*"):
            archive.add(file, f"../../{file.name}")
    before = sorted(tmp_path.rglob("*"))
    assert load_spleeter(path).stems == ("vocals", "accompaniment")
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/tmp/outside.sh").exists()


def test_damaged_archives_are_refused(copied: Path, tmp_path: Path) -> None:
    whole = archive_of(copied, tmp_path / "a.tar.gz").read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        (tmp_path / "b.tar.gz").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"b\.tar\.gz"):
            load_spleeter(tmp_path / "b.tar.gz")
    with pytest.raises(CheckpointError, match=r"none\.tar\.gz: cannot be unpacked"):
        load_spleeter(tmp_path / "none.tar.gz")


def test_two_checkpoints_in_one_archive_are_refused(copied: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "two.tar.gz", "w:gz") as archive:
        for inside in ("2stems/", "4stems/"):
            archive.add(copied / "model.index", f"{inside}model.index")
    with pytest.raises(CheckpointError, match="two files called model.index"):
        load_spleeter(tmp_path / "two.tar.gz")


def test_a_downloaded_archive_becomes_a_checkpoint_once(
    copied: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied / "config.json").unlink()
    archive = archive_of(copied, tmp_path / "2stems.tar.gz")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    download = Download(archive.as_uri(), digest, format="spleeter")
    downloads = {"spleeter-2stems": download}
    path = zoo.resolve("spleeter:2stems", downloads=downloads)
    assert path == cache / "spleeter-2stems.safetensors"
    assert [p.name for p in cache.iterdir()] == ["spleeter-2stems.safetensors"]
    assert same_weights(load_checkpoint(path), load_spleeter(copied))
    assert read_metadata(path).provenance.extra["source_sha256"] == digest
    archive.unlink()  # from here on nothing is fetched
    assert zoo.resolve("spleeter", downloads=downloads) == path


def test_the_released_models_are_described() -> None:
    for count in (2, 4, 5):
        download = zoo.DOWNLOADS[f"spleeter-{count}stems"]
        assert download.url.endswith(
            f"/deezer/spleeter/releases/download/v1.4.0/{count}stems.tar.gz"
        )
        assert len(bytes.fromhex(download.sha256)) == 32


def test_several_that_want_one_archive_convert_it_once(
    copied: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_of(copied, tmp_path / "2stems.tar.gz")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    downloads = {"spleeter-2stems": Download(archive.as_uri(), digest, format="spleeter")}
    converted, steps = [], []

    def slowly(path: Path) -> object:
        converted.append(path)
        time.sleep(0.3)
        return load_spleeter(path)

    def resolve(_: int) -> Path:
        return zoo.resolve(
            "spleeter", downloads=downloads, on_progress=lambda step, *_: steps.append(step)
        )

    monkeypatch.setattr("carnatic_sep.models.spleeter.load_spleeter", slowly)
    with ThreadPoolExecutor(3) as pool:
        paths = set(pool.map(resolve, range(3)))
    assert paths == {cache / "spleeter-2stems.safetensors"}
    assert len(converted) == 1
    assert "waiting for another process that fetches spleeter-2stems" in steps
    assert [path.name for path in cache.iterdir()] == ["spleeter-2stems.safetensors"]


def test_a_cache_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CARNATIC_SEP_CACHE", str(tmp_path / "file" / "cache"))
    downloads = {"spleeter-2stems": Download("http://127.0.0.1:9/x", "0" * 64, format="spleeter")}
    with pytest.raises(CheckpointError, match="cannot be written.*point CARNATIC_SEP_CACHE"):
        zoo.resolve("spleeter", downloads=downloads)
