"""Pitch files: their two columns, and the delay that Saraga's carry."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.pitch_annotation import read_pitch
from carnatic_sep.errors import AudioReadError


def test_pitch_files(tmp_path) -> None:
    path = tmp_path / "pitch.txt"
    path.write_text("0.0\t0\n0.01\t220.5\n", encoding="utf-8")
    seconds, hertz = read_pitch(path)
    assert seconds.tolist() == [0.0, 0.01]
    assert hertz.tolist() == [0.0, 220.5]
    for text in ("0.0 1.0 2.0\n", "time pitch\n", "0.0\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(AudioReadError, match=r"pitch\.txt: .*seconds and Hz"):
            read_pitch(path)
    with pytest.raises(AudioReadError, match="seconds and Hz"):
        read_pitch(tmp_path / "none.txt")


def _written(path, *, step):
    times = np.arange(1000) * step
    path.write_text("".join(f"{t:.7f}\t{100 + t:.7f}\n" for t in times), encoding="utf-8")
    return times


def test_saragas_times_lose_the_decoders_delay(tmp_path) -> None:
    path = tmp_path / "Some Song.pitch.txt"
    times = _written(path, step=196 / 44100)
    found, hertz = read_pitch(path)
    # A sample that old decoders number 1105 + n is sample n of the music.
    assert (hertz - 100) * 44100 - found * 44100 == pytest.approx(1105.0, abs=0.01)
    assert found[0] >= 0.0
    assert len(found) == np.sum(times >= 1105 / 44100)


@pytest.mark.parametrize(
    ("name", "step"), [("pitch.txt", 196 / 44100), ("mine.pitch.txt", 0.01), ("a.txt", 196 / 44100)]
)
def test_other_files_stand_as_they_are(tmp_path, name, step) -> None:
    times = _written(tmp_path / name, step=step)
    assert read_pitch(tmp_path / name)[0] == pytest.approx(times, abs=1e-6)


def test_an_offset_that_is_given_is_the_one_used(tmp_path) -> None:
    path = tmp_path / "Some Song.pitch.txt"
    times = _written(path, step=196 / 44100)
    assert read_pitch(path, offset_seconds=0.0)[0] == pytest.approx(times, abs=1e-6)
    assert read_pitch(path, offset_seconds=0.5)[0] == pytest.approx(times + 0.5, abs=1e-6)
    assert len(read_pitch(path, offset_seconds=-100.0)[0]) == 0
