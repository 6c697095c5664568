"""Bleedless, fullness and mel filters against other libraries."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.metrics.mel import mel_filters
from carnatic_sep.metrics.msst import bleed_full


@pytest.mark.filterwarnings("ignore:Empty filters")  # 512 bands leave some without a bin
@pytest.mark.parametrize(("rate", "n_fft", "bands"), [(44100, 4096, 512), (16000, 1024, 32)])
def test_mel_filters_are_librosas(rate: int, n_fft: int, bands: int) -> None:
    librosa = pytest.importorskip("librosa")
    theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands)
    np.testing.assert_allclose(
        mel_filters(sample_rate=rate, n_fft=n_fft, bands=bands), theirs, atol=1e-6
    )


def _by_the_book(reference: np.ndarray, estimate: np.ndarray, rate: int) -> tuple[float, float]:
    """The same definition on torch's transform, without pieces."""
    torch = pytest.importorskip("torch")
    filters = torch.tensor(mel_filters(sample_rate=rate, n_fft=4096, bands=512))
    levels = []
    for signal in (reference, estimate):
        spectrum = torch.stft(
            torch.tensor(signal, dtype=torch.float32),
            4096,
            1024,
            window=torch.hann_window(4096),
            return_complex=True,
            pad_mode="constant",
        ).abs()
        level = 20 * torch.log10((filters @ spectrum).clamp(min=1e-10))
        levels.append(level.clamp(min=float(level.max()) - 80))
    d = levels[1] - levels[0]
    return 100 / (1 + float(d[d > 0].mean())), 100 / (1 - float(d[d < 0].mean()))


@pytest.mark.parametrize("channels", [1, 2])
def test_bleed_full_follows_its_definition(channels: int) -> None:
    rng = np.random.default_rng(0)
    reference = 0.1 * rng.standard_normal((channels, 30000))
    reference[:, 9000:15000] = 0.0
    estimate = 0.7 * reference + 0.01 * rng.standard_normal(reference.shape)
    found = bleed_full(reference, estimate, sample_rate=44100)
    wanted = _by_the_book(reference, estimate, 44100)
    assert (found.bleedless, found.fullness) == pytest.approx(wanted, abs=0.02)


def test_a_known_gain_gives_a_known_score() -> None:
    reference = 0.1 * np.random.default_rng(1).standard_normal(20000)
    louder = bleed_full(reference, reference * 10.0 ** (9.0 / 20.0), sample_rate=22050)
    assert (louder.bleedless, louder.fullness) == pytest.approx((10.0, 100.0), abs=0.01)
    softer = bleed_full(reference, reference * 10.0 ** (-4.0 / 20.0), sample_rate=22050)
    assert (softer.bleedless, softer.fullness) == pytest.approx((100.0, 20.0), abs=0.01)


def test_edges() -> None:
    sound = 0.1 * np.random.default_rng(2).standard_normal(6000)
    same = bleed_full(sound, sound, sample_rate=44100)
    assert (same.bleedless, same.fullness) == (100.0, 100.0)
    silent = bleed_full(0 * sound, 0 * sound, sample_rate=44100)
    assert (silent.bleedless, silent.fullness) == (100.0, 100.0)
    assert bleed_full([0.5], [0.5], sample_rate=44100).fullness == 100.0
    assert bleed_full(0 * sound, sound, sample_rate=44100).bleedless < 2.0
    with pytest.raises(ValueError, match="NaN"):
        bleed_full(sound, np.full_like(sound, np.nan), sample_rate=44100)
