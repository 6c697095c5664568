from __future__ import annotations

import numpy as np
import pytest
import soundfile

from carnatic_sep.errors import CarnaticSepError
from carnatic_sep.separation.verification import FLOOR_DB, null_depth


def write(path, audio, rate=8000):
    soundfile.write(path, audio, rate, subtype="FLOAT")
    return path


@pytest.fixture
def halves(tmp_path):
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (100_000, 2)).astype(np.float32)
    source = write(tmp_path / "a.wav", audio)
    return source, audio, [write(tmp_path / f"{n}.wav", audio / 2) for n in range(2)]


def test_an_exact_null_is_at_the_floor(halves):
    source, _, stems = halves
    assert null_depth(source, stems) == FLOOR_DB


def test_one_wrong_sample_is_found_at_its_level(halves, tmp_path):
    source, audio, stems = halves
    wrong = audio / 2
    wrong[99_999, 1] += 0.001
    depth = null_depth(source, [stems[0], write(tmp_path / "w.wav", wrong)])
    assert depth == pytest.approx(-60, abs=0.01)


def test_the_common_gain_is_taken_out(halves, tmp_path):
    source, audio, _ = halves
    scaled = write(tmp_path / "s.wav", audio * 0.5)
    assert null_depth(source, [scaled], gain=0.5) == FLOOR_DB
    assert null_depth(source, [scaled]) == pytest.approx(-12.04, abs=0.05)


@pytest.mark.parametrize("frames", [99_999, 100_001, 50_000])
def test_another_length_is_an_error(halves, tmp_path, frames):
    source, audio, stems = halves
    other = write(tmp_path / "o.wav", np.resize(audio / 2, (frames, 2)))
    with pytest.raises(CarnaticSepError, match=r"o\.wav: differs.*length"):
        null_depth(source, [stems[0], other])
