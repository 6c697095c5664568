"""The recipe for more singers and violins: what it writes for the programmes that sound it."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody

FOLDER = Path(__file__).parents[2] / "recipes" / "voices"


def script(name: str) -> ModuleType:
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_phrase_is_spelt_with_the_pitch_of_its_contour() -> None:
    sing = script("sing")
    speaker = sing.Speaker(
        Path("x"), 16000, 120.0, ("a", "i"), (("n", "a"), ("n", "i"), ("t", "a"))
    )
    line = write_melody(draw_frame(seconds=6.0, seed=4, tonic_hz=140.0, form="kriti")).voice
    text = sing.spell(speaker, line, tonic_hz=140.0, seconds=6.0, rng=np.random.default_rng(2))
    rows = [row.split() for row in text.split("\n") if row]
    assert rows[0][0] == rows[-1][0] == "_"
    assert {row[0] for row in rows} <= {"_", "a", "i", "n", "t"}
    starts = np.cumsum([0] + [int(row[1]) for row in rows]) / 1000
    assert starts[-1] == pytest.approx(6.0, abs=0.1)
    spoken = [row[0] for row in rows if row[0] != "_"]
    assert all(a != b for a, b in pairwise(spoken))  # no vowel after itself
    assert "n" in spoken or "t" in spoken
    points = 0
    for row, start in zip(rows, starts, strict=False):
        for percent, hz in zip(map(float, row[2::2]), map(float, row[3::2]), strict=True):
            at = start + percent / 100 * int(row[1]) / 1000
            wanted = 140.0 * 2 ** (np.interp(at, line.times, line.cents) / 1200)
            assert abs(1200 * np.log2(hz / wanted)) < 40
            points += 1
        assert len(row) <= 2 + 2 * 70
    assert points > 100


def test_the_octave_below_an_edge_is_mirrored_above_it() -> None:
    sing = script("sing")
    time = np.arange(44100) / 44100
    above = sing.mirrored(np.sin(2 * np.pi * 7000 * time), 8000.0)
    spectrum = np.abs(np.fft.rfft(above))
    assert abs(int(spectrum.argmax()) - 9000) <= 1
    assert spectrum[:8000].max() < 1e-6 * spectrum.max()


def test_a_midi_file_holds_the_notes_that_are_asked_for() -> None:
    mido = pytest.importorskip("mido")
    import io

    bow = script("bow")
    file = mido.MidiFile(file=io.BytesIO(bow.midi(40, velocity=64)))
    now, started, heard = 0.0, {}, []
    for message in file:
        now += message.time
        if message.type == "program_change":
            assert message.program == 40
        elif message.type == "note_on":
            started[message.note] = now
        elif message.type == "note_off":
            heard.append((message.note, started[message.note], now))
    step = bow.SECONDS + 2.0
    assert [note for note, _, _ in heard] == list(bow.NOTES)
    assert np.allclose([a for _, a, _ in heard], np.arange(len(heard)) * step)
    assert np.allclose([b - a for _, a, b in heard], bow.SECONDS)


@pytest.mark.skipif(
    not (shutil.which("mbrola") and Path("/usr/share/mbrola/in2/in2").is_file()),
    reason="needs the Debian packages mbrola and mbrola-in2",
)
def test_a_speaker_sings_the_contour() -> None:
    import librosa

    sing = script("sing")
    speaker = sing.listen(Path("/usr/share/mbrola/in2/in2"))
    assert speaker.pitch_hz == pytest.approx(200.5, abs=0.1)
    assert ("n", "a") in speaker.syllables
    audio = sing.phrase(speaker, tonic_hz=210.0, raga="Todi", form="alapana", seconds=6.0, seed=11)
    frame = draw_frame(seconds=6.0, seed=11, tonic_hz=210.0, raga="Todi", form="alapana")
    line = write_melody(frame).voice
    heard = librosa.yin(audio, fmin=90, fmax=900, sr=44100, frame_length=2048, hop_length=441)
    at = np.arange(heard.size) * 0.01
    loud = np.interp(at, line.times, line.level) > 0.3
    cents = 1200 * np.log2(heard / (210.0 * 2 ** (np.interp(at, line.times, line.cents) / 1200)))
    assert np.median(np.abs(cents[loud])) < 40


def test_what_was_made_is_credited_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from carnatic_sep.datasets.config import DataConfig
    from carnatic_sep.training.credits import credits_of

    manifest = script("manifest")
    (tmp_path / "MANIFEST.csv").write_text(
        "path,seconds,source_repository,commit,licence,note\nvoice/a.ogg,1,one/two,abc,MIT,",
        "utf-8",
    )
    out = tmp_path / "voice" / "sung"
    out.mkdir(parents=True)
    for _ in range(2):
        manifest.credit(out, name="in2_0.0.flac", source="MBROLA", licence="not for sale", note="x")
    assert len((tmp_path / "MANIFEST.csv").read_text("utf-8").splitlines()) == 3
    used = DataConfig(voice=[], violin_notes=[], violin_pieces=[], strokes=[], rooms=[])
    data = used.model_copy(update={"synthesised_voice": ["voice/sung/*"]})
    assert credits_of(tmp_path, data) == ["MBROLA (not for sale)"]
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere" / "sung"
    elsewhere.mkdir(parents=True)
    manifest.credit(elsewhere, name="a.flac", source="MBROLA", licence="not for sale", note="x")
    assert "by hand" in capsys.readouterr().out
