"""Real recordings in Saraga's real layout, and a real multitrack as a plain folder."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.folder import read_folder
from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.datasets.validate import validate


@pytest.fixture
def saraga_dir(data_dir: Path) -> Path:
    if not (data_dir / "saraga1.5_carnatic").is_dir():
        pytest.skip(f"no recordings of Saraga in {data_dir}")
    return data_dir


@pytest.mark.parametrize("through_mirdata", [True, False])
def test_the_excerpts_of_saraga_load(saraga_dir: Path, through_mirdata: bool) -> None:
    dataset = load_dataset("saraga_carnatic", root=saraga_dir)
    if through_mirdata:
        pytest.importorskip("mirdata", reason="needs the extra data")
        tracks = dataset.tracks()
    else:
        tracks = [found.track for found in read_folder(saraga_dir, dataset.layout)]
    cherthala, sanjay = tracks
    assert {s: [m.name for m in feeds] for s, feeds in cherthala.stems.items()} == {
        "vocals": ["vocal"],
        "violin": ["violin"],
        "mridangam": ["mridangam-left", "mridangam-right"],
        "other": ["ghatam"],
    }
    assert cherthala.info() == (44100, 88200)
    assert (cherthala.tonic_hz, cherthala.raga, cherthala.tala) == (201.74089, "Śrīranjani", "Ādi")
    assert {(a.name, a.role) for a in cherthala.artists} >= {
        ("Cherthala Ranganatha Sharma", "lead"),
        ("B.U. Ganesh Prasad", "violin"),
        ("Srimushnam V Raja Rao", "mridangam"),
        ("N Guruprasad", "ghatam"),
    }
    assert set(cherthala.annotations) == {"pitch", "sama", "tempo", "sections", "tonic"}
    assert sanjay.stems == {}
    assert sanjay.tonic_hz == pytest.approx(147.68, abs=0.01)
    assert sanjay.read_mixture(start=44100 * 100, frames=1000).shape == (2, 1000)


def test_real_stems_are_the_sum_of_their_microphones(saraga_dir: Path) -> None:
    cherthala = load_dataset("saraga_carnatic", root=saraga_dir).tracks()[0]
    assert not cherthala.mixture_is_sum_of_stems
    files = [read_audio(m.path)[0] for m in cherthala.stems["mridangam"]]
    span = cherthala.read_stem("mridangam", start=30_000, frames=20_000)
    np.testing.assert_allclose(span, (files[0] + files[1])[:, 30_000:50_000], atol=1e-6)


def test_the_real_excerpts_have_no_faults(saraga_dir: Path) -> None:
    report = validate(load_dataset("saraga_carnatic", root=saraga_dir))
    assert report.faults == []
    assert report.files == 7


def test_a_real_multitrack_is_a_plain_folder(data_dir: Path) -> None:
    folder = data_dir / "real_multitrack"
    if not folder.is_dir():
        pytest.skip(f"no multitrack in {data_dir}")
    (track,) = load_dataset(folder).tracks()
    assert track.stem_names == ("vocals", "violin", "mridangam", "other")
    assert track.mixture == folder / "mix.flac"
    blocks = list(track.blocks(block_frames=2**15, sample_rate=22050))
    assert sum(block["mixture"].shape[1] for block in blocks) == 441_000
    assert all(np.isfinite(part).all() for block in blocks for part in block.values())


def test_the_whole_of_saraga() -> None:
    """The whole collection, where ``CARNATIC_SEP_SARAGA`` names them."""
    named = os.environ.get("CARNATIC_SEP_SARAGA")
    if not named:
        pytest.skip("the whole of Saraga is not here (set CARNATIC_SEP_SARAGA to its folder)")
    dataset = load_dataset("saraga_carnatic", root=Path(named))
    tracks = dataset.tracks()
    assert (len(tracks), sum(bool(track.stems) for track in tracks)) == (249, 168)
    assert {name: len(members) for name, members in dataset.parts().items()} == {
        "train": 120,
        "valid": 29,
        "test": 19,
    }
    assert [p for p in validate(dataset, decode=False).faults if p.kind == "split"] == []
