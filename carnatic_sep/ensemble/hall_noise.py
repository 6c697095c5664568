"""What an audience and a hall add: air, hum, coughs, rustling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HUM_HZ = 50
_AIR_SECONDS = 12
_HALLS = 3
_COUGHS_PER_SECOND = 0.02
_RUSTLES_PER_SECOND = 0.05


class HallNoise:
    """The air of a few halls, made once and read from anywhere, and the people in them.

    Parameters
    ----------
    sample_rate : Hz
    rng : draws the halls
    """

    def __init__(self, *, sample_rate: int, rng: np.random.Generator) -> None:
        self.sample_rate = sample_rate
        self._air = [_air(sample_rate, rng) for _ in range(_HALLS)]

    def sound(
        self, *, frames: int, rng: np.random.Generator, people: bool = True
    ) -> NDArray[np.float32]:
        """Return the sound of a hall in which nobody plays, of unit RMS but for its people.

        Parameters
        ----------
        people : whether somebody coughs or rustles now and then

        Returns
        -------
        (2, frames), channels that differ
        """
        air = self._air[int(rng.integers(_HALLS))]
        starts = rng.integers(0, air.size, 2)
        places = (starts[:, None] + np.arange(frames)) % air.size
        near, far = air[places]
        sound = np.stack([near + 0.3 * far, 0.3 * near + far]) / np.float32(np.sqrt(1.09))
        if people:
            for rate, make in ((_COUGHS_PER_SECOND, _cough), (_RUSTLES_PER_SECOND, _rustle)):
                for _ in range(int(rng.poisson(rate * frames / self.sample_rate))):
                    noise = make(self.sample_rate, rng)[:frames]
                    at = int(rng.integers(0, max(1, frames - noise.size)))
                    side = rng.uniform(0.3, 1.0, 2)[:, None] * rng.uniform(1.0, 4.0)
                    sound[:, at : at + noise.size] += (side * noise).astype(np.float32)
        return np.asarray(sound, dtype=np.float32)


def _air(sample_rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return ventilation and the amplifiers' hum, unit RMS; its end runs on into its beginning."""
    from scipy.fft import irfft

    seconds = _AIR_SECONDS
    frames = seconds * sample_rate
    hz = np.arange(frames // 2 + 1) / seconds
    slope, corner = rng.uniform(0.8, 1.4), rng.uniform(80.0, 250.0)
    gain = (hz > 20.0) / (1.0 + hz / corner) ** slope
    spectrum = gain * (rng.standard_normal(hz.size) + 1j * rng.standard_normal(hz.size))
    reference = float(np.sqrt(np.sum(gain**2)))
    for harmonic in (1, 2, 3, 5):
        level = reference * rng.uniform(0.0, 0.25) / harmonic
        spectrum[_HUM_HZ * harmonic * seconds] += level * np.exp(2j * np.pi * rng.uniform())
    sound = irfft(spectrum, frames)
    return np.asarray(sound / np.sqrt(np.mean(sound**2)), dtype=np.float32)


def _cough(sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return one or two bursts of breath through a throat, unit peak."""
    from scipy.signal import butter, sosfilt

    seconds = np.arange(int(0.5 * sample_rate)) / sample_rate
    bursts = np.exp(-seconds / 0.06) * np.minimum(seconds / 0.008, 1.0)
    if rng.random() < 0.6:
        second = np.clip(seconds - 0.24, 0.0, None)
        bursts += 0.7 * np.exp(-second / 0.05) * np.minimum(second / 0.01, 1.0)
    centre = rng.uniform(500.0, 1100.0)
    band = butter(1, [0.6 * centre, 2.0 * centre], btype="bandpass", fs=sample_rate, output="sos")
    return _unit_peak(sosfilt(band, rng.standard_normal(seconds.size) * bursts))


def _rustle(sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return half a second of cloth or paper, unit peak."""
    from scipy.signal import butter, sosfilt

    size = int(rng.uniform(0.2, 0.9) * sample_rate)
    knots = np.linspace(0, size, 12)
    envelope = np.interp(np.arange(size), knots, rng.uniform(0.0, 1.0, 12) ** 2)
    high = butter(1, min(2500.0, 0.3 * sample_rate), "highpass", fs=sample_rate, output="sos")
    return 0.5 * _unit_peak(sosfilt(high, rng.standard_normal(size) * envelope * np.hanning(size)))


def _unit_peak(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(sound / (np.abs(sound).max() + 1e-12))
