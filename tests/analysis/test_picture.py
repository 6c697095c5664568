from __future__ import annotations

import itertools

import numpy as np
import pytest
import soundfile

from carnatic_sep.analysis.cents_spectrogram import cents_spectrogram
from carnatic_sep.analysis.distribution import SvaraPeak
from carnatic_sep.analysis.picture import choose_span
from carnatic_sep.analysis.pitch import PitchTrack
from carnatic_sep.analysis.svara_lines import draw_svaras, spread, svara_heights

from .conftest import RATE, TONIC, harmonic


def _peak(svara: str, cents: float) -> SvaraPeak:
    return SvaraPeak(svara, cents, 0.0, 0.1, 20.0, 0.0)


CROWD = [_peak("S", 1190.0), _peak("R1", 132.0), _peak("R2", 192.0), _peak("P", 702.0)]
CROWD += [_peak("D1", 806.0), _peak("D2", 850.0), _peak("D2", 883.0)]


def test_svaras_stand_in_every_octave_that_is_shown() -> None:
    found = svara_heights([_peak("S", 1195.0), _peak("P", 702.0)], (-600.0, 1900.0))
    # A Sa sung 5 cents flat is below zero, not an octave up; P' lies too close to the edge.
    assert found == [(-498.0, "P,"), (-5.0, "S"), (702.0, "P"), (1195.0, "S'")]


@pytest.mark.parametrize("count", [2, 5, 12])
def test_crowded_places_move_apart_and_keep_their_order(count) -> None:
    places = np.sort(np.random.default_rng(count).uniform(0.0, 40.0, count))
    found = spread(places, apart=10.0, low=-200.0, high=200.0)
    assert np.all(np.diff(found) >= 10.0 - 1e-9)
    assert np.all(spread([0.0, 20.0, 40.0], apart=10.0, low=0.0, high=40.0) == [0.0, 20.0, 40.0])
    # Moved as little as it takes: as a whole, they stay where they were.
    assert found.mean() == pytest.approx(places.mean())
    squeezed = spread(places, apart=10.0, low=0.0, high=15.0)
    assert squeezed[0] >= 0.0
    assert squeezed[-1] <= 15.0 + 1e-9


def test_no_name_covers_another() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.7, 8.27))
    canvas = FigureCanvasAgg(figure)
    melody = figure.add_axes((0.1, 0.4, 0.6, 0.5))
    histogram = figure.add_axes((0.75, 0.4, 0.1, 0.5))
    heights = (-240.0, 2340.0)
    for axes in (melody, histogram):
        axes.set_ylim(*heights)
    draw_svaras(melody, histogram, CROWD, heights)
    canvas.draw()
    boxes = [text.get_window_extent() for text in histogram.texts]
    names = [text.get_text() for text in histogram.texts]
    assert len(names) > 10
    assert {"S", "S'", "R2", "R2'"} <= set(names)
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))


def test_a_long_recording_is_shown_where_most_is_sung() -> None:
    f0 = np.zeros(20000)
    f0[9000:13000] = 200.0
    start, end = choose_span(PitchTrack(f0, np.ones(20000), 0.01))
    assert end - start == pytest.approx(30.0)
    assert start >= 90.0
    assert end <= 130.0
    assert choose_span(PitchTrack(f0[:4000], np.ones(4000), 0.01)) == (0.0, 40.0)


def test_a_tone_lies_at_its_height(tmp_path) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, harmonic(np.full(2 * RATE, 1.5 * TONIC), 3), RATE)
    levels = cents_spectrogram(
        path,
        tonic_hz=TONIC,
        start_seconds=0.0,
        end_seconds=2.0,
        lowest_cents=0.0,
        highest_cents=1200.0,
    )
    height = 20.0 * (int(np.argmax(levels.mean(axis=1))) + 0.5)
    assert height == pytest.approx(702.0, abs=20.0)
