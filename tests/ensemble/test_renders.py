"""Pieces on disk, read back by the datasets' own loader."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.datasets.validate import validate
from carnatic_sep.ensemble.codec import mp3_round_trip
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.kutcheri import Ensemble
from carnatic_sep.ensemble.players import Players
from carnatic_sep.ensemble.renders import RENDERER, Order, render_pieces
from carnatic_sep.ensemble.score import Score
from carnatic_sep.errors import AudioWriteError, UsageError
from carnatic_sep.stems import DEFAULT_STEMS

RATE = 16000


def _noise(score, frames, sample_rate, rng):
    return rng.standard_normal(frames).astype(np.float32)


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    players = Players(voice=_noise, violin=_noise)
    config = EnsembleConfig(bleed_db=(-9.0, -9.0), halls=1)
    return Ensemble(players, config=config, sample_rate=RATE)


def test_a_set_is_a_dataset_and_grows_where_it_was_left(ensemble, tmp_path) -> None:
    made = []

    def make():
        made.append(True)
        return ensemble

    first = list(render_pieces(make, Order(1, 2.0, seed=5, bleeding=True), tmp_path))
    stamp = (tmp_path / "000005" / "mixture.wav").stat().st_mtime_ns
    (tmp_path / "000006.partial").mkdir()  # what an interruption leaves
    second = list(render_pieces(make, Order(2, 2.0, seed=5, bleeding=True), tmp_path))
    third = list(render_pieces(make, Order(2, 2.0, seed=5, bleeding=True), tmp_path))
    assert [w.status for w in first + second + third] == [
        "rendered", "kept", "rendered", "kept", "kept",
    ]  # fmt: skip
    assert len(made) == 2
    assert (tmp_path / "000005" / "mixture.wav").stat().st_mtime_ns == stamp

    dataset = load_dataset(tmp_path)
    tracks = dataset.tracks()
    assert [track.id for track in tracks] == ["000005", "000006"]
    assert (tmp_path / "000005" / "vocals.bled.wav").is_file()
    assert validate(dataset).problems == []  # the microphones' files are not even worth a note
    for track in tracks:
        text = (tmp_path / track.id / "score.json").read_text(encoding="utf-8")
        score = Score.from_json(text)
        assert track.stem_names == DEFAULT_STEMS
        assert (track.tonic_hz, track.raga, track.tala) == (score.tonic_hz, score.raga, score.tala)
        assert track.mixture_is_sum_of_stems
        assert {"pitch", "sama"} <= set(track.annotations)
        mixture, rate = soundfile.read(track.mixture, dtype="float64")
        assert (rate, len(mixture)) == (RATE, 2 * RATE)
        for suffix in ("", ".bled"):
            files = [track.mixture.with_name(f"{name}{suffix}.wav") for name in DEFAULT_STEMS]
            total = sum(soundfile.read(path, dtype="float64")[0] for path in files)
            assert 20 * np.log10(np.abs(total - mixture).max() + 1e-12) < -120.0


def test_a_set_of_another_renderer_is_told_and_not_continued(
    ensemble, tmp_path, monkeypatch
) -> None:
    list(render_pieces(lambda: ensemble, Order(1, 1.0, seed=3), tmp_path))
    score = json.loads((tmp_path / "000003" / "score.json").read_text(encoding="utf-8"))
    assert score["settings"]["renderer"] == RENDERER
    monkeypatch.setattr("carnatic_sep.ensemble.renders.RENDERER", RENDERER + 1)
    with pytest.raises(AudioWriteError, match="other settings.*--overwrite"):
        list(render_pieces(lambda: ensemble, Order(2, 1.0, seed=3), tmp_path))
    assert not (tmp_path / "000004").exists()


def test_the_pitch_file_is_the_scores_line(ensemble, tmp_path) -> None:
    list(render_pieces(lambda: ensemble, Order(1, 2.0, seed=1), tmp_path))
    folder = tmp_path / "000001"
    score = Score.from_json((folder / "score.json").read_text(encoding="utf-8"))
    seconds, hz = np.loadtxt(folder / "pitch.txt").T
    sings = hz > 0
    cents = 1200 * np.log2(hz[sings] / score.tonic_hz)
    assert np.allclose(
        cents, np.interp(seconds[sings], score.voice.times, score.voice.cents), atol=0.1
    )
    assert np.all(np.interp(seconds[~sings], score.voice.times, score.voice.level) <= 0.0201)


def test_what_is_there_is_replaced_only_when_told(ensemble, tmp_path) -> None:
    list(render_pieces(lambda: ensemble, Order(1, 1.0), tmp_path))
    with pytest.raises(AudioWriteError, match="--overwrite"):
        list(render_pieces(lambda: ensemble, Order(1, 1.5), tmp_path))
    done = list(render_pieces(lambda: ensemble, Order(1, 1.5), tmp_path, overwrite=True))
    assert done[0].status == "rendered"
    assert len(soundfile.read(tmp_path / "000000" / "vocals.wav")[0]) == 1.5 * RATE
    (tmp_path / "000001").mkdir()
    with pytest.raises(AudioWriteError, match="something else"):
        list(render_pieces(lambda: ensemble, Order(2, 1.5), tmp_path))


def test_a_codec_changes_the_mixture_alone_and_the_score_says_so(tmp_path) -> None:
    players = Players(voice=_noise, violin=_noise)
    plain = Ensemble(players, config=EnsembleConfig(halls=1), sample_rate=32000)
    list(render_pieces(lambda: plain, Order(1, 1.0, mp3_kbps=128), tmp_path))
    (track,) = load_dataset(tmp_path).tracks()
    assert not track.mixture_is_sum_of_stems
    mixture = soundfile.read(track.mixture)[0]
    total = sum(soundfile.read(track.mixture.with_name(f"{n}.wav"))[0] for n in DEFAULT_STEMS)
    error = np.mean((total - mixture) ** 2) / np.mean(total**2)
    assert 1e-6 < error < 0.2
    facts = json.loads((tmp_path / "000000" / "score.json").read_text(encoding="utf-8"))
    assert facts["settings"]["mp3_kbps"] == 128


def test_mp3_keeps_length_and_place() -> None:
    seconds = np.arange(44100) / 44100
    chirp = 0.3 * np.sin(2 * np.pi * (200 * seconds + 900 * seconds**2))
    audio = np.stack([chirp, 0.5 * chirp]).astype(np.float32)
    coded = mp3_round_trip(audio, sample_rate=44100)
    assert coded.shape == audio.shape
    inside = slice(2000, -2000)
    assert np.corrcoef(audio[0, inside], coded[0, inside])[0, 1] > 0.999
    assert not np.array_equal(audio, coded)
    with pytest.raises(UsageError, match="44100"):
        mp3_round_trip(audio, sample_rate=16000)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0, 5.0), "pieces"),
        ((1, 0.2), "seconds"),
        ((1, 1e9), "1800 at most"),
        ((1, 2.0, -1), "seed"),
    ],
)
def test_orders_that_cannot_be_are_refused(values, words) -> None:
    with pytest.raises(UsageError, match=words):
        Order(*values)
