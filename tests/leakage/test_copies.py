"""Copies of a microphone: told for what they are, and nothing else taken for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carnatic_sep.audio.spectral import stft
from carnatic_sep.leakage.copies import STRETCH_COLUMNS, copies

N_FFT, HOP = 512, 128
FRAMES = 4 * STRETCH_COLUMNS * HOP


def sounds(count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, FRAMES)).astype(np.float32)


def found(*microphones: np.ndarray) -> list[list[bool]]:
    audio = torch.from_numpy(np.stack(microphones).astype(np.float32))
    spectra = stft(audio, n_fft=N_FFT, hop_frames=HOP).permute(1, 0, 2)
    same = copies(spectra)
    assert torch.equal(same, same.T)
    return same.tolist()


@pytest.mark.parametrize("gain", [1.0, -1.0, 0.6])
def test_a_copy_is_one_whatever_its_polarity(gain: float):
    one, two = sounds(2)
    assert found(one, two, gain * one) == [
        [False, False, True],
        [False, False, False],
        [True, False, False],
    ]


def test_a_stretch_is_enough_and_half_of_one_is_not():
    one, two = sounds(2)
    stretch = STRETCH_COLUMNS * HOP
    for share, told in ((1.5, True), (0.4, False)):
        part = two.copy()
        part[stretch : stretch + round(share * stretch)] = one[
            stretch : stretch + round(share * stretch)
        ]
        assert found(one, part)[0][1] is told


@pytest.mark.parametrize("delay", [40, 160])
def test_what_leaks_through_the_air_is_no_copy(delay: int):
    one, two = sounds(2)
    assert not found(one, np.roll(one, delay))[0][1]
    assert not found(one, 0.1 * two + np.roll(one, delay))[0][1]


def test_bleed_without_delay_is_too_quiet_for_a_copy():
    one, _ = sounds(2)
    assert not found(one, 0.3 * one)[0][1]


def test_silence_copies_nothing():
    one, _ = sounds(2)
    silent = np.zeros_like(one)
    assert not np.any(found(one, silent, silent))


def test_mixtures_of_the_same_players_are_no_copies():
    one, two = sounds(2)
    assert not found(one + 0.6 * two, two + 0.6 * one)[0][1]
