"""Dry sounds become a stereo mix through a hall's microphones and a desk, source by source.

Everything up to the mastering is linear. So each player's share of the mix is one convolution with
a stereo response that holds all ways from that player through all microphones, faders and reverb to
the two channels; and the shares sum to the mix, whether microphones bleed or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.desk import Channel, Desk, tone_gains
from carnatic_sep.leakage.responses import SPEED_OF_SOUND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.leakage.responses import Responses

    Audio = NDArray[np.float32]
    Spectrum = NDArray[np.complex64]

_TONE_TAPS = 1024


@dataclass(frozen=True)
class Staged:
    """What a stage and a desk make of the players; arrays are (2, frames), before mastering.

    Attributes
    ----------
    images : each player's share of the mix, through all microphones
    strips : what each player's own strip adds to the mix, bleed and reverb included; empty unless
        asked for. Images and strips are two ways to cut up one mix
    """

    images: dict[str, Audio]
    strips: dict[str, Audio]


class Stage:
    """A hall, ready for pieces of any length.

    Parameters
    ----------
    responses : of the hall, from :func:`carnatic_sep.ensemble.hall.draw_hall`
    """

    def __init__(self, responses: Responses) -> None:
        from scipy.fft import next_fast_len, rfft

        self.responses = responses
        self.sample_rate = responses.sample_rate
        taps = responses.taps.shape[-1]
        self._taps = taps + _TONE_TAPS
        self._size = next_fast_len(taps + self._taps, real=True)
        self._spectra: Spectrum = rfft(_aligned(responses), self._size, axis=-1)
        self._power = np.square(np.abs(self._spectra))
        bins = np.arange(self._spectra.shape[-1], dtype=np.float64)
        self._hz: NDArray[np.float64] = bins * (self.sample_rate / self._size)

    def sound(
        self,
        dry: Mapping[str, Audio],
        desk: Desk,
        *,
        rng: np.random.Generator,
        strips: bool = False,
    ) -> Staged:
        """Let the players sound through microphones, desk and reverb.

        Parameters
        ----------
        dry : each (frames,), by seat; at the level at which it should stand in the mix
        desk : its channels' levels are taken as set already
        rng : of the reverb
        strips : whether to cut the mix by microphones as well

        Returns
        -------
        shares that sum to one mix, with the delay of the stage taken out
        """
        from scipy.fft import irfft, next_fast_len, rfft

        names = list(dry)
        frames = len(dry[names[0]])
        seats = [self.responses.names.index(name) for name in names]
        size = next_fast_len(frames + self._taps, real=True)
        sounds: dict[str, Spectrum] = {
            name: np.asarray(rfft(np.asarray(dry[name], np.float32), size), dtype=np.complex64)
            for name in names
        }
        scales = self._bleed_scales(sounds, seats, desk, size)
        faders = self._faders([desk.channels[name] for name in names], desk)
        reverb = self._reverb(desk, rng)

        def heard(player: int, microphones: list[int]) -> Audio:
            """Return one player through some of the microphones, (2, frames)."""
            whole = np.zeros((2, self._hz.size), dtype=np.complex64)
            for index in microphones:
                path = self._spectra[seats[index], seats[player]] * scales[index, player]
                wet = faders[index] * path
                whole += desk.channels[names[index]].pan_gains[:, None] * wet
                whole += reverb * wet
            response = irfft(whole, self._size)[:, : self._taps]
            spectrum = rfft(response, size) * sounds[names[player]]
            origin = self.responses.origin
            return np.ascontiguousarray(irfft(spectrum, size)[:, origin : origin + frames])

        everyone = list(range(len(names)))
        audible = [[m for m in everyone if scales[m, p] > 0.0] for p in everyone]
        images = {name: heard(p, audible[p]) for p, name in enumerate(names)}
        own: dict[str, Audio] = {}
        if strips:
            for index, name in enumerate(names):
                own[name] = np.sum(
                    [heard(p, [index]) for p in everyone if scales[index, p] > 0.0], axis=0
                )
        return Staged(images, own)

    def _faders(self, channels: list[Channel], desk: Desk) -> list[Spectrum]:
        """Return the tone of each strip and of the whole mix together, as minimum-phase spectra."""
        master = tone_gains(desk.tone_db, self._hz)
        return [self._minimum_phase(master * tone_gains(c.tone_db, self._hz)) for c in channels]

    def _minimum_phase(self, gains: NDArray[np.float64]) -> Spectrum:
        """Give a magnitude response the phase with the least delay (by its cepstrum)."""
        from scipy.fft import irfft, rfft

        cepstrum = irfft(np.log(np.maximum(gains, 1e-4)), self._size)
        half = self._size // 2
        cepstrum[1:half] *= 2.0
        cepstrum[half + 1 :] = 0.0
        return np.asarray(np.exp(rfft(cepstrum, self._size)), dtype=np.complex64)

    def _bleed_scales(
        self, sounds: Mapping[str, Spectrum], seats: list[int], desk: Desk, size: int
    ) -> NDArray[np.float32]:
        """Return the factor on each path, (microphones, players), 1 from a player to his own."""
        count = len(seats)
        scales = np.eye(count, dtype=np.float32)
        if desk.bleed_db is None or count < 2:
            return scales
        columns = [
            self._energies(sound, seats, player, size)
            for player, sound in enumerate(sounds.values())
        ]
        energy = np.array(columns).T
        own = np.diag(energy)
        others = energy.sum(axis=1) - own
        wanted = own * 10.0 ** (desk.bleed_db / 10.0)
        factors = np.sqrt(np.divide(wanted, others, out=np.zeros(count), where=others > 0.0))
        audible = factors > 0.0
        usual = np.exp(np.mean(np.log(factors[audible]))) if audible.any() else 0.0
        factors = np.where(audible, factors, usual)
        return np.where(np.eye(count, dtype=bool), 1.0, factors[:, None]).astype(np.float32)

    def _energies(
        self, sound: Spectrum, seats: list[int], player: int, size: int
    ) -> NDArray[np.float64]:
        """Return the energy of one player at each microphone, (microphones,).

        It is the product of two autocorrelations, the sound's and the response's, and needs the
        sound's only as far as the response is long.
        """
        from scipy.fft import irfft, rfft

        taps = self.responses.taps.shape[-1]
        correlation = irfft(np.square(np.abs(sound)), size)
        short = np.zeros(self._size)
        short[:taps] = correlation[:taps]
        short[self._size - taps + 1 :] = correlation[1:taps][::-1]
        density = np.maximum(rfft(short).real, 0.0)
        density[1 : (self._size + 1) // 2] *= 2.0
        power = self._power[seats, seats[player]]
        return np.asarray(power @ density, dtype=np.float64) / self._size

    def _reverb(self, desk: Desk, rng: np.random.Generator) -> Spectrum:
        """Return a stereo reverb of the desk as spectra, (2, bins)."""
        from scipy.fft import rfft

        if desk.reverb_db is None:
            return np.zeros((2, self._hz.size), dtype=np.complex64)
        length = self.responses.taps.shape[-1] - self.responses.origin
        frames = int(min(length, self.sample_rate * desk.reverb_seconds))
        seconds = np.arange(frames) / self.sample_rate
        fade = 10.0 ** (-3.0 * seconds / desk.reverb_seconds) * (seconds > 0.02)
        tail = (rng.standard_normal((2, seconds.size)) * fade).astype(np.float32)
        tail *= 10.0 ** (desk.reverb_db / 20.0) / np.linalg.norm(tail, axis=1, keepdims=True)
        low, high = desk.reverb_hz
        spectrum = rfft(tail, self._size) / np.sqrt(1.0 + (self._hz / high) ** 2)
        if low > 0.0:
            spectrum *= 1.0 / (1.0 + (low / np.maximum(self._hz, 1.0)) ** 2)
        return np.asarray(spectrum, dtype=np.complex64)


def _aligned(responses: Responses) -> Audio:
    """Return the responses with each microphone advanced by its distance from its own player.

    A desk's delays do that, and strokes then sound when they are written.
    """
    taps = np.zeros_like(responses.taps)
    for index, seat in enumerate(responses.room.seat(name) for name in responses.names):
        metres = float(np.linalg.norm(np.subtract(seat.position, seat.microphone)))
        early = min(round(metres / SPEED_OF_SOUND * responses.sample_rate), responses.origin)
        taps[index, :, : taps.shape[-1] - early] = responses.taps[index, :, early:]
    return taps
