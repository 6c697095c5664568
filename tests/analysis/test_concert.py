from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import soundfile
import torch

from carnatic_sep.analysis.batch import analyse_recordings
from carnatic_sep.analysis.levels import Levels, stem_levels
from carnatic_sep.analysis.options import AnalysisOptions, parse_span
from carnatic_sep.analysis.pitch import PitchTrack
from carnatic_sep.analysis.recordings import Recording, find_recordings
from carnatic_sep.analysis.tables import read_pitch, write_pitch
from carnatic_sep.analysis.voicing import gate
from carnatic_sep.errors import AnalysisError, UsageError

from .conftest import RATE, TONIC, write_stems

pytest.importorskip("essentia")


def _never() -> None:
    raise AssertionError("nothing is to be separated")


def _run(recordings, out, **more):
    options = more.pop("options", AnalysisOptions(tonic=str(TONIC)))
    return list(analyse_recordings(recordings, out, options=options, make_separator=_never, **more))


@pytest.fixture(scope="module")
def done(kutcheri, tmp_path_factory):
    out = tmp_path_factory.mktemp("analysis")
    (kutcheri.folder / "sama.txt").write_text("0.5\n2.5\n4.5\n6.5\n", encoding="utf-8")
    recordings = find_recordings([kutcheri.folder], out_dir=out)
    outcome = _run(recordings, out)[0]
    assert outcome.error is None, outcome.error
    return outcome, recordings, out


def test_every_file_says_the_same(done) -> None:
    outcome, _, _ = done
    folder = outcome.folder
    assert outcome.status == "analysed"
    summary = json.loads((folder / "analysis.json").read_text())
    assert summary["tonic"]["hz"] == TONIC
    # The voice rests in the second half, and a drone and a violin go on.
    assert summary["pitch"]["voiced_seconds"] == pytest.approx(4.5, abs=2.0)
    assert {each["svara"] for each in summary["svaras"]} <= {"S", "R2", "G3", "P", "D2"}
    pitch = np.loadtxt(folder / "pitch.csv", delimiter=",")
    assert pitch.shape == (1200, 2)
    assert not pitch[650:, 1].any()
    strokes = (folder / "strokes.csv").read_text().splitlines()
    assert len(strokes) - 1 == summary["rhythm"]["strokes"] == 44
    assert summary["sama"]["with_stroke"] == 1.0
    labels = [line.split("\t") for line in (folder / "strokes.labels.txt").read_text().splitlines()]
    assert len(labels) == 44
    assert float(labels[0][0]) == pytest.approx(0.5, abs=0.02)
    layer = ET.parse(folder / "pitch.svl").getroot()
    points = layer.findall(".//point")
    assert len(points) == np.count_nonzero(pitch[:, 1])
    assert float(points[0].get("value")) == pytest.approx(pitch[pitch[:, 1] > 0][0, 1], abs=0.01)
    assert len(ET.parse(folder / "strokes.svl").findall(".//point")) == 44
    assert (folder / "picture.png").stat().st_size > 20_000
    assert np.loadtxt(folder / "surface.csv", delimiter=",").sum() == pytest.approx(1.0, abs=1e-3)


def test_jams_reads_what_was_written(done) -> None:
    jams = pytest.importorskip("jams")
    whole = jams.load(str(done[0].folder / "analysis.jams"))
    assert whole.file_metadata.duration == pytest.approx(12.0)
    assert len(whole.search(namespace="onset")[0].data) == 44
    contour = whole.search(namespace="pitch_contour")[0]
    assert len(contour.data) == 1200
    pitch = np.loadtxt(done[0].folder / "pitch.csv", delimiter=",")
    assert [each.value["voiced"] for each in contour.data] == list(pitch[:, 1] > 0)


def test_what_is_done_is_kept(done, tmp_path) -> None:
    _, recordings, out = done
    assert _run(recordings, out)[0].status == "kept"
    melody = tmp_path / "pitch.csv"
    melody.write_bytes((done[0].folder / "pitch.csv").read_bytes())
    other = AnalysisOptions(tonic="175", pitch=str(melody))
    again = _run(recordings, out, options=other)[0]
    assert again.status == "analysed"
    assert again.summary["tonic"]["hz"] == 175.0
    assert again.summary["pitch"]["tracker"] == "pitch.csv"
    # of the same input and options, and yet done anew
    assert _run(recordings, out, options=other)[0].status == "kept"
    assert _run(recordings, out, options=other, overwrite=True)[0].status == "analysed"


def test_an_interrupted_analysis_is_not_taken_for_done(kutcheri, tmp_path, monkeypatch) -> None:
    recordings = find_recordings([kutcheri.folder], out_dir=tmp_path)

    def interrupt(*ignored, **more):
        raise KeyboardInterrupt

    first, second = (AnalysisOptions(tonic=str(hz)) for hz in (TONIC, 1.25 * TONIC))
    assert _run(recordings, tmp_path, options=first)[0].status == "analysed"
    with monkeypatch.context() as pressed:
        pressed.setattr("carnatic_sep.analysis.concert.save_picture", interrupt)
        with pytest.raises(KeyboardInterrupt):
            _run(recordings, tmp_path, options=second)
    assert _run(recordings, tmp_path, options=first)[0].status == "analysed"


