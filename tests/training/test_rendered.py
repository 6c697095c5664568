"""Singing by rule: the contour that comes with it is the one that is heard."""

from __future__ import annotations

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.datasets.config import MixConfig
from carnatic_sep.datasets.pitch import PITCH_RATE
from carnatic_sep.training.rendered import rendered_voices


def test_the_contour_is_what_librosa_hears() -> None:
    import librosa

    (clip,) = rendered_voices(1, seconds=4.0, seed=3)
    assert len(clip.audio) == 4 * SAMPLE_RATE
    assert len(clip.contour.f0) == 4 * PITCH_RATE
    heard = librosa.yin(
        clip.audio, fmin=80, fmax=900, sr=SAMPLE_RATE, frame_length=2048, hop_length=441
    )[: len(clip.contour.f0)]
    sounding = clip.contour.voiced[: len(heard)]
    cents = 1200 * np.log2(heard / clip.contour.f0[: len(heard)])[sounding]
    assert sounding.mean() > 0.4
    assert np.median(np.abs(cents)) < 15


def test_same_seed_same_voices_and_every_clip_its_own() -> None:
    first, second = rendered_voices(2, seconds=2.0, seed=1), rendered_voices(2, seconds=2.0, seed=1)
    np.testing.assert_array_equal(first[1].audio, second[1].audio)
    assert len({clip.performance for clip in first}) == 2
    assert not np.array_equal(first[0].audio, first[1].audio)
    assert rendered_voices(0) == []


def test_shares_are_refused_outside_zero_and_one() -> None:
    import pytest
    from pydantic import ValidationError

    with pytest.raises(ValidationError):
        MixConfig(rendered_share=1.5)
