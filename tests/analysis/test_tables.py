from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.analysis.batch import analyse_recordings
from carnatic_sep.analysis.jams_file import write_jams
from carnatic_sep.analysis.options import AnalysisOptions
from carnatic_sep.analysis.picture import check_span
from carnatic_sep.analysis.pitch import PitchTrack
from carnatic_sep.analysis.recordings import Recording
from carnatic_sep.analysis.tables import read_pitch, write_pitch
from carnatic_sep.analysis.tonic import Tonic
from carnatic_sep.errors import AnalysisError, UsageError


def _track(count: int, hop: float = 0.01) -> PitchTrack:
    f0 = np.where(np.arange(count) % 7, 100.0 + np.arange(count) / 97.0, 0.0)
    return PitchTrack(f0, (np.arange(count) % 11) / 11.0, hop, "somebody")


def test_a_contour_is_fitted_to_its_recording(tmp_path) -> None:
    write_pitch(tmp_path, _track(1000))
    path = tmp_path / "pitch.csv"
    short = read_pitch(path, hop_seconds=0.02, lasts_seconds=9.5)
    assert (len(short.f0), short.hop_seconds) == (475, 0.02)
    assert np.allclose(short.f0, read_pitch(path).f0[:950:2])
    longer = read_pitch(path, hop_seconds=0.01, lasts_seconds=10.8)
    assert len(longer.f0) == len(longer.confidence) == 1080
    assert not longer.f0[1000:].any()
    path.write_text(path.read_text() + "\n")  # an empty last line
    assert len(read_pitch(path).f0) == 1000
    with pytest.raises(AnalysisError, match=r"10\.00 s but the recording 30\.00 s"):
        read_pitch(path, lasts_seconds=30.0)


def test_jams_holds_each_sample(tmp_path) -> None:
    jams = pytest.importorskip("jams")
    pitch = _track(500)
    path = tmp_path / "found.jams"
    title = 'a "title" with {braces}, the samples of the contour'
    write_jams(path, title=title, seconds=5.0, pitch=pitch, tonic=Tonic(146.8, 0.9, "given"))
    whole = jams.load(str(path))  # which holds it against the schema
    assert whole.file_metadata.title == title
    data = whole.search(namespace="pitch_contour")[0].data
    assert np.allclose([each.time for each in data], pitch.times)
    assert np.allclose([each.value["frequency"] for each in data], pitch.f0, atol=1e-4)
    assert [each.value["voiced"] for each in data] == pitch.voiced.tolist()
    assert np.allclose([each.confidence for each in data], pitch.confidence, atol=1e-4)


def test_one_melody_is_not_of_two_recordings(tmp_path) -> None:
    write_pitch(tmp_path, _track(1000))
    options = AnalysisOptions(pitch=str(tmp_path / "pitch.csv"))
    two = [Recording(name, tmp_path / name) for name in ("a.wav", "b.wav")]
    with pytest.raises(UsageError, match="one recording, but there are 2"):
        next(analyse_recordings(two, tmp_path, options=options, make_separator=lambda: None))


def test_what_is_missing_is_said_before_the_work(tmp_path, monkeypatch) -> None:
    import sys

    (tmp_path / "words.csv").write_text("no,contour\n", encoding="utf-8")
    with pytest.raises(AnalysisError, match="not a contour"):
        AnalysisOptions(pitch=str(tmp_path / "words.csv")).check()
    monkeypatch.setitem(sys.modules, "jams", None)
    with pytest.raises(UsageError, match=r"carnatic-sep\[analysis\]"):
        AnalysisOptions().check()
    with pytest.raises(AnalysisError, match=r"from 70 to 80 s; it lasts 60\.0 s"):
        check_span(tmp_path, (70.0, 80.0), 60.0)
