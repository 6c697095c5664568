"""Methods without learning: librosa's results, planted structure, and sums that must hold."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.metrics.sdr import sdr
from carnatic_sep.models.classic.hpss import percussive_mask
from carnatic_sep.models.classic.nmf import factorise, strokes_and_drone
from carnatic_sep.models.classic.repet_sim import background_mask
from carnatic_sep.models.classic.rpca import robust_pca
from carnatic_sep.models.classic.segments import in_segments
from carnatic_sep.models.classic.separators import CLASSIC, separate_classic

RATE = 8000


@pytest.fixture(scope="module")
def magnitude() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.abs(rng.standard_normal((129, 90))).astype(np.float32)


@pytest.fixture(scope="module")
def piece() -> dict[str, np.ndarray]:
    """A drone, a tone that wanders, and clicks, 6 s."""
    rng = np.random.default_rng(1)
    time = np.arange(6 * RATE) / RATE
    drone = 0.1 * sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 6))
    sung = 0.3 * np.sin(2 * np.pi * np.cumsum(500 + 150 * np.sin(2 * np.pi * 0.7 * time)) / RATE)
    clicks = np.zeros_like(time)
    for start in range(900, 6 * RATE - 300, 3000):
        clicks[start : start + 200] += 0.8 * rng.standard_normal(200) * np.hanning(200)
    return {"sung": sung, "clicks": clicks, "drone": drone}


def test_median_masks_are_librosas(magnitude) -> None:
    librosa = pytest.importorskip("librosa")
    _, theirs = librosa.decompose.hpss(magnitude, kernel_size=17, mask=True)
    np.testing.assert_allclose(percussive_mask(magnitude, kernel=17), theirs, atol=1e-5)


def test_what_repeats_is_the_median_of_the_nearest_columns(magnitude) -> None:
    from scipy.spatial.distance import cdist

    distance = cdist(magnitude.T, magnitude.T, "cosine")
    mine = background_mask(magnitude, width=5)
    for column in (0, 44, 89):
        far = [k for k in range(90) if abs(k - column) >= 5]
        nearest = sorted(far, key=lambda k: distance[column, k])[:18]  # 2 * ceil(sqrt(81))
        repeating = np.median(magnitude[:, nearest], axis=1)
        background = np.minimum(repeating, magnitude[:, column])
        expected = background**2 / (background**2 + (magnitude[:, column] - background) ** 2)
        np.testing.assert_allclose(mine[:, column], expected, atol=1e-4)


def test_a_loop_is_background_and_what_sounds_once_is_not() -> None:
    rng = np.random.default_rng(2)
    loop = np.tile(np.abs(rng.standard_normal((64, 10))), 30).astype(np.float32)
    once = np.zeros_like(loop)
    once[20:24, 33:37] = 8.0
    mask = background_mask(loop + once, width=5)
    assert mask[20:24, 33:37].mean() < 0.2
    assert mask[once == 0].mean() > 0.9


def test_a_piece_too_short_to_repeat_is_shared_equally() -> None:
    assert np.all(background_mask(np.ones((8, 4), dtype=np.float32), width=5) == 0.5)


def test_robust_pca_recovers_what_was_planted() -> None:
    rng = np.random.default_rng(3)
    low = (rng.standard_normal((80, 3)) @ rng.standard_normal((3, 120))).astype(np.float32)
    sparse = np.where(rng.uniform(size=low.shape) < 0.05, 10.0, 0.0).astype(np.float32)
    found_low, found_sparse = robust_pca(low + sparse)
    assert np.linalg.norm(found_low - low) < 0.01 * np.linalg.norm(low)
    assert np.linalg.norm(found_sparse - sparse) < 0.01 * np.linalg.norm(sparse)
    assert np.linalg.matrix_rank(found_low, tol=1e-2) == 3


def test_robust_pca_of_silence_is_silence() -> None:
    low, sparse = robust_pca(np.zeros((5, 7), dtype=np.float32))
    assert not low.any()
    assert not sparse.any()


def test_factors_multiply_to_what_they_were_made_of() -> None:
    rng = np.random.default_rng(4)
    truth = (rng.uniform(size=(60, 3)) ** 4 @ rng.uniform(size=(3, 80)) ** 4).astype(np.float32)
    spectra, activations = factorise(truth, components=3, iterations=300)
    assert np.linalg.norm(spectra @ activations - truth) < 0.05 * np.linalg.norm(truth)
    np.testing.assert_allclose(spectra.sum(axis=0), 1.0, rtol=1e-4)
    assert min(spectra.min(), activations.min()) >= 0.0


def test_factorising_is_the_same_each_time(magnitude) -> None:
    first, second = (factorise(magnitude, components=4, iterations=5)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_strokes_and_drones_are_told_by_their_shape() -> None:
    comb = np.zeros(100)
    comb[10::10] = 1.0
    broad = np.hanning(100)
    hits = np.zeros(200)
    hits[::25] = 1.0
    notes = np.clip(np.sin(np.linspace(0, 6 * np.pi, 200)), 0, None)
    spectra = np.stack([broad, comb, comb], axis=1).astype(np.float32)
    activations = np.stack([hits, notes, np.ones(200)]).astype(np.float32)
    strokes, drone = strokes_and_drone(spectra, activations)
    assert strokes.tolist() == [True, False, False]
    assert drone.tolist() == [False, False, True]


@pytest.mark.parametrize("name", CLASSIC)
def test_stems_sum_to_the_mixture_and_clicks_are_the_mridangams(name, piece) -> None:
    mixture = sum(piece.values()).astype(np.float32)[None]
    stems = separate_classic(name, mixture, sample_rate=RATE)
    assert list(stems) == ["vocals", "violin", "mridangam", "other"]
    np.testing.assert_allclose(sum(stems.values()), mixture, atol=1e-5)
    better = sdr(piece["clicks"][None], stems["mridangam"])
    assert better > sdr(piece["clicks"][None], mixture) + 2


def test_two_channels_share_one_mask(piece) -> None:
    mono = sum(piece.values()).astype(np.float32)
    stems = separate_classic("HPSS", np.stack([mono, 0.5 * mono]), sample_rate=RATE)
    np.testing.assert_allclose(stems["vocals"][1], 0.5 * stems["vocals"][0], atol=1e-6)


def test_segments_fade_into_each_other_without_a_seam() -> None:
    rng = np.random.default_rng(5)
    audio = rng.standard_normal((2, 1000)).astype(np.float32)
    lengths = []

    def halves(part: np.ndarray) -> np.ndarray:
        lengths.append(part.shape[-1])
        return np.stack([0.25 * part, 0.75 * part])

    found = in_segments(audio, halves, segment_frames=300, fade_frames=40)
    np.testing.assert_allclose(found[0], 0.25 * audio, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=0), audio, atol=1e-6)
    assert max(lengths) == 300
    assert len(lengths) == 4


@pytest.mark.parametrize("frames", [1, 39, 300, 301, 560, 561])
def test_segments_of_any_length(frames) -> None:
    audio = np.arange(frames, dtype=np.float32)[None]
    found = in_segments(audio, lambda x: x[None], segment_frames=300, fade_frames=40)
    np.testing.assert_allclose(found[0], audio, rtol=1e-6)


def test_fades_that_touch_are_refused() -> None:
    with pytest.raises(ValueError, match="fades of 20 frames in segments of 40"):
        in_segments(np.zeros((1, 9)), lambda x: x[None], segment_frames=40, fade_frames=20)
