"""What a stem and a mixture have in common, where the stem's own player is heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Complex = NDArray[np.complex128]
    Real = NDArray[np.float64]

QUIET = 1e-6
"""Share of the power below which a cell or a band counts as silent."""

_UPSAMPLING = 16
_FLOOR = 1e-20


@dataclass(frozen=True)
class CrossSpectra:
    """What a stem and a mixture have in common, frequency by frequency, over some stretch.

    Only cells of the time-frequency plane count in which the stem is nearly as loud against the
    mixture as it ever is. Elsewhere somebody else plays, and what the stem holds of him is bleed
    that came a longer way than into the mixture.

    Attributes
    ----------
    phases : (bins,), sum over such cells of the cross spectrum's unit phasors
    cells : (bins,), their number
    cross, power : (bins,), sums of the cross spectrum and of the stem's power there
    """

    phases: Complex
    cells: Real
    cross: Complex
    power: Real
    sample_rate: int

    @classmethod
    def of(cls, pairs: Complex, ratio: float, sample_rate: int) -> CrossSpectra:
        """Take (2, segments, bins), stem and mixture, and the least ratio of their powers."""
        stem, mixture = pairs
        power = np.abs(stem) ** 2
        counts = (power > ratio * np.abs(mixture) ** 2) & (power > QUIET * power.max(axis=0))
        cross = np.where(counts, mixture * np.conj(stem), 0.0)
        return cls(
            phases=np.sum(cross / (np.abs(cross) + _FLOOR), axis=0),
            cells=np.sum(counts, axis=0).astype(np.float64),
            cross=np.sum(cross, axis=0),
            power=np.sum(np.where(counts, power, 0.0), axis=0),
            sample_rate=sample_rate,
        )

    @classmethod
    def sum(cls, spectra: list[CrossSpectra]) -> CrossSpectra:
        """Pool several stretches."""
        return cls(
            phases=np.sum([one.phases for one in spectra], axis=0),
            cells=np.sum([one.cells for one in spectra], axis=0),
            cross=np.sum([one.cross for one in spectra], axis=0),
            power=np.sum([one.power for one in spectra], axis=0),
            sample_rate=spectra[0].sample_rate,
        )

    def correlation(self, *, upsampling: int = 1) -> Real:
        """Return the correlation of phases over lags of the stem from 0, circular, -1 to 1."""
        from scipy import fft

        size = 2 * (len(self.phases) - 1) * upsampling
        scale = 0.5 * size / (np.sum(self.cells) + _FLOOR)
        return np.asarray(fft.irfft(np.conj(self.phases), size) * scale)

    def peak(self, polarity: int, reach_seconds: float) -> tuple[float, float]:
        """Return the lag in frames, between samples, of the highest peak near 0, and its height."""
        values = polarity * self.correlation(upsampling=_UPSAMPLING)
        reach = min(round(reach_seconds * self.sample_rate) * _UPSAMPLING, len(values) // 2 - 2)
        near = np.arange(-reach, reach + 1)
        best = int(near[np.argmax(values[near])])
        before, top, after = values[[best - 1, best, best + 1]]
        bend = before - 2.0 * top + after
        between = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
        return float((best + between) / _UPSAMPLING), float(max(top, 0.0))

    def band(self, low_hz: float, high_hz: float) -> CrossSpectra:
        """Return what lies from `low_hz` up to below `high_hz`; the rest is empty."""
        hertz = np.arange(len(self.cross)) * self.sample_rate / (2 * (len(self.cross) - 1))
        inside = (hertz >= low_hz) & (hertz < high_hz)
        return CrossSpectra(
            phases=np.where(inside, self.phases, 0.0),
            cells=np.where(inside, self.cells, 0.0),
            cross=np.where(inside, self.cross, 0.0),
            power=np.where(inside, self.power, 0.0),
            sample_rate=self.sample_rate,
        )

    def delay(self, near: float, reach_seconds: float) -> float:
        """Return the lag in frames, near `near`, at which a band's envelope peaks."""
        from scipy import fft

        size = 2 * (len(self.phases) - 1)
        one_sided = np.zeros(size, dtype=np.complex128)
        one_sided[: len(self.phases)] = self.phases  # analytic: its magnitude is the envelope
        envelope = np.abs(fft.ifft(np.conj(one_sided)))
        reach = min(round(reach_seconds * self.sample_rate), size // 2 - 1)
        lags = round(near) + np.arange(-reach, reach + 1)
        return float(lags[np.argmax(envelope[lags % size])])

    def found(self, lag: float) -> complex:
        """Return the cross spectrum summed at `lag`, frames; over the power it is the gain."""
        size = 2 * (len(self.cross) - 1)
        turn = np.exp(-2j * np.pi * np.arange(len(self.cross)) / size * lag)
        return complex(np.sum(self.cross * turn))


def segments(
    stem: NDArray[np.floating],
    mixture: NDArray[np.floating],
    window: tuple[int, int],
    *,
    size: int,
    lag: int = 0,
) -> Complex:
    """Return spectra (2, segments, bins) of a window, of the stem from `lag` frames later.

    Segments of `size` frames, half over each other, under a Hann window.
    """
    from scipy import fft

    start = max(window[0], -lag, 0)
    end = min(window[1], len(stem) - lag, len(mixture))
    pair = np.stack([stem[start + lag : end + lag], mixture[start:end]]).astype(np.float64)
    pair = np.pad(pair, ((0, 0), (0, max(size - pair.shape[1], 0))))
    hann = np.hanning(size + 1)[:-1]
    cut = np.lib.stride_tricks.sliding_window_view(pair, size, axis=1)[:, :: size // 2]
    return np.asarray(fft.rfft(cut * hann, axis=2))


def least_ratio(pairs: list[Complex]) -> float:
    """Return the ratio of powers, stem to mixture, above which the stem's own player is heard.

    Half of what most of the stem's energy reaches: where he is silent the stem holds bleed, and
    the mixture holds whose it is much louder.
    """
    power = np.concatenate([np.abs(pair[0]).ravel() ** 2 for pair in pairs])
    total = np.concatenate([np.abs(pair[1]).ravel() ** 2 for pair in pairs])
    ratio = power / (total + _FLOOR)
    order = np.argsort(ratio)
    share = np.cumsum(power[order])
    return 0.5 * float(ratio[order][np.searchsorted(share, 0.5 * share[-1])])


def fast_size(frames: int) -> int:
    """Return an even length of at least `frames` whose transform is fast."""
    from scipy import fft

    return 2 * fft.next_fast_len(-(-frames // 2), real=True)
