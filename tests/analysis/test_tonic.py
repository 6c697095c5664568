from __future__ import annotations

import numpy as np
import pytest
import soundfile

from carnatic_sep.analysis.drone import drone_histogram, drone_support, drone_tonic
from carnatic_sep.analysis.tonic import find_tonic, given_tonic, in_octave
from carnatic_sep.errors import AnalysisError, UsageError

from .conftest import RATE, TONIC, harmonic


def _cents(hz: float, truth: float = TONIC) -> float:
    return (1200 * np.log2(hz / truth) + 600) % 1200 - 600


def test_drone_whose_fourth_below_is_as_loud_as_sa() -> None:
    time = np.ones(8 * RATE)
    # Pa below Sa as loud as Sa: the trap in which 3/4 of the tonic is heard.
    sound = harmonic(TONIC * time, 8) + harmonic(0.75 * TONIC * time, 8)
    sound += harmonic(2 * TONIC * time, 6)
    histogram = drone_histogram(sound.astype(np.float32))
    assert histogram.sum() == pytest.approx(1.0)
    assert abs(_cents(drone_tonic(histogram))) < 10
    assert drone_support(histogram, TONIC) > 0.95
    assert drone_support(histogram, 0.75 * TONIC) < 0.93


def test_what_moves_is_no_drone() -> None:
    time = np.arange(6 * RATE) / RATE
    glide = harmonic(200.0 * 2 ** (0.2 * time))
    assert drone_histogram(glide.astype(np.float32)).sum() in (0.0, pytest.approx(1.0))
    assert drone_tonic(drone_histogram(np.zeros(RATE, dtype=np.float32))) == 0.0


def test_finds_the_tonic_of_a_piece(kutcheri) -> None:
    sung = np.array([0.0, 170.0, 180.0, 181.0, 360.0] * 40)
    found = find_tonic(
        kutcheri.folder / "mixture.wav", drone=kutcheri.folder / "other.wav", f0=sung
    )
    assert abs(1200 * np.log2(found.hz / TONIC)) < 20
    assert found.confidence > 0.5


@pytest.mark.parametrize(("hz", "octave"), [(73.0, 146.0), (146.0, 146.0), (584.0, 146.0)])
def test_octave_follows_the_singer(hz, octave) -> None:
    assert in_octave(hz, np.array([0.0] + [140.0] * 5 + [250.0] * 50)) == octave


def test_a_passage_in_the_upper_octave_does_not_lift_sa() -> None:
    sung = np.array([296.0] * 5 + [440.0] * 50)
    assert in_octave(148.0, sung) == 148.0
    assert in_octave(220.0, sung) == 220.0  # of a high voice: nothing to lower


def test_tonics_that_no_singer_has() -> None:
    assert given_tonic("147.68").confidence == 1.0
    for text in ("20", "900", "C#"):
        with pytest.raises(UsageError, match="tonic"):
            given_tonic(text)


def test_nothing_that_stands_still(tmp_path) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(2 * RATE), RATE)
    with pytest.raises(AnalysisError, match="--tonic"):
        find_tonic(path)
    with pytest.raises(UsageError):
        find_tonic(None)
