"""BSSEval v4: museval itself, our fast path to its SDR, and the guards against its traps."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.metrics._optional import museval_metrics
from carnatic_sep.metrics.csdr import csdr, framewise_sdr
from carnatic_sep.metrics.museval import bsseval_v4

pytest.importorskip("simplejson", reason="museval is not installed (extra: eval)")
RATE = 2000
TAPS = 64


def _stems(seed: int, *, seconds: float = 4.5, channels: int = 2, low_pass: bool = False):
    rng = np.random.default_rng(seed)
    references = 0.1 * rng.standard_normal((3, channels, int(seconds * RATE)))
    if low_pass:
        spectrum = np.fft.rfft(references)
        spectrum[..., int(0.4 * spectrum.shape[-1]) :] = 0
        references = np.fft.irfft(spectrum, references.shape[-1])
    noise = 0.03 * rng.standard_normal(references.shape)
    return references, 0.8 * references + 0.3 * np.roll(references, 1, axis=0) + noise


def _museval(references, estimates):
    return museval_metrics().bss_eval(
        references.transpose(0, 2, 1),
        estimates.transpose(0, 2, 1),
        window=RATE,
        hop=RATE,
        filters_len=TAPS,
    )


def test_the_fast_path_gives_musevals_sdr() -> None:
    references, estimates = _stems(0)
    references[0, :, 2 * RATE : 3 * RATE] = 0.0  # one silent window, NaN for all
    estimates[1, 0, :RATE], estimates[1, 1, :RATE] = 0.2, -0.2  # antiphase counts as silence
    theirs = _museval(references, estimates)[0]
    ours = framewise_sdr(references, estimates, window_frames=RATE)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    assert np.isnan(ours[:, [0, 2]]).all()
    assert np.isfinite(ours[:, [1, 3]]).all()
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_allclose(
        csdr(references, estimates, sample_rate=RATE), np.nanmedian(theirs, 1)
    )


def test_bsseval_is_musevals_where_musevals_is_sound() -> None:
    references, estimates = _stems(1)
    ours = bsseval_v4(references, estimates, sample_rate=RATE, filter_frames=TAPS)
    assert not ours.dithered
    for mine, theirs in zip(
        (ours.sdr, ours.isr, ours.sir, ours.sar), _museval(references, estimates), strict=False
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-3)
    assert set(ours.medians()) == {"sdr", "isr", "sir", "sar"}
    np.testing.assert_allclose(ours.medians()["sar"], np.nanmedian(ours.sar, axis=1))


def test_references_without_treble_are_dithered() -> None:
    references, estimates = _stems(2, channels=1, low_pass=True)
    broken = bsseval_v4(
        references, estimates, sample_rate=RATE, filter_frames=TAPS, guard=False
    ).medians()
    assert (broken["sir"] < -10).all()
    assert (np.abs(broken["sar"]) < 0.1).all()
    guarded = bsseval_v4(references, estimates, sample_rate=RATE, filter_frames=TAPS)
    assert guarded.dithered
    np.testing.assert_allclose(guarded.medians()["sdr"], broken["sdr"], atol=1e-6)
    # By hand: 0.8 of the target against 0.3 of another stem is 8.5 dB.
    np.testing.assert_allclose(guarded.medians()["sir"], 8.5, atol=1.0)


def test_a_stem_given_twice_is_singular_and_still_scored() -> None:
    references, estimates = _stems(3, channels=1)
    references[2] = references[1]
    found = bsseval_v4(references, estimates, sample_rate=RATE, filter_frames=TAPS)
    assert np.isfinite(found.sdr).all()
    assert found.medians()["sdr"][0] == pytest.approx(
        float(csdr(references, estimates, sample_rate=RATE)[0]), abs=1e-6
    )


def test_silence_throughout_is_named() -> None:
    references, estimates = _stems(4)
    estimates[2] = 0.0
    with pytest.raises(ValueError, match="estimate 2 is silent throughout"):
        bsseval_v4(references, estimates, sample_rate=RATE)


def test_less_than_a_window_is_one_window() -> None:
    references, estimates = _stems(5, seconds=0.4)
    scores = framewise_sdr(references, estimates, window_frames=RATE)
    assert scores.shape == (3, 1)
    whole = np.sum(references**2, (1, 2)) / np.sum((references - estimates) ** 2, (1, 2))
    np.testing.assert_allclose(scores[:, 0], 10 * np.log10(whole))
    one = framewise_sdr([[0.5]], [[0.4]], window_frames=RATE)
    np.testing.assert_allclose(one, [[10 * np.log10(25)]])


def test_a_perfect_window_is_infinite_and_left_out_of_the_median() -> None:
    references, estimates = _stems(6)
    estimates[0, :, :RATE] = references[0, :, :RATE]
    scores = framewise_sdr(references, estimates, window_frames=RATE)
    assert scores[0, 0] == np.inf
    assert csdr(references, estimates, sample_rate=RATE)[0] == pytest.approx(
        np.median(scores[0, 1:])
    )
    assert np.isnan(csdr(references, references, sample_rate=RATE)).all()


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"\(2, 1, 9\).*\(2, 2, 9\)"):
        framewise_sdr(np.ones((2, 1, 9)), np.ones((2, 2, 9)), window_frames=3)
    with pytest.raises(ValueError, match=r"not \(9,\)"):
        framewise_sdr(np.ones(9), np.ones(9), window_frames=3)
    with pytest.raises(ValueError, match="estimates of shape .* NaN"):
        framewise_sdr(np.ones((1, 9)), np.full((1, 9), np.nan), window_frames=3)
    with pytest.raises(ValueError, match="at least one frame"):
        framewise_sdr(np.ones((1, 9)), np.ones((1, 9)), window_frames=0)
