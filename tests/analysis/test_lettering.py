from __future__ import annotations

import warnings

import numpy as np
import pytest
import soundfile

from carnatic_sep.analysis.levels import Levels
from carnatic_sep.analysis.pitch import PitchTrack

from .conftest import RATE, TONIC, harmonic


def _scene(folder, title, levels=None):
    from carnatic_sep.analysis.picture import Scene

    sound = folder / "a.wav"
    soundfile.write(sound, harmonic(np.full(RATE, TONIC)).astype(np.float32), RATE)
    track = PitchTrack(np.full(100, TONIC), np.ones(100), 0.01)
    return Scene(title, sound, track, TONIC, levels)


@pytest.mark.parametrize("title", ["కృతి श्री", "a $\\frac{ $b_", "two\nlines", "plain"])
def test_any_name_is_drawn_without_a_word_on_the_terminal(tmp_path, title) -> None:
    pytest.importorskip("matplotlib")
    from carnatic_sep.analysis.picture import save_picture

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_picture(tmp_path / "a.png", _scene(tmp_path, title))
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_letters_of_no_font_become_boxes(monkeypatch) -> None:
    pytest.importorskip("matplotlib")
    from carnatic_sep.analysis import lettering

    title, fonts = lettering.lettered("Ś\U000e0fff\t!")  # no font has the middle one
    assert (title, fonts) == ("Ś▯ !", ["DejaVu Sans"])
    # a font that is installed and knows it is used
    own, other = lettering._installed()[0][1], "other.ttf"
    known = {own: {ord("Ś")}, other: {0xE0FFF}}
    monkeypatch.setattr(lettering, "_installed", lambda: [("DejaVu Sans", own), ("Other", other)])
    monkeypatch.setattr(lettering, "_letters_of", known.__getitem__)
    assert lettering.lettered("Ś\U000e0fff") == ("Ś\U000e0fff", ["DejaVu Sans", "Other"])


def test_a_silent_stem_is_drawn_silent() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from carnatic_sep.analysis import picture

    levels = Levels({"vocals": np.full(100, -20.0), "mridangam": np.full(100, -200.0)})
    axes = Figure().add_subplot()
    scene = picture.Scene("a", None, PitchTrack(np.zeros(100), np.zeros(100), 0.01), TONIC, levels)
    picture._draw_stems(axes, scene, (0.0, 1.0))
    heights = [np.ptp(row.get_paths()[0].vertices[:, 1]) for row in axes.collections]
    assert heights == pytest.approx([0.9, 0.0])
