"""Systems under test: estimates whose true quality is known, good and bad in many ways."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from scenes import RATE, Scene

Audio = NDArray[np.float64]

N_FFT = 1024
HOP = 256
COPIERS = ("copy", "bleed", "ratio mask of bleeding stems")
"""Beginnings of the names of systems that carry the reference's own bleed on."""


def systems(scene: Scene, stem: str, rng: np.random.Generator) -> dict[str, Audio]:
    """Return estimates of `stem` by name, each (frames,); none of them is made by a cleaner.

    Masks from the truth and from the bleeding stems, copies of the recorded stem, the mixture,
    the truth with artefacts, with interference of the others, with the recorded bleed, low-passed,
    attenuated, and random combinations of these.
    """
    target = scene.close[stem].astype(np.float64)
    recorded = scene.bled[stem].astype(np.float64)
    bleed = recorded - target
    others = np.sum([audio for name, audio in scene.close.items() if name != stem], axis=0)
    mixture = _spectrum(scene.mixture)
    ratio = _ratio(scene.close, stem)
    ratio_bled = _ratio(scene.bled, stem)

    def masked(mask: Audio, noise: float = 0.0, width: int = 1) -> Audio:
        if noise:
            mask = np.clip(mask + noise * _blurred(rng, mask.shape, width), 0.0, 1.0)
        return _sound(mask * mixture, len(target))

    def at(audio: Audio, level_db: float) -> Audio:
        gain = np.sqrt(np.mean(target**2) / (np.mean(audio**2) + 1e-20))
        return np.asarray(audio * gain * 10.0 ** (level_db / 20.0))

    best = masked(ratio)
    musical = masked(ratio, 0.3, 3) - best
    rough = masked(ratio, 0.5, 7) - best
    dull = _low_passed(target, 4000.0)
    found = {
        "truth + artefacts -25": target + at(musical, -25),
        "truth + artefacts -15": target + at(musical, -15),
        "truth + artefacts -6": target + at(musical, -6),
        "ratio mask": best,
        "ratio mask, noisy": masked(ratio, 0.3, 5),
        "ratio mask, squared": masked(ratio**2),
        "ratio mask, root": masked(np.sqrt(ratio)),
        "ratio mask of bleeding stems": masked(ratio_bled),
        "copy": recorded,
        "bleed x 0.3": target + 0.3 * bleed,
        "bleed x 0.6 + artefacts": target + 0.6 * bleed + at(musical, -15),
        "bleed x 1.5": target + 1.5 * bleed,
        "mixture": scene.mixture.astype(np.float64),
        "interference -22": target + at(others, -22),
        "interference -14": target + at(others, -14),
        "interference -6": target + at(others, -6),
        "low-passed": dull + at(musical, -28),
        "attenuated": 0.5 * target + at(musical, -28),
    }
    for number in range(4):
        share = float(rng.choice([0.0, 0.0, 0.4, 0.8, 1.0]))
        base = [target, dull, 0.8 * target][rng.integers(3)]
        audio = base + share * bleed + at(rough, rng.uniform(-26, -8))
        if rng.random() < 0.7:
            audio = audio + at(others, rng.uniform(-30, -8))
        found[f"{'bleed' if share > 0.5 else 'random'} {number}"] = audio
    return found


def copies(name: str) -> bool:
    """Whether the system of this name carries on most of the reference's bleed."""
    return name.startswith(COPIERS) and name != "bleed x 0.3"


def _spectrum(audio: NDArray[np.floating]) -> NDArray[np.complex128]:
    found = scipy.signal.stft(audio, RATE, nperseg=N_FFT, noverlap=N_FFT - HOP)[2]
    return np.asarray(found)


def _sound(spectrum: NDArray[np.complex128], frames: int) -> Audio:
    audio = scipy.signal.istft(spectrum, RATE, nperseg=N_FFT, noverlap=N_FFT - HOP)[1]
    return np.asarray(np.pad(audio, (0, max(0, frames - len(audio))))[:frames])


def _ratio(stems: dict[str, NDArray[np.float32]], stem: str) -> Audio:
    powers = {name: np.abs(_spectrum(audio)) ** 2 for name, audio in stems.items()}
    return np.asarray(powers[stem] / (np.sum(list(powers.values()), axis=0) + 1e-12))


def _blurred(rng: np.random.Generator, shape: tuple[int, ...], width: int) -> Audio:
    noise = rng.standard_normal(shape)
    window = np.ones(width) / width
    noise = scipy.signal.oaconvolve(noise, np.outer(window, window), mode="same")
    return np.asarray(noise / noise.std())


def _low_passed(audio: Audio, hertz: float) -> Audio:
    sections = scipy.signal.butter(4, hertz, fs=RATE, output="sos")
    return np.asarray(scipy.signal.sosfiltfilt(sections, audio))
