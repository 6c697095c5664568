"""A mridangam: every stroke a handful of damped modes and the slap of a finger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.tala import Stroke

# The loaded right head rings in modes 1:2:3:4:5 of the tonic (Raman, 1934); the left, smeared
# with dough, has an unloaded membrane's ratios (Rossing, 2000).
_RIGHT = (1.0, 2.0, 3.0, 4.0, 5.02)
_LEFT_HZ = 74.0
_LEFT = (1.0, 1.59, 2.14, 2.30, 2.65, 2.92, 3.50)
_DAMPED_RIGHT = (0.55, 0.96, 1.31, 1.87, 2.6, 3.3, 4.7, 6.1, 7.8, 12.3)


@dataclass(frozen=True)
class _Sound:
    """What one hand makes.

    Attributes
    ----------
    ratios : modes over the tonic, or over the left head's lowest
    gains_db : level of each mode
    ring_seconds : time to fall by 60 dB, of the lowest mode; each mode above rings shorter
    slap_db, slap_hz : level and centre of the finger's noise
    rise_cents : upward bend of a pressed head (gumki)
    """

    ratios: tuple[float, ...]
    gains_db: tuple[float, ...]
    ring_seconds: float
    slap_db: float
    slap_hz: float
    left: bool = False
    rise_cents: float = 0.0


_NAM = _Sound(_RIGHT, (-20, 0, -6, -13, -17), 1.3, -7, 2600)
_DHIN = _Sound(_RIGHT, (-5, 0, -16, -20, -26), 1.1, -12, 1800)
_TA = _Sound(_DAMPED_RIGHT, (-14, -6, -3, 0, -4, -6, -10, -11, -13, -17), 0.13, -3, 2800)
_KI = _Sound(_DAMPED_RIGHT, (-6, 0, -4, -3, -8, -12, -16, -20, -22, -26), 0.12, -9, 1500)
_THOM = _Sound(_LEFT, (0, -9, -8, -14, -3, -11, -15), 0.5, -20, 500, left=True)
_GUMKI = _Sound(_LEFT[:5], (-3, -14, 0, -20, -12), 0.7, -30, 400, left=True, rise_cents=500)

_CHAPU = _Sound(_RIGHT[1:], (0, -9, -12, -10), 1.2, -8, 2200)
_DHUM = _Sound(_RIGHT[:2], (0, -22), 1.4, -22, 900)
_DHI = _Sound(_DAMPED_RIGHT[:7], (0, -1, -3, -6, -9, -13, -17), 0.16, -12, 1100)
_THA = _Sound(_LEFT, (-2, -3, 0, -4, -5, -9, -9), 0.12, -8, 900, left=True)
_TAP = _Sound(_DAMPED_RIGHT, (-6, 4, 2, 0, -2, -4, -8, -10, -12, -16), 0.1, -60, 2000)

_STROKES = {
    "na": (_NAM, _TAP),
    "dhin": (_DHIN, _TAP),
    "ta": (_TA,),
    "ki": (_KI,),
    "nam": (_NAM,),
    "dhi": (_DHI,),
    "ka": (_DHUM, _TAP),
    "chapu": (_CHAPU, _TAP),
    "ardha": (_CHAPU, _DHUM),
    "dhum": (_DHUM,),
    "tha": (_THA,),
    "thom": (_THOM,),
    "gumki": (_GUMKI,),
    "tham": (_NAM, _TAP, _THOM),
}
STROKE_NAMES = tuple(_STROKES)


def drum(
    strokes: Sequence[Stroke],
    *,
    tonic_hz: float,
    frames: int,
    sample_rate: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Play `strokes` on a drum whose right head is tuned to `tonic_hz`.

    A new stroke on a head stops what that head was still sounding, as the fingers do.

    Returns
    -------
    (frames,), mono, dry
    """
    heads = {False: np.zeros(frames), True: np.zeros(frames)}
    for stroke in strokes:
        first = round(stroke.seconds * sample_rate)
        if first >= frames:
            continue
        sounds = _STROKES[stroke.name]
        for left in {sound.left for sound in sounds}:
            _stop(heads[left], first, sample_rate)
        for sound in sounds:
            hit = _hit(sound, stroke, tonic_hz=tonic_hz, sample_rate=sample_rate, rng=rng)
            part = hit[: frames - first]
            heads[sound.left][first : first + part.size] += part
    return heads[False] + heads[True]


def _stop(head: NDArray[np.float64], first: int, sample_rate: int) -> None:
    """Fade whatever `head` still sounds at frame `first` down to a tenth within 10 ms."""
    end = min(head.size, first + 2 * sample_rate)
    since = np.arange(end - first) / sample_rate
    head[first:end] *= 0.1 + 0.9 * np.exp(-since / 0.003)


def _hit(
    sound: _Sound,
    stroke: Stroke,
    *,
    tonic_hz: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return one hit of one hand, (frames,), as long as its slowest mode is heard."""
    base = _LEFT_HZ if sound.left else tonic_hz
    spread = rng.uniform(-1.5, 1.5, len(sound.ratios))
    out = np.zeros(int(1.1 * sound.ring_seconds * sample_rate))
    seconds = np.arange(out.size) / sample_rate
    onset = np.minimum(seconds / 0.0012, 1.0)
    for order, (ratio, gain_db) in enumerate(zip(sound.ratios, sound.gains_db, strict=True)):
        ring = sound.ring_seconds / (1.0 + 0.18 * order)
        heard = seconds[: min(out.size, int(1.1 * ring * sample_rate))]
        hz = base * ratio
        if hz > 0.45 * sample_rate:
            continue
        turns = hz * (heard + _bend(heard, sound.rise_cents) if sound.rise_cents else heard)
        # Harder blows reach higher modes.
        gain = gain_db + spread[order] + 6.0 * (stroke.velocity - 1.0) * order / len(sound.ratios)
        envelope = 10.0 ** (gain / 20.0) * np.exp(-6.91 / ring * heard)
        out[: heard.size] += envelope * np.sin(2 * np.pi * turns)
    out *= onset
    slap = _slap(sound, sample_rate=sample_rate, rng=rng)[: out.size]
    out[: slap.size] += slap
    return np.asarray(out * stroke.velocity)


def _bend(seconds: NDArray[np.float64], rise_cents: float) -> NDArray[np.float64]:
    """Return the seconds that a tone gains by rising `rise_cents` within about 0.15 s."""
    factor = 2.0 ** (rise_cents / 1200.0) - 1.0
    settle = 0.06
    return np.asarray(factor * (seconds - settle * (1.0 - np.exp(-seconds / settle))))


def _slap(sound: _Sound, *, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a few milliseconds of noise around ``slap_hz``."""
    from scipy.signal import butter, sosfilt

    seconds = np.arange(int(0.03 * sample_rate)) / sample_rate
    top = min(2.2 * sound.slap_hz, 0.45 * sample_rate)
    band = butter(1, [0.4 * sound.slap_hz, top], btype="bandpass", fs=sample_rate, output="sos")
    noise = rng.standard_normal(seconds.size) * np.exp(-seconds / 0.004)
    shaped = sosfilt(band, noise)
    peak = np.max(np.abs(shaped)) + 1e-20
    return np.asarray(2.0 * 10.0 ** (sound.slap_db / 20.0) * shaped / peak)
