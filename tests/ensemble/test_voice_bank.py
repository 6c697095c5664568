"""Recorded phrases sung again: truth, tonic and timbre, by an independent ear."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from carnatic_sep.datasets.bank import SAMPLE_RATE, VoiceClip
from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.datasets.pitch import PITCH_RATE
from carnatic_sep.datasets.pitch import Contour as Tracked
from carnatic_sep.ensemble.accompany import accompany
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.orders import make_ensemble
from carnatic_sep.ensemble.reshape import reshape_voice
from carnatic_sep.ensemble.voice_bank import VoiceBank
from carnatic_sep.errors import ConfigError, UnknownNameError

RATE = SAMPLE_RATE
TONIC = 150.0


def sung_clip(name: str, cents: float, *, drone: float = 0.0) -> VoiceClip:
    """Two seconds with vibrato about `cents` over 150 Hz, silent at both ends, maybe a drone."""
    time = np.arange(2 * RATE) / RATE
    line = cents + 40.0 * np.sin(2 * np.pi * 4.5 * time)
    phase = 2 * np.pi * np.cumsum(TONIC * 2 ** (line / 1200)) / RATE
    formant = [np.exp(-0.5 * ((k * TONIC - 700) / 400) ** 2) + 0.05 for k in range(1, 20)]
    tone = sum(gain * np.sin(k * phase) for k, gain in enumerate(formant, start=1))
    loud = np.clip(np.minimum(time - 0.2, 1.8 - time) / 0.05, 0.0, 1.0)
    hum = drone * sum(np.sin(2 * np.pi * k * 100.0 * time) / k for k in range(1, 9))
    at = np.arange(0.0, 2.0, 1 / PITCH_RATE)
    f0 = (TONIC * 2 ** (np.interp(at, time, line) / 1200)).astype(np.float32)
    level = np.interp(at, time, loud).astype(np.float32)
    audio = (0.05 * (loud * tone + hum)).astype(np.float32)
    performance = name.rsplit("_", 1)[0]
    return VoiceClip(name, performance, TONIC, audio, Tracked(f0, level > 0.5, level))


@pytest.fixture(scope="module")
def bank() -> VoiceBank:
    clips = [sung_clip(f"Ann_Sess1_TodiB_{i}", cents) for i, cents in enumerate((0, 316, 702))]
    return VoiceBank.prepare([*clips, sung_clip("Bob_Sess1_Unknown_0", 0)], vocoder=False)


def test_names_give_singer_and_raga(bank: VoiceBank) -> None:
    assert {(clip.singer, clip.raga) for clip in bank.clips} == {("Ann", "Todi")}
    with pytest.raises(ConfigError, match="tonic and raga"):
        VoiceBank.prepare([sung_clip("Bob_Sess1_Unknown_0", 0)], vocoder=False)
    frame = draw_frame(seconds=6.0, seed=0, raga="Kalyani")
    with pytest.raises(UnknownNameError, match="Ann in Todi"):
        bank.perform(frame, singer="Ann", sample_rate=RATE, rng=np.random.default_rng(0))


@pytest.mark.parametrize("tonic", [132.0, 168.0])
def test_what_is_heard_is_the_contour_on_the_new_tonic(
    bank: VoiceBank, ear: Any, tonic: float
) -> None:
    frame = draw_frame(seconds=12.0, seed=1, raga="Todi", tonic_hz=tonic, form="kriti")
    sung = bank.perform(frame, singer="Ann", sample_rate=RATE, rng=np.random.default_rng(4))
    at = np.arange(0.6, 11.5, 0.01)
    at = at[np.interp(at, sung.contour.times, sung.contour.level) > 0.5]
    wanted = ear.mean_cents(sung.contour.cents, CONTROL_RATE, at, 0.02)
    near = tonic * 2 ** (wanted / 1200)
    off = 1200 * np.log2(ear.hear(sung.audio, at, near_hz=near, rate=RATE) / near)
    assert at.size > 300
    assert np.nanmedian(np.abs(off)) < 5.0
    assert np.nanmean(np.abs(off) < 20.0) > 0.95
    rounded = np.round(wanted)
    for cents in (0, 316, 702):
        assert np.any(np.abs(rounded - cents) < 60)


def test_phrases_start_on_beats_and_leave_room(bank: VoiceBank) -> None:
    frame = draw_frame(seconds=20.0, seed=2, raga="Todi", tonic_hz=TONIC, form="kalpanasvara")
    sung = bank.perform(frame, singer="Ann", sample_rate=RATE, rng=np.random.default_rng(0))
    sounding = sung.contour.level > 0.05
    starts = np.flatnonzero(np.diff(sounding.astype(int)) > 0) / CONTROL_RATE - 0.2
    halves = (starts - frame.first_beat_seconds) / (0.5 * frame.beat_seconds)
    assert starts.size >= 3
    assert np.max(np.abs(halves - np.round(halves))) * 0.5 * frame.beat_seconds < 0.03
    violin, parts = accompany(frame, sung.contour)
    assert {"shadow"} < {part.role for part in parts}
    assert violin.level.max() > 0.3
    quiet = sung.audio[: int(frame.sections[0].start * RATE)]
    assert not np.any(np.abs(quiet) > 1e-3 * np.abs(sung.audio).max())


def test_other_rates_and_the_same_seed(bank: VoiceBank) -> None:
    frame = draw_frame(seconds=5.0, seed=3, raga="Todi", tonic_hz=140.0, form="alapana")
    first, again = (
        bank.perform(frame, singer="Ann", sample_rate=22050, rng=np.random.default_rng(1))
        for _ in range(2)
    )
    assert first.audio.shape == (5 * 22050,)
    assert first.audio.tobytes() == again.audio.tobytes()


def test_reshaping_moves_the_formant_and_keeps_the_pitch(ear: Any) -> None:
    clip = sung_clip("Ann_Sess1_Todi_0", 0)

    def centre(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(sound)) ** 2
        hz = np.fft.rfftfreq(sound.size, 1 / RATE)
        return float(np.sum(hz * power) / np.sum(power))

    higher = reshape_voice(clip.audio, formants=1.2, tilt_db=0.0, sample_rate=RATE)
    same = reshape_voice(clip.audio, formants=1.0, tilt_db=0.0, sample_rate=RATE)
    brighter = reshape_voice(clip.audio, formants=1.0, tilt_db=3.0, sample_rate=RATE)
    assert np.max(np.abs(same - clip.audio)) < 1e-3 * np.max(np.abs(clip.audio))
    assert centre(higher) / centre(clip.audio) == pytest.approx(1.2, abs=0.06)
    assert centre(brighter) > centre(clip.audio)
    at = np.arange(0.4, 1.6, 0.02)
    near = np.full(at.size, TONIC)
    before, after = (ear.hear(x, at, near_hz=near, rate=RATE) for x in (clip.audio, higher))
    assert np.nanmax(np.abs(1200 * np.log2(after / before))) < 8.0


def test_the_vocoder_leaves_the_drone_behind(tmp_path: Path) -> None:
    pytest.importorskip("pyworld", exc_type=ImportError)
    clip = sung_clip("Ann_Sess1_Todi_0", 316, drone=0.05)
    kept = VoiceBank.prepare([clip], vocoder=False).clips[0]
    clean = VoiceBank.prepare([clip], cache=tmp_path).clips[0]

    def at_100_hz(sound: np.ndarray) -> float:
        middle = sound[int(0.4 * RATE) : int(1.6 * RATE)] * np.hanning(int(1.2 * RATE))
        power = np.abs(np.fft.rfft(middle)) ** 2
        hz = np.fft.rfftfreq(middle.size, 1 / RATE)
        near = np.abs(hz - 100.0) < 4.0
        return float(10 * np.log10(power[near].sum() / power.sum()))

    assert at_100_hz(clean.audio) < at_100_hz(kept.audio) - 10.0
    assert np.abs(clean.audio[: int(0.1 * RATE)]).max() < 0.3 * np.abs(kept.audio[:4410]).max()
    assert np.allclose(clean.cents, kept.cents, atol=15.0)
    [place] = tmp_path.iterdir()
    written = place.stat().st_mtime_ns
    VoiceBank.prepare([clip], cache=tmp_path)
    assert place.stat().st_mtime_ns == written


def test_synthesised_singers_are_cast_beside_recorded_ones(
    solo_dir: Path, solo_split: dict[str, list[str]], tmp_path: Path
) -> None:
    root = tmp_path / "solos"
    shutil.copytree(solo_dir, root)
    (root / "voice" / "alapana_metadata.csv").write_text(
        "display_name,Tonic\nPerformer2_Todi,120.5\nPerformer1_Todi,180\n", "utf-8"
    )
    (root / "voice" / "sung_metadata.csv").write_text("display_name,Tonic\nin2_Kalyani,150\n")
    (root / "voice" / "sung").mkdir()
    clip = sung_clip("in2_Kalyani_0.0", 0.0)
    soundfile.write(root / "voice" / "sung" / "in2_Kalyani_0.0.wav", clip.audio, RATE)
    data = DataConfig(**solo_split, synthesised_voice=["voice/sung/*"])

    def singers(*, test: bool) -> set[tuple[str, str | None]]:
        players = make_ensemble(bank=root, data=data, test=test, cache=tmp_path / "cache").players
        return {(clip.singer, clip.raga) for clip in players.singers.clips}

    assert singers(test=False) == {("Performer2", "Todi"), ("in2", "Kalyani")}
    assert singers(test=True) == {("Performer1", "Todi")}
