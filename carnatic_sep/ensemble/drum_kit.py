"""A mridangam from recorded strokes: aligned, retuned to the tonic, chosen by loudness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.sequencer import Hit, lay
from carnatic_sep.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.bank import Take
    from carnatic_sep.ensemble.tala import Stroke

    Audio = NDArray[np.float32]

_LEAD_SECONDS = 0.0003
_LONGEST_SECONDS = 1.6
_SILENCE_DB = -60.0
_TONICS_HZ = (130.0, 255.0)
_PARTIALS = (2, 4, 6)

# Folders of a bank that can play a stroke, the best first; a bank that has none of them plays
# whatever it has.
_FOLDERS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "tham": (("nam", "na", "c", "din"), ("thom", "thom2", "tha")),
    "nam": (("nam", "na", "din"),),
    "na": (("na", "nam", "din"),),
    "dhin": (("dhin", "din", "nam"),),
    "dhi": (("dhi", "ki", "tha"),),
    "ta": (("ta", "ki", "tha"),),
    "ki": (("ki", "ta", "tha"),),
    "ka": (("ka", "dhum", "dhin", "din"),),
    "chapu": (("c", "chapu", "ac", "nam", "din"),),
    "ardha": (("ac", "c", "nam", "din"),),
    "dhum": (("dhum", "ka", "din"),),
    "tha": (("tha", "thom"),),
    "thom": (("thom", "tha"),),
    "gumki": (("gumki", "thom", "tha"),),
}
_RINGING = ("nam", "dhin", "c", "chapu", "din")
_LEFT_FOLDERS = ("thom", "thom2", "gumki", "tha")


@dataclass(frozen=True)
class _Layer:
    """One take from its onset on, of unit RMS over its first 150 ms; `level` as recorded."""

    audio: Audio
    level: float


class DrumKit:
    """Strokes of one drum, ready to be played at any tonic.

    Parameters
    ----------
    takes : recorded strokes; `kind` is the stroke's class
    sample_rate : Hz, of the takes and of what is played
    tonic_hz : that the drum was tuned to; heard from its ringing strokes if None

    Raises
    ------
    ConfigError
        There is no take, or one is silent.
    """

    def __init__(
        self, takes: Iterable[Take], *, sample_rate: int, tonic_hz: float | None = None
    ) -> None:
        self.sample_rate = sample_rate
        self._layers: dict[str, list[_Layer]] = {}
        for take in takes:
            layer = _align(take, sample_rate)
            self._layers.setdefault(take.kind, []).append(layer)
        if not self._layers:
            raise ConfigError("no mridangam stroke in the bank; check its folder of strokes")
        for layers in self._layers.values():
            layers.sort(key=lambda layer: layer.level)
        self.tonic_hz = tonic_hz or self._listen()
        # How loud each class is beside the others: as its louder takes were recorded.
        loudness = {k: layers[3 * len(layers) // 4].level for k, layers in self._layers.items()}
        reference = float(np.median(list(loudness.values())))
        self._balance = {
            kind: float(np.clip(level / reference, 0.4, 1.8)) for kind, level in loudness.items()
        }
        self._tuned: dict[tuple[str, int], Audio] = {}
        self._speed = 1.0

    def play(
        self,
        strokes: Iterable[Stroke],
        *,
        tonic_hz: float,
        frames: int,
        rng: np.random.Generator,
    ) -> Audio:
        """Play `strokes` with the right head at `tonic_hz`.

        Soft strokes take the takes that were played softly. The whole drum is retuned, as a drum
        of another size would sound.

        Returns
        -------
        (frames,), mono, dry
        """
        speed = tonic_hz / self.tonic_hz
        if speed != self._speed:
            self._speed, self._tuned = speed, {}

        def hits(stroke: Stroke) -> list[Hit]:
            gain = stroke.velocity**1.3 * 10.0 ** (rng.normal(0.0, 0.8) / 20.0)
            onset = _LEAD_SECONDS * self.sample_rate / speed
            found = []
            for kind in self._kinds(stroke.name):
                layers = self._layers[kind]
                place = stroke.velocity * (len(layers) - 1) + rng.normal(0.0, 0.8)
                index = int(np.clip(round(place), 0, len(layers) - 1))
                sound = self._at_pitch(kind, index) * np.float32(gain * self._balance[kind])
                found.append(Hit(sound, onset, "left" if kind in _LEFT_FOLDERS else "right"))
            return found

        return lay(strokes, hits, frames=frames, sample_rate=self.sample_rate)

    def _kinds(self, name: str) -> list[str]:
        """Return the classes that sound together in a stroke."""
        wanted = _FOLDERS.get(name, ((name,),))
        known = sorted(self._layers)
        return [next((k for k in choices if k in self._layers), known[0]) for choices in wanted]

    def _at_pitch(self, kind: str, index: int) -> Audio:
        import soxr

        key = (kind, index)
        if key not in self._tuned:
            audio = self._layers[kind][index].audio
            if self._speed != 1.0:
                rate = self.sample_rate
                audio = soxr.resample(audio, rate, rate / self._speed, quality="MQ")
            self._tuned[key] = audio
        return self._tuned[key]

    def _listen(self) -> float:
        """Return the tonic whose even multiples hold most of what the open strokes ring with.

        Nam, dhin and chapu leave out the lowest mode; their pitch is the octave of the tonic. A
        kit without any of them is listened to whole.
        """
        ringing = [k for k in _RINGING if k in self._layers] or sorted(self._layers)
        size = 1 << 16
        power = np.zeros(size // 2 + 1)
        for kind in ringing:
            for layer in self._layers[kind]:
                first, last = (int(t * self.sample_rate) for t in (0.05, 0.5))
                part = layer.audio[first:last]
                if part.size:
                    power += np.abs(np.fft.rfft(part * np.hanning(part.size), size)) ** 2
        hz = np.arange(power.size) * self.sample_rate / size
        candidates = _TONICS_HZ[0] * 2.0 ** (np.arange(0, 1200, 5) / 1200.0)
        candidates = candidates[candidates < _TONICS_HZ[1]]

        def worth(tonic: float) -> float:
            near = np.abs(hz[:, None] / tonic - np.array(_PARTIALS)) < 0.012 * np.array(_PARTIALS)
            return float(np.sum(np.sqrt(np.sum(power[:, None] * near, axis=0))))

        narrow = hz < 7.0 * _TONICS_HZ[1]
        hz, power = hz[narrow], power[narrow]
        return float(max(candidates, key=worth))


def _align(take: Take, sample_rate: int) -> _Layer:
    """Cut a take so that it starts :data:`_LEAD_SECONDS` before its onset.

    The onset is where the sound first passes 15 % of the peak of its first 60 ms.
    """
    size = np.abs(take.audio)
    start = int(np.argmax(size > 0.02 * size.max(initial=0.0)))
    attack = size[start : start + int(0.06 * sample_rate)]
    if not attack.size or not attack.max() > 0.0:
        raise ConfigError(f"{take.path}: silent; remove it from the bank")
    onset = start + int(np.argmax(attack > 0.15 * attack.max()))
    lead = int(_LEAD_SECONDS * sample_rate)
    audio = np.pad(take.audio, (lead, 0))[onset : onset + int(_LONGEST_SECONDS * sample_rate)]
    audio = audio.astype(np.float32, copy=True)
    audio[:lead] *= np.linspace(0.0, 1.0, lead, endpoint=False, dtype=np.float32)
    hop = sample_rate // 100
    blocks = np.square(audio[: audio.size // hop * hop].reshape(-1, hop)).mean(axis=1)
    heard = np.flatnonzero(blocks > blocks.max() * 10.0 ** (_SILENCE_DB / 10.0))
    audio = audio[: (heard[-1] + 1) * hop]
    fade = min(audio.size, int(0.02 * sample_rate))
    audio[audio.size - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    level = float(np.sqrt(np.mean(np.square(audio[: int(0.15 * sample_rate)])))) + 1e-9
    return _Layer(np.asarray(audio / level, dtype=np.float32), level)