def test_other_weights_in_the_same_file_are_another_model(tmp_path) -> None:
    from carnatic_sep.analysis import batch
    from carnatic_sep.models.band_unet import BandUNet
    from carnatic_sep.models.checkpoint import Provenance, save_checkpoint

    soundfile.write(tmp_path / "mix.wav", np.zeros(RATE), RATE)
    path = tmp_path / "mine.safetensors"
    settings = []
    for seed in (0, 1, 1):
        torch.manual_seed(seed)
        network = BandUNet(widths=(4, 4), hidden=4)
        save_checkpoint(path, network, Provenance(name="mine", licence="CC0-1.0"))
        recording = Recording("mix", tmp_path / "mix.wav")
        settings.append(batch._settings(recording, AnalysisOptions(), str(path)))
    assert settings[0] != settings[1] == settings[2]


def test_a_mixture_is_separated_once(kutcheri, tmp_path, monkeypatch) -> None:
    from carnatic_sep.analysis import batch

    calls = []

    def separate(separator, recording, folder, settings, report):
        calls.append(recording.name)
        made = write_stems(folder / "stems", 12.0).folder
        (made / "made-from.json").write_text(json.dumps(batch._made_from(settings)))
        return {name: made / f"{name}.wav" for name in ("vocals", "violin", "mridangam", "other")}

    monkeypatch.setattr(batch, "_separate", separate)
    sound, _ = soundfile.read(kutcheri.folder / "mixture.wav")
    soundfile.write(tmp_path / "a concert.wav", sound, RATE)
    recordings = find_recordings([tmp_path], out_dir=tmp_path / "out")
    assert [r.name for r in recordings] == ["a concert"]
    for expected in ("analysed", "kept"):
        found = list(
            analyse_recordings(
                recordings,
                tmp_path / "out",
                options=AnalysisOptions(tonic=str(TONIC)),
                make_separator=lambda: None,
            )
        )
        assert [each.status for each in found] == [expected]
    (tmp_path / "out" / "a concert" / "analysis.json").unlink()
    list(
        analyse_recordings(
            recordings,
            tmp_path / "out",
            options=AnalysisOptions(tonic=str(TONIC)),
            make_separator=lambda: None,
        )
    )
    assert calls == ["a concert"]  # an interrupted call finds its stems again


def test_stems_of_another_length_than_the_mix(kutcheri, tmp_path) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    for path in kutcheri.folder.glob("*.wav"):
        sound, _ = soundfile.read(path)
        cut = sound[: 3 * RATE] if path.stem == "vocals" else sound
        soundfile.write(folder / path.name, cut, RATE)
    outcome = _run(find_recordings([folder], out_dir=tmp_path / "o"), tmp_path / "o")[0]
    assert outcome.status == "failed"
    assert "3.00 s" in str(outcome.error)
    assert "12.00 s" in str(outcome.error)
    with pytest.raises(AnalysisError, match="equally long"):
        stem_levels({"vocals": folder / "vocals.wav", "other": folder / "other.wav"})


def test_nothing_sung(tmp_path) -> None:
    plain = write_stems(tmp_path / "still", 3.0, sung=0.0)
    recordings = find_recordings([plain.folder], out_dir=tmp_path / "o")
    good = write_stems(tmp_path / "sung", 12.0)
    recordings += find_recordings([good.folder], out_dir=tmp_path / "o")
    bad, fine = _run(recordings, tmp_path / "o")
    assert bad.status == "failed"
    assert "no voiced frames" in str(bad.error)
    assert "vocals.wav" in str(bad.error)
    assert str(plain.folder / "mixture.wav") in str(bad.error)  # the recording that was given
    assert "--part violin" in str(bad.error)
    assert fine.status == "analysed"


def test_a_melody_is_gated_by_its_stem_and_its_rival() -> None:
    loud, quiet = np.full(100, -20.0), np.full(100, -60.0)
    pitch = PitchTrack(np.full(300, 200.0), np.ones(300), 0.01)
    levels = Levels(
        {
            "vocals": np.concatenate([loud, quiet, loud - 15.0]),
            "violin": np.concatenate([loud, quiet, loud]),
        }
    )
    voiced = gate(pitch, levels).voiced
    assert voiced[:90].all()
    assert not voiced[110:190].any()
    assert not voiced[210:].any()  # 15 dB below the violin: what a separator leaves of it


def test_contours_of_other_hops_and_other_things(tmp_path) -> None:
    track = PitchTrack(np.linspace(100.0, 200.0, 500), np.ones(500), 0.0044444)
    write_pitch(tmp_path, track)
    found = read_pitch(tmp_path / "pitch.csv", hop_seconds=0.01)
    assert found.hop_seconds == 0.01
    assert len(found.f0) == 222
    assert np.abs(found.f0 - np.interp(found.times, track.times, track.f0)).max() < 0.5
    for text, word in (
        ("0,0\n0.01,0\n0.02,0\n", "voiced"),
        ("0,100\n0.01,100\n0.5,100\n", "evenly"),
        ("0,100,1\n0.01,100,1\n", "two columns"),
        ("time,hz\n", "contour"),
    ):
        path = tmp_path / "bad.csv"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(AnalysisError, match=word):
            read_pitch(path)


def test_requests_that_cannot_be_met(tmp_path) -> None:
    with pytest.raises(UsageError, match="no such"):
        find_recordings([tmp_path / "nowhere"], out_dir=tmp_path)
    with pytest.raises(UsageError, match="no audio"):
        find_recordings([tmp_path], out_dir=tmp_path / "out")
    with pytest.raises(UsageError, match="tonic"):
        AnalysisOptions(tonic="9000").check()
    with pytest.raises(UsageError, match=r"--pitch nowhere.csv: no such file"):
        AnalysisOptions(pitch="nowhere.csv").check()
    with pytest.raises(UsageError, match="part"):
        AnalysisOptions(part="mridangam").check()
    with pytest.raises(UsageError, match="show"):
        parse_span("120-60")
    assert isinstance(Recording("a", tmp_path / "a.wav").source, type(tmp_path))
