from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from carnatic_sep.analysis.batch import analyse_recordings
from carnatic_sep.analysis.options import AnalysisOptions
from carnatic_sep.analysis.pitch import PitchTrack
from carnatic_sep.analysis.recordings import Recording, find_recordings
from carnatic_sep.analysis.tables import write_pitch

from .conftest import TONIC

pytest.importorskip("essentia")


def _never() -> None:
    raise AssertionError("nothing is to be separated")


def _run(recordings, out):
    options = AnalysisOptions(tonic=str(TONIC))
    return list(analyse_recordings(recordings, out, options=options, make_separator=_never))


def test_a_link_to_nothing_is_told_like_any_bad_file(kutcheri, tmp_path, caplog) -> None:
    folder = tmp_path / "season"
    folder.mkdir()
    (folder / "gone.wav").symlink_to("nowhere.wav")
    (bad,) = _run(find_recordings([folder], out_dir=tmp_path / "o"), tmp_path / "o")
    assert bad.status == "failed"
    assert f"{folder / 'gone.wav'}: the file cannot be opened" in str(bad.error)
    assert "where it points if it is a link" in str(bad.error)
    assert not caplog.records  # nothing unexpected, so no traceback


@pytest.mark.parametrize(
    ("stems", "remedy"),
    [
        (("violin", "mridangam"), "try --part violin"),
        (("mridangam", "mixture"), "mixture.wav itself, which is then separated"),
        (("mridangam",), "the mixture itself, which is then separated"),
    ],
)
def test_without_the_stem_of_the_melody(kutcheri, tmp_path, stems, remedy) -> None:
    folder = tmp_path / "piece"
    folder.mkdir()
    for stem in stems:
        shutil.copy(kutcheri.folder / f"{stem}.wav", folder)
    (outcome,) = _run(find_recordings([folder], out_dir=tmp_path / "o"), tmp_path / "o")
    assert "there is no stem of vocals" in str(outcome.error)
    assert remedy in str(outcome.error)


@pytest.mark.skipif(os.name == "nt", reason="names are letters there")
def test_a_name_of_bytes_that_are_no_letters(kutcheri, tmp_path) -> None:
    name = os.fsdecode(b"bad\xff")
    try:
        shutil.copytree(kutcheri.folder, tmp_path / name)
    except OSError:
        pytest.skip("this file system refuses such names")
    (outcome,) = _run(find_recordings([tmp_path / name], out_dir=tmp_path / "o"), tmp_path / "o")
    assert outcome.error is None
    summary = json.loads((tmp_path / "o" / name / "analysis.json").read_text(encoding="utf-8"))
    assert summary["recording"] == Recording(name, None).title == "bad\ufffd"


@pytest.mark.parametrize("hop", [0.01, 0.0029, 128 / 44100])
def test_times_in_the_table_are_those_of_the_hop(tmp_path, hop) -> None:
    write_pitch(tmp_path, PitchTrack(np.full(5000, 200.0), np.ones(5000), hop))
    for name in ("pitch.csv", "confidence.csv"):
        times = np.loadtxt(tmp_path / name, delimiter=",")[:, 0]
        assert np.abs(times - np.arange(5000) * hop).max() < 1e-7
