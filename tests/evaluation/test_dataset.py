"""Evaluation of a folder: scores known beforehand, what resumes, and what bad input gets."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from carnatic_sep.errors import EvaluationError, UnknownNameError, UsageError
from carnatic_sep.evaluation import track as track_module
from carnatic_sep.evaluation.dataset import evaluate
from carnatic_sep.evaluation.options import EvaluationOptions

RATE = 8000
SECONDS = 4
STEMS = ("vocals", "violin", "mridangam")
CLEAN = EvaluationOptions(references="clean", metrics=("sdr", "csdr"), excerpt_seconds=0)
FLOORS = ("silence", "mixture")


def write(path: Path, audio: np.ndarray, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.asarray(audio).T, rate, subtype="FLOAT")


def stems_of(track: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(track)
    return {stem: 0.1 * rng.standard_normal(SECONDS * RATE) for stem in STEMS}


def off_by(audio: np.ndarray, sdr_db: float, seed: int) -> np.ndarray:
    """The signal with an error that gives exactly this SDR."""
    error = np.random.default_rng(seed).standard_normal(audio.shape)
    error *= np.linalg.norm(audio) / np.linalg.norm(error) * 10 ** (-sdr_db / 20)
    return audio + error


@pytest.fixture
def renders(tmp_path) -> Path:
    """Four tracks of two concerts; the mixture is the sum."""
    for track in range(4):
        for stem, audio in stems_of(track).items():
            write(tmp_path / "renders" / f"piece-{track}" / f"{stem}.wav", audio)
        about = {"concert": f"evening {track // 2}"}
        place = tmp_path / "renders" / f"piece-{track}" / "metadata.json"
        place.write_text(json.dumps(about), encoding="utf-8")
    return tmp_path / "renders"


@pytest.fixture
def estimates(tmp_path) -> Path:
    """Estimates of 10, 11, 12 and 13 dB on the four tracks."""
    for track in range(4):
        for number, (stem, audio) in enumerate(stems_of(track).items()):
            path = tmp_path / "mine" / f"piece-{track}" / f"{stem}.wav"
            write(path, off_by(audio, 10.0 + track, seed=10 * track + number))
    return tmp_path / "mine"


def test_scores_are_the_ones_that_were_planted(renders, estimates, tmp_path) -> None:
    found = evaluate(
        estimates=estimates, dataset=renders, out=tmp_path / "out", baselines=FLOORS, options=CLEAN
    )
    summary = found.summary
    assert found.failures == {}
    assert (summary["dataset"]["tracks"], summary["dataset"]["concerts"]) == (4, 2)
    vocals = summary["summary"]["mine"]["vocals"]["sdr"]
    assert vocals["mean"] == pytest.approx(11.5, abs=1e-3)
    assert vocals["low"] == pytest.approx(10.5, abs=1e-3)  # both draws are the first concert
    assert vocals["high"] == pytest.approx(12.5, abs=1e-3)
    assert summary["summary"]["silence"]["violin"]["sdr"]["mean"] == pytest.approx(0.0)
    # Three equally loud stems: the error of the mixture is the two others.
    mixture = summary["summary"]["mixture"]["vocals"]["sdr"]["mean"]
    assert mixture == pytest.approx(-10 * np.log10(2), abs=0.2)
    assert summary["summary"]["mine"]["mean"]["sdr"]["mean"] == pytest.approx(11.5, abs=1e-3)
    claims = {(p["b"], p["stem"]): p["better"] for p in summary["pairs"]}
    assert claims["mixture", "mean"] == claims["silence", "vocals"] == "a"


def test_every_score_is_in_the_table_by_the_second_too(renders, estimates, tmp_path) -> None:
    evaluate(
        estimates=estimates, dataset=renders, out=tmp_path / "out", baselines=(), options=CLEAN
    )
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    whole = [r for r in rows if not r["start_seconds"]]
    assert len(whole) == 4 * 3 * 2  # tracks, stems, sdr and csdr
    seconds = [r for r in rows if r["track"] == "piece-1" and r["stem"] == "violin"]
    starts = [float(r["start_seconds"]) for r in seconds if r["start_seconds"]]
    assert starts == [0.0, 1.0, 2.0, 3.0]
    assert {r["concert"] for r in rows} == {"evening 0", "evening 1"}
    if (tmp_path / "out" / "scores.parquet").exists():
        from pyarrow import parquet

        table = parquet.read_table(tmp_path / "out" / "scores.parquet")
        assert table.num_rows == len(rows)
        assert table.column("value").to_pylist()[0] == pytest.approx(float(rows[0]["value"]), 1e-4)


def test_an_interrupted_evaluation_goes_on(renders, estimates, tmp_path, monkeypatch) -> None:
    done = []
    whole = track_module.score_track

    def stops_at_the_third(track, *args, **kwargs):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(track.id)
        return whole(track, *args, **kwargs)

    monkeypatch.setattr(track_module, "score_track", stops_at_the_third)
    options = {"dataset": renders, "estimates": estimates, "out": tmp_path / "out"}
    options |= {"baselines": ("mixture",), "options": CLEAN}
    with pytest.raises(KeyboardInterrupt):
        evaluate(**options)
    assert not (tmp_path / "out" / "summary.json").exists()
    done.clear()
    monkeypatch.setattr(
        track_module, "score_track", lambda *a, **k: done.append(1) or whole(*a, **k)
    )
    first = evaluate(**options)
    assert len(done) == 2
    assert len(first.parts) == 4
    with pytest.raises(UsageError, match=r"summary\.json: is there already; give --overwrite"):
        evaluate(**options)
    # Nothing changed: nothing is scored again. One estimate changed: its track is.
    evaluate(**options, overwrite=True)
    assert len(done) == 2
    write(estimates / "piece-3" / "violin.wav", stems_of(3)["violin"])
    again = evaluate(**options, overwrite=True)
    assert len(done) == 3
    assert again.parts[3].scores != first.parts[3].scores
    assert again.parts[0].scores == first.parts[0].scores


def test_two_processes_find_what_one_finds(renders, estimates) -> None:
    options = {"dataset": renders, "estimates": estimates, "baselines": (), "options": CLEAN}
    one, two = (evaluate(**options, jobs=jobs).summary for jobs in (1, 2))
    for track in (*one["tracks"], *two["tracks"]):
        track.pop("cpu_seconds")
    assert one == two


def fails(renders, estimates, **options) -> dict[str, str]:
    return evaluate(
        estimates=estimates, dataset=renders, baselines=(), options=CLEAN, **options
    ).failures


def test_what_estimates_that_do_not_fit_get(renders, estimates) -> None:
    audio = stems_of(0)["violin"]
    write(estimates / "piece-0" / "violin.wav", audio, rate=16000)
    write(estimates / "piece-1" / "violin.wav", audio[:-RATE])
    write(estimates / "piece-2" / "violin.wav", np.where(np.arange(len(audio)) == 9, np.nan, audio))
    found = fails(renders, estimates)
    assert set(found) == {"piece-0, mine", "piece-1, mine", "piece-2, mine"}
    assert (
        "violin.wav: has 16000 Hz but the references of piece-0 have 8000 Hz"
        in found["piece-0, mine"]
    )
    assert "violin.wav: lasts 3.000 s but piece-1 lasts 4.000 s" in found["piece-1, mine"]
    assert "frame 9, channel 1) is nan" in found["piece-2, mine"]


def test_missing_and_extra_stems_are_noted_and_the_rest_is_scored(renders, estimates) -> None:
    (estimates / "piece-0" / "violin.wav").unlink()
    write(estimates / "piece-0" / "other.wav", stems_of(0)["vocals"])
    write(estimates / "piece-0" / "flute.wav", stems_of(0)["vocals"])
    found = evaluate(estimates=estimates, dataset=renders, baselines=(), options=CLEAN)
    assert found.failures == {}
    notes = " ".join(found.parts[0].notes)
    assert "no estimate of violin" in notes
    assert "no reference for flute.wav, other.wav" in notes
    assert {s.stem for s in found.parts[0].scores} == {"vocals", "mridangam"}
    assert found.summary["summary"]["mine"]["violin"]["sdr"]["count"] == 3


def test_leaving_out_what_is_bad_wins_nothing(renders, tmp_path) -> None:
    """One system has better vocals and poor others; its rival has nothing but worse vocals."""
    for track in range(4):
        for number, (stem, audio) in enumerate(stems_of(track).items()):
            found = off_by(audio, 10.0 if stem == "vocals" else 1.0, seed=10 * track + number)
            write(tmp_path / "all" / f"piece-{track}" / f"{stem}.wav", found)
        vocals = off_by(stems_of(track)["vocals"], 8.0, seed=track)
        write(tmp_path / "voice" / f"piece-{track}" / "vocals.wav", vocals)
    folders = [tmp_path / "all", tmp_path / "voice"]
    summary = evaluate(
        estimates=folders, dataset=renders, baselines=("mixture",), options=CLEAN
    ).summary
    assert summary["summary"]["all"]["mean"]["sdr"]["mean"] == pytest.approx(4.0, abs=1e-3)
    assert "mean" not in summary["summary"]["voice"]
    pairs = {(p["a"], p["b"], p["stem"]): p for p in summary["pairs"]}
    against_all = pairs["all", "voice", "mean"]
    assert against_all["better"] == "a"
    assert against_all["differences"]["sdr"]["mean"] == pytest.approx(2.0, abs=1e-3)
    for stem in ("vocals", "mean"):
        floor = pairs["voice", "mixture", stem]["differences"]["sdr"]["mean"]
        assert floor == pytest.approx(8 + 10 * np.log10(2), abs=0.2)


def test_a_melody_that_is_none_costs_nothing_but_itself(renders, estimates) -> None:
    times = np.arange(0.0, SECONDS, 0.1)
    (renders / "piece-0" / "pitch.txt").write_text(
        "\n".join(f"{t:.2f}\t{-150.0 if t < 1 else 200.0}" for t in times), encoding="utf-8"
    )
    (renders / "piece-1" / "pitch.txt").write_text("0.0\t100\n0.0\t100\n", encoding="utf-8")
    options = EvaluationOptions(references="clean", metrics=("sdr",), excerpt_seconds=0)
    found = evaluate(estimates=estimates, dataset=renders, baselines=(), options=options)
    assert found.failures == {}
    assert found.summary["summary"]["mine"]["vocals"]["sdr"]["count"] == 4
    notes = [note for part in found.parts for note in part.notes]
    assert len([note for note in notes if "pitch.txt" in note]) == 1
    assert any("piece-1" in note and "times must rise" in note for note in notes)


def test_a_track_without_estimates_is_a_failure_and_so_are_two_of_one_stem(
    renders, estimates
) -> None:
    for path in (estimates / "piece-0").iterdir():
        path.unlink()
    write(estimates / "piece-1" / "voice.wav", stems_of(1)["vocals"])
    found = fails(renders, estimates)
    assert "piece-0: none of vocals, violin, mridangam is here" in found["piece-0, mine"]
    assert "vocals.wav and voice.wav are both vocals" in found["piece-1, mine"]
    (estimates / "piece-0").rmdir()
    assert "no estimates of piece-0" in fails(renders, estimates)["piece-0, mine"]


def test_a_silent_reference_is_noted_and_not_scored(renders, estimates) -> None:
    write(renders / "piece-0" / "violin.wav", np.zeros(SECONDS * RATE))
    found = evaluate(estimates=estimates, dataset=renders, baselines=("mixture",), options=CLEAN)
    assert "silent reference: violin" in found.parts[0].notes[0]
    assert "violin" not in {s.stem for s in found.parts[0].scores}


def test_a_perfect_estimate_counts_as_100_db(renders, estimates) -> None:
    reference = renders / "piece-0" / "violin.wav"
    (estimates / "piece-0" / "violin.wav").write_bytes(reference.read_bytes())
    found = evaluate(estimates=estimates, dataset=renders, baselines=(), options=CLEAN)
    scores = [s for s in found.parts[0].scores if s.stem == "violin" and s.metric == "sdr"]
    assert scores[0].value == np.inf
    assert found.summary["tracks"][0]["scores"]["mine"]["violin"]["sdr"] == 100.0


def test_stereo_estimates_of_mono_stems_are_averaged(renders, estimates) -> None:
    audio = stems_of(0)["violin"]
    side = off_by(audio, 0.0, seed=3) - audio
    write(estimates / "piece-0" / "violin.wav", np.stack([audio + side, audio - side]))
    found = evaluate(estimates=estimates, dataset=renders, baselines=(), options=CLEAN)
    scores = {s.stem: s.value for s in found.parts[0].scores if s.metric == "sdr"}
    assert scores["violin"] > 90
    for stem, sound in stems_of(1).items():  # and mono estimates of stereo stems are repeated
        write(renders / "piece-1" / f"{stem}.wav", np.stack([sound, sound]))
    found = evaluate(estimates=estimates, dataset=renders, baselines=(), options=CLEAN)
    scores = {s.stem: s.value for s in found.parts[1].scores if s.metric == "sdr"}
    assert scores["violin"] == pytest.approx(11.0, abs=1e-3)


def test_one_sample_has_an_sdr_and_nothing_else(tmp_path) -> None:
    for stem in STEMS[:2]:
        write(tmp_path / "tiny" / "dot" / f"{stem}.wav", np.array([0.5]))
        write(tmp_path / "guess" / "dot" / f"{stem}.wav", np.array([0.45]))
    options = EvaluationOptions(references="clean")
    found = evaluate(
        estimates=tmp_path / "guess",
        dataset=tmp_path / "tiny",
        baselines=FLOORS,
        options=options,
        out=tmp_path / "out",
    )
    assert found.failures == {}
    assert {s.metric for s in found.parts[0].scores} == {"sdr", "usdr"}
    assert found.summary["summary"]["guess"]["violin"]["sdr"]["mean"] == pytest.approx(20.0, 1e-3)
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_track_that_cannot_be_read_does_not_stop_the_others(renders, estimates) -> None:
    (renders / "piece-2" / "violin.wav").write_bytes(b"RIFF nothing")
    found = fails(renders, estimates)
    assert set(found) == {"piece-2"}
    assert "violin.wav" in found["piece-2"]


def test_nothing_could_be_scored(renders, estimates, tmp_path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(
        EvaluationError, match="no track could be scored; the first: .*no estimates"
    ):
        evaluate(estimates=empty, dataset=renders, baselines=(), options=CLEAN)


def test_what_is_told_before_any_work(renders, estimates, tmp_path) -> None:
    with pytest.raises(UsageError, match="nothing to score"):
        evaluate(dataset=renders, baselines=())
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        evaluate(estimates=tmp_path / "nowhere", dataset=renders)
    with pytest.raises(UnknownNameError, match="unknown baseline 'HPS'; did you mean: HPSS"):
        evaluate(dataset=renders, baselines=("HPS",))
    with pytest.raises(UnknownNameError, match="unknown metric 'sdrr'"):
        evaluate(dataset=renders, options=EvaluationOptions(metrics=("sdrr",)))
    with pytest.raises(UsageError, match="two systems are called mine"):
        evaluate(estimates=[estimates, estimates], dataset=renders)
    with pytest.raises(UsageError, match="jobs 0: give"):
        evaluate(dataset=renders, jobs=0)
    with pytest.raises(UsageError, match="jobs '2'"):
        evaluate(dataset=renders, jobs="2")
    with pytest.raises(UsageError, match="dataset 5: give a name"):
        evaluate(dataset=5, baselines="mixture")
    with pytest.raises(UsageError, match="7: give a name, a path, or several"):
        evaluate(7, dataset=renders)
    with pytest.raises(UsageError, match=r"model 7: give a model's name"):
        evaluate([7], dataset=renders)
    with pytest.raises(UsageError, match="references 'dirty'"):
        EvaluationOptions(references="dirty")
    with pytest.raises(UsageError, match="ceiling of nan dB: give a number"):
        EvaluationOptions(ceiling_db=float("nan"))
    with pytest.raises(UsageError, match="30"):
        EvaluationOptions(excerpt_seconds=31)


def test_the_public_name_is_lazy() -> None:
    import carnatic_sep

    assert carnatic_sep.evaluate is evaluate
