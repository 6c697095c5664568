"""Bleed told from stems whose bleed is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.errors import UsageError
from carnatic_sep.leakage.batch import inspect_tracks
from carnatic_sep.leakage.estimate import ceiling_sdr, estimate_bleed, leakage_matrix
from carnatic_sep.leakage.inspect import inspect_stems, inspect_track, spread
from carnatic_sep.leakage.picture import save_inspection
from carnatic_sep.metrics.sdr import sdr

RATE = 8000
SECONDS = 12


def players() -> np.ndarray:
    """Two noises that play by turns and together, (2, frames)."""
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal((2, SECONDS * RATE))
    time = np.arange(SECONDS * RATE) / RATE
    noise[0, (time % 4 > 2) & (time % 4 < 3)] = 0.0
    noise[1, time % 4 > 3] = 0.0
    return noise


def bleeding(gain_db: float) -> np.ndarray:
    stems = players()
    heard = stems.copy()
    heard[0] += 10 ** (gain_db / 20) * np.roll(stems[1], 40)
    return heard


def test_matrix_says_what_leaks_and_nothing_else():
    matrix = leakage_matrix(bleeding(-12.0), sample_rate=RATE, edges_hz=(250, 500, 1000, 2000))
    assert matrix.shape == (2, 2, 3)
    assert np.allclose(10 * np.log10(matrix[0, 1]), -12.0, atol=2.0)
    assert matrix[1, 0].max() < 10 ** (-3.0)
    assert not matrix[[0, 1], [0, 1]].any()


def test_bands_above_the_recording_are_undefined():
    matrix = leakage_matrix(bleeding(-12.0), sample_rate=RATE, edges_hz=(1000, 2000, 6000, 12000))
    assert np.isfinite(matrix[0, 1, 0])
    assert np.isnan(matrix[0, 1, 2])


def test_bands_that_only_resampling_fills_are_undefined(tmp_path):
    song = tmp_path / "song"
    song.mkdir()
    for name, sound in zip(("vocals", "violin"), bleeding(-12.0), strict=True):
        soundfile.write(song / f"{name}.wav", sound, RATE, subtype="FLOAT")
    (track,) = load_dataset(tmp_path).tracks()
    found = inspect_track(track)  # at 16 kHz
    highest = np.array(found.edges_hz[1:])
    assert np.isnan(found.bands_db[..., highest > RATE / 2]).all()
    assert np.isfinite(found.bands_db[0, 1, highest <= RATE / 2]).all()
    assert found.matrix_db[0, 1] == pytest.approx(-12.0, abs=2.0)


@pytest.mark.parametrize("gain_db", [-18.0, -8.0])
def test_ceiling_is_what_the_truth_scores(gain_db: float):
    heard = bleeding(gain_db)
    found = ceiling_sdr(heard, sample_rate=RATE)
    # Two white noises share every bin, so that masks find little of what filters leave.
    assert found[0] == pytest.approx(sdr(heard[0], players()[0]), abs=3.0)
    assert found[1] > 18.0


def test_bleed_is_heard_when_the_other_plays():
    found = estimate_bleed(bleeding(-10.0), sample_rate=RATE)
    times = np.arange(found.own.shape[1]) * found.hop_seconds
    silent = (times % 4 > 3.2) & (times % 4 < 3.8)  # of the one who leaks
    assert found.bleed[0, silent].sum() < 0.01 * found.bleed[0].sum()


def test_inspection_can_be_written_and_drawn(tmp_path):
    spans = [(10.0, 16.0), (30.0, 36.0)]
    found = inspect_stems(
        bleeding(-10.0),
        names=["vocals", "violin"],
        sample_rate=RATE,
        track="song",
        stretches=spans,
        duration_seconds=40.0,
    )
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert document["leakage_db"][0][0] is None
    assert document["leakage_db"][0][1] == pytest.approx(-10.0, abs=2.5)
    assert document["signal_to_bleed_db"]["vocals"] < document["signal_to_bleed_db"]["violin"]
    assert all(
        any(low <= start <= end <= high for low, high in spans)
        for regions in found.solos.values()
        for start, end in regions
    )
    assert all(any(low <= time <= high for low, high in spans) for time in found.times)
    save_inspection(found, tmp_path / "new" / "song.png")
    assert (tmp_path / "new" / "song.png").read_bytes()[:4] == b"\x89PNG"


def test_a_silent_stem_neither_bleeds_nor_has_a_ceiling():
    stems = np.concatenate([bleeding(-12.0), np.zeros((1, SECONDS * RATE))])
    found = inspect_stems(stems, names=("vocals", "violin", "mridangam"), sample_rate=RATE)
    assert np.isnan(found.matrix_db[2]).all()
    assert np.isnan(found.matrix_db[:, 2]).all()
    assert np.isnan(found.ceiling_db[2])
    assert found.matrix_db[0, 1] == pytest.approx(-12.0, abs=2.0)
    assert np.isfinite(found.ceiling_db[:2]).all()
    json.dumps(found.as_dict(), allow_nan=False)


def test_stretches_are_spread_evenly():
    assert spread(30.0, seconds=60.0) == [(0.0, 30.0)]
    stretches = spread(600.0, seconds=60.0)
    assert sum(end - start for start, end in stretches) == pytest.approx(60.0)
    gaps = np.diff([start for start, _ in stretches])
    assert np.allclose(gaps, gaps[0])
    assert stretches[0][0] > 0.0
    assert stretches[-1][1] < 600.0


def test_what_cannot_be_inspected_is_said():
    with pytest.raises(UsageError, match="two stems"):
        leakage_matrix(np.zeros((1, 9000)), sample_rate=RATE)
    with pytest.raises(UsageError, match="too few"):
        estimate_bleed(np.zeros((2, 100)), sample_rate=RATE)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_no_time_to_look_at_is_told_once(seconds: float):
    with pytest.raises(UsageError, match="--seconds .*: give how much to look at"):
        inspect_tracks([], seconds=seconds)
