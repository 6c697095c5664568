"""Bent notes: the pitch of the sound, heard by another ear, against the line that was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from carnatic_sep.datasets.bank import SAMPLE_RATE, Note
from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour
from carnatic_sep.ensemble.flatten import OVERSAMPLING, flatten
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.violin_bank import ViolinBank
from carnatic_sep.errors import ConfigError

RATE = SAMPLE_RATE


def wavering_note(f0: float, *, seconds: float = 4.0, cents: float = 30.0) -> np.ndarray:
    """A note with vibrato, swelling and dying, as a player would leave it to us."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = np.cumsum(f0 * 2 ** (cents * np.sin(2 * np.pi * 5.5 * time) / 1200)) / RATE
    tone = sum(np.sin(2 * np.pi * k * phase + k) / k for k in range(1, 12))
    swell = 0.3 + np.sin(np.pi * time / seconds)
    noise = 0.01 * np.random.default_rng(int(f0)).standard_normal(time.size)
    return (0.1 * swell * tone + noise).astype(np.float32)


@pytest.fixture(scope="module")
def bank() -> ViolinBank:
    notes = [Note(f"{f0}", f0, wavering_note(f0)) for f0 in (196.0, 262.0, 330.0, 440.0, 587.0)]
    return ViolinBank.prepare(notes)


def test_every_folder_of_notes_is_a_violin() -> None:
    notes = [
        Note(f"{folder}/{f0}", f0, wavering_note(f0, seconds=1.0))
        for folder in ("b", "a")
        for f0 in (330.0, 262.0, 2000.0)
    ]
    violins = ViolinBank.prepare(notes).violins
    assert [[note.f0 for note in violin.notes] for violin in violins] == [[262.0, 330.0]] * 2


def test_a_flattened_note_stands_still(ear: Any) -> None:
    wavering = wavering_note(392.0)
    flat = flatten(wavering, f0=392.0, sample_rate=RATE)
    at = np.arange(0.3, 3.6, 0.02)
    near = np.full(at.size, 392.0)
    before = 1200 * np.log2(ear.hear(wavering, at, near_hz=near, rate=RATE) / 392.0)
    after = 1200 * np.log2(ear.hear(flat, at, near_hz=near, rate=OVERSAMPLING * RATE) / 392.0)
    assert np.nanstd(before) > 15.0
    assert np.nanstd(after) < 2.0
    assert abs(np.nanmean(after)) < 1.0
    assert flat.size / OVERSAMPLING == pytest.approx(wavering.size, rel=0.01)
    thirds = np.array_split(flat, 6)
    assert max(np.std(third) for third in thirds) < 1.5 * min(np.std(third) for third in thirds)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_violin_is_heard_within_five_cents_of_the_voice_at_the_stated_delay(
    bank: ViolinBank, ear: Any, seed: int
) -> None:
    frame = draw_frame(seconds=10.0, seed=seed, tonic_hz=220.0, form="kriti")
    melody = write_melody(frame)
    sound = bank.play(
        melody.violin,
        tonic_hz=frame.tonic_hz,
        frames=10 * RATE,
        sample_rate=RATE,
        rng=np.random.default_rng(seed),
    )
    off = []
    for part in melody.violin_parts:
        if part.role != "shadow":
            continue
        at = np.arange(part.start + 0.1, part.end - 0.1, 0.01)
        sung = ear.mean_cents(melody.voice.cents, CONTROL_RATE, at - part.delay_seconds, 0.02)
        sung += 1200.0 * part.octave
        loud = np.interp(at, melody.violin.times, melody.violin.level) > 0.3
        at, sung = at[loud], sung[loud]
        near = frame.tonic_hz * 2 ** (sung / 1200)
        heard = ear.hear(sound, at, near_hz=near, rate=RATE, width=0.03)
        off.append(1200 * np.log2(heard / frame.tonic_hz) - sung)
    errors = np.abs(np.concatenate(off))
    assert errors.size > 200
    assert np.nanmedian(errors) < 5.0
    assert np.nanmean(errors < 25.0) > 0.85


def test_silence_in_the_line_is_silence_in_the_sound(bank: ViolinBank) -> None:
    level = np.zeros(3 * CONTROL_RATE)
    level[CONTROL_RATE : 2 * CONTROL_RATE] = 1.0
    line = Contour(cents=np.full(level.size, 300.0), level=level, notes=())
    sound = bank.play(
        line, tonic_hz=200.0, frames=3 * RATE, sample_rate=RATE, rng=np.random.default_rng(0)
    )
    assert np.abs(sound[: int(0.99 * RATE)]).max() == 0.0
    assert np.abs(sound[int(2.01 * RATE) :]).max() == 0.0
    assert 0.5 < np.sqrt(np.mean(sound[int(1.1 * RATE) : int(1.9 * RATE)] ** 2)) < 1.5


def test_other_rates_play_the_same_line(bank: ViolinBank, ear: Any) -> None:
    line = Contour(cents=np.full(1001, 500.0), level=np.ones(1001), notes=())
    for rate in (22050, 48000):
        sound = bank.play(
            line, tonic_hz=200.0, frames=2 * rate, sample_rate=rate, rng=np.random.default_rng(0)
        )
        wanted = 200.0 * 2 ** (500 / 1200)
        at = np.arange(0.3, 1.7, 0.05)
        heard = ear.hear(sound, at, near_hz=np.full(at.size, wanted), rate=rate)
        assert sound.shape == (2 * rate,)
        assert np.nanmedian(heard) == pytest.approx(wanted, rel=0.001)


def test_a_cache_is_written_once_and_read_back(tmp_path: Any) -> None:
    notes = [Note("A4", 440.0, wavering_note(440.0, seconds=1.0))]
    first = ViolinBank.prepare(notes, cache=tmp_path)
    places = sorted(tmp_path.iterdir())
    written = [place.stat().st_mtime_ns for place in places]
    again = ViolinBank.prepare(notes, cache=tmp_path)
    assert len(places) == 2
    assert [place.stat().st_mtime_ns for place in sorted(tmp_path.iterdir())] == written
    assert np.array_equal(first.violins[0].notes[0].audio, again.violins[0].notes[0].audio)


def test_a_bank_without_usable_notes_is_refused() -> None:
    with pytest.raises(ConfigError, match="A4"):
        ViolinBank.prepare([Note("C7", 2093.0, wavering_note(2093.0, seconds=0.5))])
