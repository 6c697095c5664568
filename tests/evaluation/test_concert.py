"""A concert described: levels, spectra, sums and pitch that are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from carnatic_sep.errors import CarnaticSepError, UsageError
from carnatic_sep.evaluation.concert import (
    describe,
    look_at,
    pitch_agreement,
    raw_pitch_accuracy,
    stem_files,
    track,
)

RATE = 16000


def sine(f0: float, seconds: float = 1.0, amplitude: float = 0.5):
    return amplitude * np.sin(2 * np.pi * f0 * np.arange(int(seconds * RATE)) / RATE)


@pytest.mark.parametrize(("f0", "band"), [(100, 0), (500, 1), (2000, 2), (6000, 3)])
def test_a_tone_has_its_level_its_frequency_and_its_band(f0, band) -> None:
    sound = describe(np.stack([sine(f0), 0 * sine(f0)]).astype(np.float32), RATE)
    assert sound.level_db == pytest.approx(20 * np.log10(0.5 / 2), abs=0.01)
    assert sound.centroid_hz == pytest.approx(f0, abs=15)
    assert sound.shares[band] > 0.98
    assert sum(sound.shares) == pytest.approx(1.0, abs=1e-6)


def test_silence_and_short_files_have_finite_numbers() -> None:
    for frames in (1, 100, 9000):
        sound = describe(np.zeros((1, frames), np.float32), RATE)
        assert np.isfinite([sound.level_db, sound.centroid_hz, *sound.shares]).all()
        assert sound.level_db <= -190


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("cents", "expected"), [(0, 1.0), (40, 1.0), (60, 0.0), (100, 0.0)])
def test_accuracy_ends_at_50_cents(cents, expected) -> None:
    pytest.importorskip("mir_eval")
    seconds = np.arange(100) / 100
    sung = np.where(seconds < 0.8, 220.0, 0.0)
    heard = sung * 2 ** (cents / 1200)
    assert raw_pitch_accuracy((seconds, sung), (seconds, heard)) == expected


def test_an_unvoiced_estimate_is_a_miss() -> None:
    pytest.importorskip("mir_eval")
    seconds = np.arange(100) / 100
    heard = np.where(seconds < 0.5, 220.0, 0.0)
    found = raw_pitch_accuracy((seconds, np.full(100, 220.0)), (seconds, heard))
    assert found == pytest.approx(0.5, abs=0.02)
    doubted = np.where(seconds < 0.5, 220.0, -220.0)
    assert raw_pitch_accuracy((seconds, np.full(100, 220.0)), (seconds, doubted)) == 1.0


@pytest.fixture
def concert(tmp_path):
    """A voice of 300 Hz, softer clicks, their sum, the stems' folder, and the voice's pitch."""
    rng = np.random.default_rng(0)
    voice, noise = sine(300, 0.6, 0.4), 0.01 * rng.standard_normal(int(0.6 * RATE))
    folder = tmp_path / "stems"
    folder.mkdir()
    for path, audio in (
        (tmp_path / "mixture.wav", voice + noise),
        (folder / "vocals.wav", voice),
        (folder / "other.wav", noise),
        (folder / "notes.wav", noise),
    ):
        soundfile.write(path, audio, RATE, subtype="FLOAT")
    (folder / "vocals.txt").write_text("not audio", encoding="utf-8")
    pitch = tmp_path / "concert.pitch.txt"
    pitch.write_text(
        "".join(f"{k * 0.01:.2f} {300.0 if 5 < k < 55 else 0.0}\n" for k in range(60)),
        encoding="utf-8",
    )
    return tmp_path / "mixture.wav", folder, pitch


def test_tracking_finds_a_tone_again(concert) -> None:
    pytest.importorskip("mir_eval")
    mixture, folder, pitch = concert
    found = pitch_agreement({"voice": folder / "vocals.wav"}, pitch)
    assert found == {"voice": 1.0}
    seconds, hertz = track(*_read(mixture))
    assert np.diff(seconds) == pytest.approx(0.016)
    voiced = hertz[hertz > 0]
    assert np.abs(1200 * np.log2(voiced / 300)).max() < 20


def _read(path):
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return audio.T, rate


def test_a_concert_is_described_file_by_file(concert) -> None:
    mixture, folder, _ = concert
    lines: list[str] = []
    found = look_at(mixture, folder, report=lines.append)
    assert list(found.sounds) == ["mixture", "vocals", "other"]
    assert found.sounds["vocals"].level_db == pytest.approx(20 * np.log10(0.4 / 2**0.5), abs=0.1)
    assert found.sounds["other"].level_db == pytest.approx(-40, abs=0.3)
    assert found.null_db < -140
    assert found.pitch_accuracy == {}
    assert len(lines) == 4


def test_the_recorded_gain_is_taken_out(concert) -> None:
    mixture, folder, _ = concert
    for name in ("vocals", "other"):
        audio, _ = soundfile.read(folder / f"{name}.wav")
        soundfile.write(folder / f"{name}.wav", 0.5 * audio, RATE, subtype="FLOAT")
    assert look_at(mixture, folder).null_db > -20
    (folder / "separation.json").write_text(json.dumps({"gain": 0.5}), encoding="utf-8")
    assert look_at(mixture, folder).null_db < -130


def test_stems_are_found_by_name(concert, tmp_path) -> None:
    _, folder, pitch = concert
    assert [*stem_files(folder)] == ["vocals", "other"]
    soundfile.write(folder / "other.flac", np.zeros(10), RATE)
    with pytest.raises(UsageError, match=r"other\.flac and other\.wav; keep one"):
        stem_files(folder)
    with pytest.raises(UsageError, match="no such folder"):
        stem_files(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no vocals, violin.*separate first"):
        stem_files(tmp_path / "empty")
    (folder / "vocals.wav").unlink()
    (folder / "other.flac").unlink()
    with pytest.raises(UsageError, match="no vocals to hold against"):
        look_at(tmp_path / "mixture.wav", folder, annotation=pitch)


def test_stems_of_another_length_are_refused(concert) -> None:
    mixture, folder, _ = concert
    soundfile.write(folder / "other.wav", np.zeros(100), RATE)
    with pytest.raises(CarnaticSepError, match=r"other\.wav: differs"):
        look_at(mixture, folder)
