"""Singing by rule: the contour that comes with it is the one that is heard."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.datasets.config import DataConfig, MixConfig
from carnatic_sep.datasets.pitch import PITCH_RATE
from carnatic_sep.datasets.synthesised import synthesised_voices
from carnatic_sep.errors import ConfigError
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
    from pydantic import ValidationError

    with pytest.raises(ValidationError):
        MixConfig(rendered_share=1.5)


def test_synthesised_voices_are_read_with_their_tonics(tmp_path) -> None:
    folder = tmp_path / "voice" / "sung"
    folder.mkdir(parents=True)
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * 200.0 * k * time) / k for k in range(1, 9))
    for name in ("in2_0.0", "in2_8.0", "kept_0.0"):
        soundfile.write(folder / f"{name}.wav", 0.1 * tone, SAMPLE_RATE)
    (tmp_path / "voice" / "sung_metadata.csv").write_text("display_name,Tonic\nin2,150\n", "utf-8")
    data = DataConfig(synthesised_voice=["voice/sung/*"], test=["voice/sung/kept*"])
    clips = synthesised_voices(tmp_path, data, cache=None)
    assert [(clip.performance, clip.tonic) for clip in clips] == [("in2", 150.0)] * 2
    heard = clips[0].contour.f0[clips[0].contour.voiced]
    assert abs(1200 * np.log2(np.median(heard) / 200.0)) < 5
    assert synthesised_voices(tmp_path, DataConfig(), cache=None) == []


def test_synthesised_voices_that_are_not_there_are_missed(tmp_path) -> None:
    with pytest.raises(ConfigError, match="nothing matches voice/sung/.*recipes/voices"):
        synthesised_voices(tmp_path, DataConfig(synthesised_voice=["voice/sung/*"]), cache=None)
