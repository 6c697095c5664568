"""Banks of real recordings: the violin follows within 5 cents, the voice is where it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.bank import SAMPLE_RATE, Note, Take, VoiceClip, note_frequency
from carnatic_sep.datasets.pitch import PITCH_RATE, Contour
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.flatten import flatten
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.violin_bank import ViolinBank, ViolinCasting
from carnatic_sep.ensemble.voice_bank import VoiceBank

RATE = SAMPLE_RATE
CLIP = "voice/alapana/Performer3_Sess1_Bhairavi_0450.03.ogg"


def loudest_lag(sound: np.ndarray, near: float, *, width: float = 1.15) -> float:
    """Return the pitch of a frame in Hz, from the peak of its autocorrelation near `near`."""
    shaped = sound * np.hanning(sound.size)
    similar = np.fft.irfft(np.abs(np.fft.rfft(shaped, 2 * sound.size)) ** 2)
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(sound.size), 2 * sound.size)) ** 2)
    similar = similar[: sound.size // 2] / (window[: sound.size // 2] + 1e-9)
    low, high = int(RATE / (near * width)), int(RATE / (near / width)) + 2
    peak = low + int(np.argmax(similar[low:high]))
    before, here, after = similar[peak - 1 : peak + 2]
    return float(RATE / (peak + 0.5 * (before - after) / (before - 2 * here + after)))


def errors(sound, at, wanted_cents, tonic):
    found = []
    for seconds, cents in zip(at, wanted_cents, strict=True):
        first = int((seconds - 0.015) * RATE)
        near = tonic * 2 ** (cents / 1200)
        piece = sound[first : first + int(0.03 * RATE)]
        if np.any(piece):
            found.append(1200 * np.log2(loudest_lag(piece, near) / near))
    return np.abs(found)


@pytest.fixture(scope="module")
def violins(data_dir: Path) -> ViolinBank:
    notes = []
    for name in ("A4", "C4", "E4", "G4", "C5", "E5"):
        audio = read_audio(data_dir / f"violin/notes/{name}.ogg")[0].mean(axis=0)
        notes.append(Note(name, note_frequency(name), audio[RATE : 8 * RATE]))
    return ViolinBank.prepare(notes)


@pytest.fixture(scope="module")
def legato(data_dir: Path) -> ViolinBank:
    """Seven notes that are held in the first 76 s of a piece by Bach, as a second violin."""
    path = "violin/bach/minji-kim_bwv1003_mov3.ogg"
    audio = read_audio(data_dir / path)[0].mean(axis=0)[: 76 * RATE]
    single = read_audio(data_dir / "violin/notes/A4.ogg")[0].mean(axis=0)[RATE : 3 * RATE]
    bank = ViolinBank.prepare([Note("A4", 440.0, single)], pieces=[Take(path, "piece", audio)])
    assert len(bank.violins) == 2
    return bank


def off_line(
    bank: ViolinBank,
    number: int,
    *,
    role: str,
    form: str,
    seconds: float = 10.0,
    seeds: tuple[int, ...],
) -> np.ndarray:
    """Return how far a violin is from where it should be in parts of a role, in cents.

    A shadow should be where the voice was, `delay_seconds` before and octaves apart; the other
    roles have a line of their own.
    """
    found = []
    for seed in seeds:
        frame = draw_frame(seconds=seconds, seed=seed, tonic_hz=207.0, form=form)
        melody = write_melody(frame)
        sound = bank.play(
            melody.violin,
            tonic_hz=frame.tonic_hz,
            frames=int(seconds * RATE),
            sample_rate=RATE,
            rng=np.random.default_rng(seed),
            casting=ViolinCasting(number),
        )
        for part in melody.violin_parts:
            if part.role != role:
                continue
            at = np.arange(part.start + 0.1, part.end - 0.1, 0.02)
            at = at[np.interp(at, melody.violin.times, melody.violin.level) > 0.3]
            shadow = role == "shadow"
            line = melody.voice if shadow else melody.violin
            heard = at - part.delay_seconds if shadow else at
            around = (heard * CONTROL_RATE).round().astype(int)[:, None] + np.arange(-5, 6)
            wanted = line.cents[around].mean(axis=1) + (1200.0 * part.octave if shadow else 0.0)
            found.append(errors(sound, at, wanted, frame.tonic_hz))
    return np.concatenate(found) if found else np.zeros(0)


def test_recorded_notes_follow_the_voice_within_five_cents(violins: ViolinBank) -> None:
    off = off_line(violins, 0, role="shadow", form="kriti", seeds=(1, 2))
    assert off.size > 300
    assert np.median(off) < 5.0


def test_notes_of_a_recorded_piece_follow_the_voice_within_five_cents(legato: ViolinBank) -> None:
    off = off_line(legato, 1, role="shadow", form="kriti", seeds=(1, 2))
    assert off.size > 300
    assert np.median(off) < 5.0


@pytest.mark.parametrize(("role", "seed"), [("echo", 3), ("sustain", 4), ("solo", 9)])
def test_other_roles_play_the_scores_line_within_five_cents(
    violins: ViolinBank, role: str, seed: int
) -> None:
    off = off_line(violins, 0, role=role, form="kalpanasvara", seconds=16.0, seeds=(seed,))
    assert off.size > 20
    assert np.median(off) < 5.0


def test_flattened_recordings_keep_their_noise(data_dir: Path) -> None:
    audio, rate = read_audio(data_dir / "violin/notes/A4.ogg")
    mono = audio.mean(axis=0)[rate : 5 * rate]
    flat = flatten(np.asarray(mono, dtype=np.float32), f0=440.0, sample_rate=rate)

    def floor(sound: np.ndarray, rate: float) -> float:
        """Return the power half way between harmonics over the whole, in dB."""
        power = np.abs(np.fft.rfft(sound * np.hanning(sound.size))) ** 2
        hz = np.fft.rfftfreq(sound.size, 1 / rate)
        between = np.abs((hz / 440.0) % 1.0 - 0.5) < 0.15
        band = (hz > 1000.0) & (hz < 8000.0)
        return float(10 * np.log10(power[between & band].sum() / power[band].sum()))

    assert floor(flat, 2 * rate) == pytest.approx(floor(mono, rate), abs=3.0)


def clip_of(root: Path) -> VoiceClip:
    """Read a clip and track it roughly; the bank refines the pitch itself."""
    audio = read_audio(root / CLIP)[0].mean(axis=0)
    hops = np.arange(int(audio.size / RATE * PITCH_RATE))
    frames = [audio[max(0, int(441 * hop) - 882) :][:1764] for hop in hops]
    f0, last = np.full(hops.size, 200.0), 200.0
    for index, frame in enumerate(frames):
        if frame.size == 1764 and np.any(frame):
            last = loudest_lag(frame, last, width=1.9 if index == 0 else 1.25)
        f0[index] = last
    level = np.array([np.sqrt(np.mean(frame**2)) for frame in frames])
    voiced = level > 0.2 * np.percentile(level, 95)
    tracked = Contour(f0.astype(np.float32), voiced, level.astype(np.float32))
    return VoiceClip(CLIP, "Performer3_Sess1_Bhairavi", 136.0, audio, tracked)


def test_a_recorded_singer_is_where_the_contour_says(data_dir: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyworld", exc_type=ImportError)
    bank = VoiceBank.prepare([clip_of(data_dir)], cache=tmp_path)
    frame = draw_frame(seconds=6.0, seed=0, raga="Bhairavi", tonic_hz=146.0, form="alapana")
    sung = bank.perform(frame, singer="Performer3", sample_rate=RATE, rng=np.random.default_rng(0))
    at = np.arange(0.5, 5.5, 0.02)
    at = at[np.interp(at, sung.contour.times, sung.contour.level) > 0.4]
    places = (at * CONTROL_RATE).round().astype(int)
    wanted = sung.contour.cents[places[:, None] + np.arange(-5, 6)].mean(axis=1)
    off = errors(sung.audio, at, wanted, frame.tonic_hz)
    assert off.size > 50
    assert np.median(off) < 8.0
