"""Other violins: the envelope moves by what was asked, the pitch does not; noise, vibrato."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from carnatic_sep.datasets.bank import SAMPLE_RATE, Note, Take
from carnatic_sep.ensemble.bow_noise import bow_noise
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour
from carnatic_sep.ensemble.kutcheri import Ensemble
from carnatic_sep.ensemble.legato import sustained_notes
from carnatic_sep.ensemble.players import Players
from carnatic_sep.ensemble.violin_bank import ViolinBank, ViolinCasting
from carnatic_sep.ensemble.violin_tone import NODES_HZ, ViolinTone, draw_tone, with_vibrato
from carnatic_sep.errors import UsageError

RATE = SAMPLE_RATE
RESONANCE_HZ = 1200.0


def body_db(hz: np.ndarray) -> np.ndarray:
    """The body of the test's violin: one broad resonance of 15 dB."""
    return 15.0 * np.exp(-0.5 * (np.log2(hz / RESONANCE_HZ) / 0.35) ** 2)


def bowed(f0: float, *, seconds: float = 2.0, noise: float = 0.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    hz = f0 * np.arange(1, int(12000 / f0))
    gains = 10 ** (body_db(hz) / 20) * f0 / hz
    turns = 2 * np.pi * f0 * time
    tone = sum(gain * np.sin(k * turns + k) for k, gain in enumerate(gains, start=1))
    breath = np.random.default_rng(int(f0)).standard_normal(time.size)
    return (0.1 * (tone + noise * breath)).astype(np.float32)


def glide(seconds: float = 6.0) -> Contour:
    """An octave up in six seconds: every harmonic sweeps over the body."""
    values = int(seconds * CONTROL_RATE) + 1
    cents = np.linspace(0.0, 1200.0, values)
    return Contour(cents=cents, level=np.ones(values), notes=())


def third_octaves(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(sound.size, 1 / RATE)
    centres = 400.0 * 2 ** (np.arange(0, 41) / 12)
    bands = [power[(hz > c / 2 ** (1 / 12)) & (hz < c * 2 ** (1 / 12))].sum() for c in centres]
    return centres, 10 * np.log10(np.array(bands))


@pytest.fixture(scope="module")
def bank() -> ViolinBank:
    return ViolinBank.prepare([Note("", f0, bowed(f0)) for f0 in 200.0 * 2 ** (np.arange(9) / 4)])


def played(bank: ViolinBank, line: Contour, tone: ViolinTone) -> np.ndarray:
    return bank.play(
        line,
        tonic_hz=210.0,
        frames=int((line.cents.size - 1) / CONTROL_RATE * RATE),
        sample_rate=RATE,
        rng=np.random.default_rng(0),
        casting=ViolinCasting(0, tone),
    )


@pytest.mark.parametrize("body", [0.88, 1.13])
def test_the_envelope_moves_by_what_was_asked_and_the_pitch_does_not(
    bank: ViolinBank, ear: Any, body: float
) -> None:
    line = glide()
    plain = played(bank, line, ViolinTone())
    other = played(bank, line, ViolinTone(body=body))
    hz, before = third_octaves(plain)
    _, after = third_octaves(other)
    moved = body_db(hz / body) - body_db(hz)
    found = after - before
    found += np.mean(moved - found)
    assert np.abs(moved).max() > 4.0
    assert np.sqrt(np.mean((found - moved) ** 2)) < 1.0
    at = np.arange(0.3, 5.7, 0.05)
    wanted = 210.0 * 2 ** (np.interp(at, line.times, line.cents) / 1200)
    heard = ear.hear(other, at, near_hz=wanted, rate=RATE, width=0.03)
    assert np.nanmedian(np.abs(1200 * np.log2(heard / wanted))) < 3.0
    assert np.sqrt(np.mean(other**2)) == pytest.approx(np.sqrt(np.mean(plain**2)), rel=1e-3)


def test_brightness_and_peaks_are_what_was_asked(bank: ViolinBank) -> None:
    peaks = tuple(3.0 if index % 2 else -3.0 for index in range(NODES_HZ.size))
    plain = played(bank, glide(), ViolinTone())
    for tone, expected in (
        (ViolinTone(tilt_db=2.0), lambda hz: 2.0 * np.log2(hz / 1000.0)),
        (ViolinTone(peaks_db=peaks), lambda hz: np.interp(np.log2(hz), np.log2(NODES_HZ), peaks)),
    ):
        hz, before = third_octaves(plain)
        _, after = third_octaves(played(bank, glide(), tone))
        off = after - before - expected(hz)
        assert np.std(off) < 1.0


def test_bow_noise_is_found_and_turned_up() -> None:
    clean, rough = (bowed(300.0, noise=level) for level in (0.0, 0.3))
    alone = rough - clean
    found = bow_noise(rough, f0=300.0, sample_rate=RATE)
    assert np.corrcoef(found, alone)[0, 1] > 0.8
    silence = bow_noise(clean, f0=300.0, sample_rate=RATE)[RATE // 4 : -RATE // 4]
    assert np.mean(silence**2) < 1e-4 * np.mean(clean**2)
    notes = ViolinBank.prepare([Note("", 300.0, rough)])
    line = Contour(cents=np.full(1001, 1200 * np.log2(300 / 210)), level=np.ones(1001), notes=())
    levels = []
    for db in (0.0, 6.0):
        sound = played(notes, line, ViolinTone(noise_db=db))[RATE // 2 : -RATE // 4]
        levels.append(np.mean(bow_noise(sound, f0=300.0, sample_rate=RATE) ** 2))
    assert 10 * np.log10(levels[1] / levels[0]) == pytest.approx(6.0, abs=0.7)


def test_vibrato_is_in_the_score_and_only_where_the_violin_follows_nobody() -> None:
    score = Ensemble(sample_rate=16000).compose(seconds=20.0, seed=2, form="alapana")
    shaken = with_vibrato(score, variety=2.0, rng=np.random.default_rng(1))
    times, off = score.violin.times, shaken.violin.cents - score.violin.cents
    free = np.zeros(times.size, dtype=bool)
    for part in score.violin_parts:
        if part.role in ("sustain", "solo"):
            free |= (times >= part.start) & (times <= part.end)
    assert free.any()
    assert np.abs(off[~free]).max() == 0.0
    assert 2.0 < np.abs(off[free]).max() < 100.0
    assert shaken.voice is score.voice


def test_variety_is_drawn_for_each_piece_and_none_is_the_recording(bank: ViolinBank) -> None:
    rng = np.random.default_rng(3)
    assert bank.cast(rng, variety=0.0) == ViolinCasting()
    tones = [bank.cast(rng, variety=1.0).tone for _ in range(200)]
    assert np.std([np.log(t.body) for t in tones]) == pytest.approx(0.06, rel=0.2)
    assert np.std([t.tilt_db for t in tones]) == pytest.approx(1.2, rel=0.2)
    assert draw_tone(np.random.default_rng(1), 0.0) == ViolinTone()
    with pytest.raises(UsageError, match="violin_variety"):
        EnsembleConfig(violin_variety=-1.0)
    with pytest.raises(ValueError, match="peaks"):
        ViolinTone(peaks_db=(1.0,))


def test_a_varied_violin_keeps_stems_exact_and_the_rest_as_it_was(bank: ViolinBank) -> None:
    config = EnsembleConfig(staged=False, mastered=False)
    one, other = (
        Ensemble(Players(violins=bank), config=replace(config, violin_variety=v)).render(
            seconds=2.0, seed=3, form="kriti"
        )
        for v in (0.0, 1.0)
    )
    total = np.sum(list(other.stems.values()), axis=0, dtype=np.float64)
    assert np.abs(total - other.mixture).max() < 1e-6 * np.abs(other.mixture).max()
    voices = [piece.stems["vocals"] / np.abs(piece.stems["vocals"]).max() for piece in (one, other)]
    np.testing.assert_allclose(*voices, atol=1e-5)
    assert not np.array_equal(one.stems["violin"], other.stems["violin"])


def test_held_notes_are_found_in_a_piece_and_double_stops_are_not(tmp_path: Any) -> None:
    pytest.importorskip("librosa")
    quick = [bowed(f0, seconds=0.2) for f0 in (300.0, 340.0, 400.0)]
    double = bowed(392.0, seconds=1.0) + bowed(520.0, seconds=1.0)
    held = [bowed(440.0, seconds=1.2), bowed(262.0, seconds=1.0)]
    whole = np.concatenate([*quick, held[0], *quick, double, held[1]])
    take = Take("violin/bach/someone_piece.ogg", "bach", whole.astype(np.float32))
    found = sustained_notes([take], cache=tmp_path)
    assert [round(note.f0) for note in found] == [440, 262]
    assert [note.audio.size / RATE for note in found] == pytest.approx([1.05, 0.85], abs=0.08)
    again = sustained_notes([take], cache=tmp_path)
    assert [n.f0 for n in again] == [n.f0 for n in found]
    six = Take("someone_b", "bach", np.concatenate([bowed(f, seconds=1.0) for f in FEW]))
    violins = ViolinBank.prepare([Note("", 300.0, bowed(300.0))], pieces=[take, six]).violins
    assert len(violins) == 2
    assert len(violins[1].notes) == 8


FEW = (200.0, 240.0, 290.0, 350.0, 420.0, 510.0)
